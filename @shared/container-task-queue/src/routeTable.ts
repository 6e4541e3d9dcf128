import { createRoute, z } from '@hono/zod-openapi'
import {
	ClaimedTask,
	ClaimRequest,
	CompletedTask,
	CompleteManyReply,
	CompleteManyRequest,
	CompleteRequest,
	ContainerTask,
	ContainerTaskInput,
	ContainerTaskStatus,
	ExecutionId,
	FailRequest,
	HeartbeatReply,
	HeartbeatRequest,
	QueueSummary,
	TaskPlan,
	TaskPlanInput,
	WorkerShare,
} from '@shared/contracts'
import type { Scope } from '@shared/contracts'
import type { Env, MiddlewareHandler } from 'hono'
import { STREAMS } from './streams.ts'

const SMALL_BODY_BYTES = 256 * 1024
/** A hundred tasks. */
const PLAN_BODY_BYTES = 8 * 1024 * 1024
/** Reports carry patch sets. */
const REPORT_BODY_BYTES = 32 * 1024 * 1024

/** What a door checks before it reads the body: the scope of the token, and how long the body may be. */
export type Guard<E extends Env> = (scope: Scope, maxBodyBytes?: number) => [MiddlewareHandler<E>, MiddlewareHandler<E>]

const ErrorAnswer = z
	.object({ error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean(), details: z.record(z.string(), z.unknown()).optional() }) })
	.openapi('Error')

function answers<T extends z.ZodType>(status: 200 | 201, schema: T, description: string) {
	return {
		[status]: { content: { 'application/json': { schema } }, description },
		default: { content: { 'application/json': { schema: ErrorAnswer } }, description: 'What was wrong, and whether the same call can succeed later' },
	}
}

const json = <T extends z.ZodType>(schema: T) => ({ required: true, content: { 'application/json': { schema } } })
const params = z.object({ taskId: z.string().max(100) })
const once = z.object({ 'idempotency-key': z.string().min(1).max(200).optional() })
const claimed = { ...answers(200, z.object({ tasks: z.array(ClaimedTask) }), 'The tasks, each with its lease'), 204: { description: 'There is nothing to do' } }
const EvidenceView = z.object({ id: z.int(), kind: z.string(), reason: z.string(), containerName: z.string().nullable(), body: z.unknown(), at: z.int() })
const Limit = z.strictObject({ maxRunning: z.int().min(0).max(100_000).nullable() })

/** Routes that change what there is to do. */
export function createSubmitRoutes<E extends Env>(guard: Guard<E>) {
	return {
		submit: createRoute({
			method: 'post',
			path: '/api/tasks',
			operationId: 'submitContainerTask',
			summary: 'Queue work for a container; the header Idempotency-Key makes a repeat return the first task',
			middleware: guard('tasks:submit', SMALL_BODY_BYTES),
			request: { headers: once, body: json(ContainerTaskInput) },
			responses: answers(201, ContainerTask, 'The task'),
		}),
		submitPlan: createRoute({
			method: 'post',
			path: '/api/task-plans',
			operationId: 'submitTaskPlan',
			summary: 'Queue several tasks, all or none, which may wait for each other; the header Idempotency-Key makes a repeat return the first plan',
			middleware: guard('tasks:submit', PLAN_BODY_BYTES),
			request: { headers: once, body: json(TaskPlanInput) },
			responses: answers(201, TaskPlan, 'The plan with its tasks'),
		}),
		cancel: createRoute({
			method: 'post',
			path: '/api/tasks/{taskId}/cancel',
			operationId: 'cancelContainerTask',
			middleware: guard('tasks:submit', SMALL_BODY_BYTES),
			request: { params, body: json(z.strictObject({ reason: z.string().min(1).max(1000) })) },
			responses: answers(200, ContainerTask, 'The task; a leased one ends when its runner hears of it'),
		}),
		setLimit: createRoute({
			method: 'put',
			path: '/api/task-queue/workers/{workerName}',
			operationId: 'setMaxRunningTasks',
			summary: 'Set how many tasks of a Worker may run at once; null is the default again',
			middleware: guard('admin', SMALL_BODY_BYTES),
			request: { params: z.object({ workerName: z.string().regex(/^[\w.:-]{1,100}$/) }), body: json(Limit) },
			responses: answers(200, WorkerShare, 'What holds now'),
		}),
	}
}

