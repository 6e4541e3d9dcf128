import { ClaimedTask, HeartbeatReply, PatchSet, RunnerBeatReply } from '@shared/contracts'
import type { ClaimRequest, RunnerBeat, RunnerRegistration } from '@shared/contracts'
import { z } from 'zod'

/** A call that did not get its answer. `status` is null when the orchestrator could not be reached. */
export class OrchestratorError extends Error {
	readonly status: number | null
	readonly code: string
	readonly retryAfterMs: number

	constructor(message: string, { status, code, retryAfterMs = 0 }: { status: number | null; code: string; retryAfterMs?: number }) {
		super(message)
		this.name = 'OrchestratorError'
		this.status = status
		this.code = code
		this.retryAfterMs = retryAfterMs
	}

	/** Whether the same call can succeed later. */
	get isTransient(): boolean {
		return this.status === null || this.status >= 500 || this.status === 429 || this.status === 408
	}
}

export interface OrchestratorClient {
	claim(request: ClaimRequest, signal: AbortSignal): Promise<ClaimedTask[]>
	/** Bodies are JSON text, because what leaves the runner is redacted as text. */
	heartbeat(taskId: string, body: string): Promise<HeartbeatReply>
	complete(taskId: string, body: string): Promise<void>
	fail(taskId: string, body: string): Promise<void>
	getPatchSet(path: string, executionToken: string, signal: AbortSignal): Promise<PatchSet>
	/** Joins the pool of the token, or joins it again. */
	register(runner: RunnerRegistration): Promise<void>
	beat(containerName: string, beat: RunnerBeat): Promise<RunnerBeatReply>
}

export interface ClientOptions {
	orchestratorURL: string
	runnerToken: string
	fetch?: typeof globalThis.fetch
	/** Told of every answer, refusals included: the orchestrator is there. */
	onContact?: () => void
}

const REQUEST_TIMEOUT_MS = 30_000
const UPLOAD_TIMEOUT_MS = 120_000
const BEAT_TIMEOUT_MS = 10_000

const ClaimReply = z.object({ tasks: z.array(ClaimedTask) })
const ErrorReply = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Every method throws OrchestratorError. */
export function createOrchestratorClient({ orchestratorURL, runnerToken, fetch = globalThis.fetch, onContact }: ClientOptions): OrchestratorClient {
	const call = async (path: string, init: RequestInit & { token?: string }): Promise<Response> => {
		const { token = runnerToken, ...rest } = init
		const headers = { authorization: `Bearer ${token}`, ...(rest.body ? { 'content-type': 'application/json' } : {}) }
		const url = `${orchestratorURL}${path}`
		const response = await fetch(url, { ...rest, headers, redirect: 'error' }).catch((error: unknown) => {
			throw unreachable(url, error)
		})
		onContact?.()
		if (response.ok) return response
		throw await refused(path, response)
	}
	const post = async (taskId: string, verb: string, request: { body: string; timeoutMs: number }): Promise<Response> =>
		await call(`/api/tasks/${taskId}/${verb}`, { method: 'POST', body: request.body, signal: AbortSignal.timeout(request.timeoutMs) })
	return {
		async claim(request, signal) {
			const limit = AbortSignal.any([signal, AbortSignal.timeout(request.waitMs + 15_000)])
			const response = await call('/api/tasks/claim', { method: 'POST', body: JSON.stringify(request), signal: limit })
			if (response.status === 204) return []
			return (await parse(ClaimReply, response)).tasks
		},
		async heartbeat(taskId, body) {
			return await parse(HeartbeatReply, await post(taskId, 'heartbeat', { body, timeoutMs: REQUEST_TIMEOUT_MS }))
		},
		async complete(taskId, body) {
			await drain(await post(taskId, 'complete', { body, timeoutMs: UPLOAD_TIMEOUT_MS }))
		},
		async fail(taskId, body) {
			await drain(await post(taskId, 'fail', { body, timeoutMs: UPLOAD_TIMEOUT_MS }))
		},
		async getPatchSet(path, executionToken, signal) {
			const limit = AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_TIMEOUT_MS)])
			return await parse(PatchSet, await call(path, { token: executionToken, headers: { accept: 'application/json' }, signal: limit }))
		},
		async register(runner) {
			await drain(await call('/api/containers/register', { method: 'POST', body: JSON.stringify(runner), signal: AbortSignal.timeout(BEAT_TIMEOUT_MS) }))
		},
		async beat(containerName, beat) {
			return await parse(RunnerBeatReply, await call(`/api/containers/${encodeURIComponent(containerName)}/heartbeat`, { method: 'POST', body: JSON.stringify(beat), signal: AbortSignal.timeout(BEAT_TIMEOUT_MS) }))
		},
	}
}

async function parse<T>(schema: z.ZodType<T>, response: Response): Promise<T> {
	const parsed = schema.safeParse(await response.json().catch(() => undefined))
	if (parsed.success) return parsed.data
	const [issue] = parsed.error.issues
	const message = `The answer of the orchestrator is not as agreed: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}. Are runner and orchestrator of one version?`
	throw new OrchestratorError(message, { status: response.status, code: 'INVALID_ANSWER' })
}

async function refused(path: string, response: Response): Promise<OrchestratorError> {
	const parsed = ErrorReply.safeParse(await response.json().catch(() => undefined))
	const seconds = Number(response.headers.get('retry-after'))
	const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : 0
	const { code, message } = parsed.success ? parsed.data.error : { code: `HTTP_${response.status}`, message: `${path} answered ${response.status}.` }
	return new OrchestratorError(message, { status: response.status, code, retryAfterMs })
}

function unreachable(url: string, error: unknown): OrchestratorError {
	const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
	const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
	return new OrchestratorError(`${new URL(url).origin} cannot be reached: ${reason}`, { status: null, code: 'UNREACHABLE' })
}

/** An unread body would keep the connection from being used again. */
async function drain(response: Response): Promise<void> {
	await response.arrayBuffer().catch(() => {})
}
