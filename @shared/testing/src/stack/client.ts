import type { ContainerTask, ErrorBody, ExecutionView, LogEntry, OrderCreated, OrderInput, OrderView, Page, PatchSet, WorkspaceView } from '@shared/contracts'

/** A refusal of the orchestrator, as it came over HTTP. */
export class RequestRefused extends Error {
	readonly status: number
	readonly body: ErrorBody
	constructor(status: number, body: ErrorBody) {
		super(`${status} ${body.code}: ${body.message}`)
		this.status = status
		this.body = body
	}
}

/**
 * The REST doors of the orchestrator as functions, for scripts and tests. They wait for git and Docker without looking at their sockets,
 * and the server gives up a connection meanwhile that the next request would take: so each has its own.
 */
export function createClient(url: string, token: string) {
	async function call<Answer>(method: string, path: string, { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {}): Promise<Answer> {
		const answer = await fetch(url + path, {
			method,
			headers: { authorization: `Bearer ${token}`, connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		})
		const text = await answer.text()
		if (answer.ok) return (text === '' ? null : JSON.parse(text)) as Answer
		const parsed = safeJSON(text) as { error?: ErrorBody } | undefined
		throw new RequestRefused(answer.status, parsed?.error ?? { code: 'INTERNAL', message: text.slice(0, 500), retryable: false })
	}

	const execution = (id: string) => call<ExecutionView>('GET', `/api/executions/${id}`)

	/** Waits until the execution, or the one that took over from it, has ended. */
	async function settled(executionId: string, { timeoutMs = 60_000, onChange }: { timeoutMs?: number; onChange?: (view: ExecutionView) => void } = {}): Promise<ExecutionView> {
		const deadline = Date.now() + timeoutMs
		let last = ''
		for (let id = executionId, seen = ''; ; ) {
			const view = await call<ExecutionView>('GET', `/api/executions/${id}?waitMs=5000&seenPhase=${seen}`)
			seen = view.phase
			const state = `${view.executionId} ${view.status} ${view.phase}`
			if (state !== last) onChange?.(view)
			last = state
			if (view.completedAt !== null && view.nextExecutionId === null) return view
			if (view.nextExecutionId !== null) [id, seen] = [view.nextExecutionId, '']
			if (Date.now() > deadline) throw new Error(`Execution ${id} did not end within ${timeoutMs} ms: it is ${view.status} in phase ${view.phase}.`)
		}
	}

	return {
		url,
		call,
		execution,
		settled,
		createOrder: (order: OrderInput, idempotencyKey?: string) => call<OrderCreated>('POST', '/api/orders', { body: order, ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }) }),
		order: (id: string) => call<OrderView>('GET', `/api/orders/${id}`),
		log: async (executionId: string) => (await call<Page<LogEntry>>('GET', `/api/executions/${executionId}/log?limit=1000`)).items,
		patchSet: (executionId: string) => call<PatchSet>('GET', `/api/executions/${executionId}/patch`),
		cancel: (executionId: string, reason: string) => call<ExecutionView>('POST', `/api/executions/${executionId}/cancel`, { body: { reason } }),
		createWorkspace: (importUrl?: string) => call<WorkspaceView>('POST', '/api/workspaces', { body: importUrl === undefined ? {} : { importUrl } }),
		containerTasks: (query: string) => call<Page<ContainerTask>>('GET', `/api/tasks?${query}`),
		/** Fires the cron of the Worker: `wrangler dev` never does by itself. */
		sweep: () => fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent('* * * * *')}`).then((answer) => answer.ok),
	}
}
export type Client = ReturnType<typeof createClient>

function safeJSON(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}