/** Routes that look at it. */
export function createViewRoutes<E extends Env>(guard: Guard<E>) {
	return {
		list: createRoute({
			method: 'get',
			path: '/api/tasks',
			operationId: 'listContainerTasks',
			middleware: guard('read'),
			request: {
				query: z.object({
					limit: z.coerce.number().int().min(1).max(1000).optional(),
					cursor: z.string().max(200).optional(),
					status: ContainerTaskStatus.optional(),
					executionId: ExecutionId.optional(),
				}),
			},
			responses: answers(200, z.object({ items: z.array(ContainerTask), nextCursor: z.string().nullable() }), 'Tasks, newest first; an operator sees those of all Workers'),
		}),
		get: createRoute({
			method: 'get',
			path: '/api/tasks/{taskId}',
			operationId: 'getContainerTask',
			middleware: guard('read'),
			request: { params },
			responses: answers(200, ContainerTask, 'The task with its output'),
		}),
		stream: createRoute({
			method: 'get',
			path: '/api/tasks/{taskId}/streams/{name}',
			operationId: 'getContainerTaskStream',
			summary: 'What a command wrote, whole; the task itself holds the end of it',
			middleware: guard('read'),
			request: { params: params.extend({ name: z.enum(STREAMS) }) },
			responses: { 200: { content: { 'text/plain': { schema: z.string() } }, description: 'The text' } },
		}),
		evidence: createRoute({
			method: 'get',
			path: '/api/tasks/{taskId}/evidence',
			operationId: 'getContainerTaskEvidence',
			summary: 'Reports that came with a lost lease: kept, never applied',
			middleware: guard('read'),
			request: { params },
			responses: answers(200, z.object({ items: z.array(EvidenceView) }), 'The late reports, oldest first'),
		}),
		plan: createRoute({
			method: 'get',
			path: '/api/task-plans/{planId}',
			operationId: 'getTaskPlan',
			middleware: guard('read'),
			request: { params: z.object({ planId: z.string().max(100) }) },
			responses: answers(200, TaskPlan, 'The plan: how far it is, and its tasks'),
		}),
		summary: createRoute({
			method: 'get',
			path: '/api/task-queue',
			operationId: 'getTaskQueueSummary',
			middleware: guard('read'),
			responses: answers(200, QueueSummary, 'How many tasks have which status, and how many of each Worker run'),
		}),
	}
}

/** Routes of runners. */
export function createRunnerRoutes<E extends Env>(guard: Guard<E>) {
	return {
		claim: createRoute({
			method: 'post',
			path: '/api/tasks/claim',
			operationId: 'claimContainerTasks',
			summary: 'Take the next tasks under a lease; waits up to `waitMs` for one',
			middleware: guard('tasks:claim', SMALL_BODY_BYTES),
			request: { body: json(ClaimRequest) },
			responses: claimed,
		}),
		claimOne: createRoute({
			method: 'post',
			path: '/api/tasks/{taskId}/claim',
			operationId: 'claimContainerTask',
			summary: 'Take this task under a lease',
			middleware: guard('tasks:claim', SMALL_BODY_BYTES),
			request: { params, body: json(ClaimRequest) },
			responses: claimed,
		}),
		heartbeat: createRoute({
			method: 'post',
			path: '/api/tasks/{taskId}/heartbeat',
			operationId: 'heartbeatContainerTask',
			middleware: guard('tasks:claim', SMALL_BODY_BYTES),
			request: { params, body: json(HeartbeatRequest) },
			responses: answers(200, HeartbeatReply, 'Until when the lease holds now, and whether to stop'),
		}),
		complete: createRoute({
			method: 'post',
			path: '/api/tasks/{taskId}/complete',
			operationId: 'completeContainerTask',
			summary: 'Report a result; with `claimNext` take the next tasks in the same call',
			middleware: guard('tasks:claim', REPORT_BODY_BYTES),
			request: { params, body: json(CompleteRequest.partial({ leaseToken: true })) },
			responses: answers(200, CompletedTask, 'The completed task, the same for a repeated report; `next` are the tasks that `claimNext` took'),
		}),
		completeMany: createRoute({
			method: 'post',
			path: '/api/tasks/complete',
			operationId: 'completeContainerTasks',
			summary: 'Report several results, each of which stands for itself',
			middleware: guard('tasks:claim', REPORT_BODY_BYTES),
			request: { body: json(CompleteManyRequest) },
			responses: answers(200, CompleteManyReply, 'What became of each report, in their order'),
		}),
		fail: createRoute({
			method: 'post',
			path: '/api/tasks/{taskId}/fail',
			operationId: 'failContainerTask',
			middleware: guard('tasks:claim', REPORT_BODY_BYTES),
			request: { params, body: json(FailRequest.partial({ leaseToken: true })) },
			responses: answers(200, ContainerTask, 'The task: failed, or pending when it will be tried again'),
		}),
	}
}
