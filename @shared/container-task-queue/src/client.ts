import { AppError, ClaimedTask, CompletedTask, CompleteManyReply, ContainerTask, HeartbeatReply, isErrorCode, TaskPlan } from '@shared/contracts'
import type { ClaimRequest, CompleteManyRequest, CompleteRequest, ContainerTaskInput, FailRequest, HeartbeatRequest, TaskPlanInput } from '@shared/contracts'
import { z } from 'zod'

export interface TaskQueueClientOptions {
	/** Of the orchestrator. */
	baseURL: string
	token: string
	fetch: typeof fetch
}

const Claims = z.object({ tasks: z.array(ClaimedTask) })
const Failure = z.object({ error: z.object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() }) })

type Body = object | undefined
type Call = <Schema extends z.ZodType>(schema: Schema, request: { method: 'GET' | 'POST'; path: string; body?: Body; headers?: Record<string, string> }) => Promise<z.infer<Schema> | null>

/** The REST doors as typed functions. Throws the AppError that the orchestrator answered; UNAVAILABLE when it answered something else. */
export function createTaskQueueClient({ baseURL, token, fetch }: TaskQueueClientOptions) {
	const call: Call = async (schema, { method, path, body, headers }) => {
		const response = await fetch(`${baseURL}${path}`, {
			method,
			headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		})
		if (response.status === 204) return null
		const answer: unknown = await response.json().catch(() => undefined)
		if (!response.ok) throw toError(response.status, answer)
		return schema.parse(answer)
	}
	const must: Call = async (schema, request) => (await call(schema, request)) ?? unexpected(204)
	const post = <Schema extends z.ZodType>(schema: Schema, path: string, body: object) => must(schema, { method: 'POST', path, body }) as Promise<z.infer<Schema>>
	const get = <Schema extends z.ZodType>(schema: Schema, path: string) => must(schema, { method: 'GET', path }) as Promise<z.infer<Schema>>
	const of = (taskId: string) => `/api/tasks/${encodeURIComponent(taskId)}`

	return {
		submit: (task: z.input<typeof ContainerTaskInput>): Promise<ContainerTask> => post(ContainerTask, '/api/tasks', task),
		submitPlan: (plan: z.input<typeof TaskPlanInput>): Promise<TaskPlan> => post(TaskPlan, '/api/task-plans', plan),
		plan: (planId: string): Promise<TaskPlan> => get(TaskPlan, `/api/task-plans/${encodeURIComponent(planId)}`),
		get: (taskId: string): Promise<ContainerTask> => get(ContainerTask, of(taskId)),
		claim: async (request: z.input<typeof ClaimRequest>): Promise<ClaimedTask[]> => (await call(Claims, { method: 'POST', path: '/api/tasks/claim', body: request }))?.tasks ?? [],
		heartbeat: (taskId: string, beat: z.input<typeof HeartbeatRequest>): Promise<HeartbeatReply> => post(HeartbeatReply, `${of(taskId)}/heartbeat`, beat),
		complete: (taskId: string, report: z.input<typeof CompleteRequest>): Promise<CompletedTask> => post(CompletedTask, `${of(taskId)}/complete`, report),
		completeMany: (request: z.input<typeof CompleteManyRequest>): Promise<CompleteManyReply> => post(CompleteManyReply, '/api/tasks/complete', request),
		fail: (taskId: string, report: z.input<typeof FailRequest>): Promise<ContainerTask> => post(ContainerTask, `${of(taskId)}/fail`, report),
		cancel: (taskId: string, reason: string): Promise<ContainerTask> => post(ContainerTask, `${of(taskId)}/cancel`, { reason }),
	}
}
export type TaskQueueClient = ReturnType<typeof createTaskQueueClient>

function toError(status: number, answer: unknown): AppError {
	const parsed = Failure.safeParse(answer)
	if (!parsed.success || !isErrorCode(parsed.data.error.code)) return unexpectedError(status)
	const { code, message, details } = parsed.data.error
	return new AppError(code, message, details)
}

const unexpectedError = (status: number) => new AppError('UNAVAILABLE', `The orchestrator answered ${status} and nothing that can be read. Try again.`)

function unexpected(status: number): never {
	throw unexpectedError(status)
}
