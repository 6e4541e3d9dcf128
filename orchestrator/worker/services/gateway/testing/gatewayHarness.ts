import { env } from 'cloudflare:workers'
import { ExecutionId, WorkspaceId } from '@shared/contracts'
import type { ProviderName } from '@shared/contracts'
import { createDatabase, sql } from '../../../database/client.ts'
import { callsOfExecutionQuery } from '../../../database/repositories/gatewayCalls.ts'
import { createSecretService } from '../../secrets/secretService.ts'
import { createTokens } from '../../security/tokens.ts'
import { createModelGateway } from '../modelGateway.ts'
import type { ModelGatewayDeps } from '../modelGateway.ts'

export const REAL_KEY = 'sk-real-key-0123456789abcdef'
export const NOW = 1_800_000_000_000

export const db = createDatabase(env.DB)
export const tokens = createTokens({ key: btoa('k'.repeat(32)), now: () => NOW })

let count = 0

export interface SeedOptions {
	provider?: ProviderName
	model?: string | null
	status?: string
	cancelReason?: string
	completedAt?: number
	budgetMicroUsd?: number | null
	costMicroUsd?: number
	unpricedCalls?: number
}

/** An execution row of its own for each test. */
export async function seedExecution(options: SeedOptions = {}): Promise<ExecutionId> {
	count += 1
	const executionId = ExecutionId.parse(`EXE-${String(count).padStart(16, '0')}`)
	await db.run(
		sql.insertInto('ai_provider_executions').values({
			execution_id: executionId,
			provider_name: options.provider ?? 'claude',
			provider_type: 'cli',
			task_uuid: `TSK-${count}`,
			order_id: 'ORD-000001',
			model: options.model ?? null,
			input: '{}',
			status: options.status ?? 'running',
			phase: 'wait',
			route: '{}',
			cancel_reason: options.cancelReason ?? null,
			completed_at: options.completedAt ?? null,
			budget_micro_usd: options.budgetMicroUsd ?? null,
			cost_micro_usd: options.costMicroUsd ?? 0,
			unpriced_calls: options.unpricedCalls ?? 0,
			worker_name: 'test',
		}),
	)
	return executionId
}

export const executionToken = (executionId: ExecutionId, provider: ProviderName = 'claude') =>
	tokens.mint({
		kind: 'execution',
		subject: executionId,
		workerName: 'agent-factory',
		containerName: 'runner-1',
		executionId,
		provider,
		workspaceId: WorkspaceId.parse('wsp-0123456789ab'),
		ttlMs: 60_000,
	})

/** What the provider was sent. */
export interface Sent {
	url: string
	method: string
	headers: Headers
	body: string
	signal: AbortSignal | undefined
}

export interface TestGatewayOptions extends Partial<Omit<ModelGatewayDeps, 'fetch'>> {
	/** The provider: what it answers to a request. */
	upstream?: (sent: Sent) => Response | Promise<Response>
}

/** A gateway over the real database, in front of a provider that is a function. `settled` waits for the books. */
export function createTestGateway({ upstream = () => Response.json({}), ...deps }: TestGatewayOptions = {}) {
	const sent: Sent[] = []
	const lines: unknown[] = []
	const pending: Promise<unknown>[] = []
	const record = (message: string, fields?: object) => void lines.push({ message, ...fields })
	const fetch: typeof globalThis.fetch = async (input, init) => {
		const body = init?.body ? await new Response(init.body as ReadableStream).text() : ''
		const call = { url: String(input), method: init?.method ?? 'GET', headers: new Headers(init?.headers), body, signal: init?.signal ?? undefined }
		sent.push(call)
		return await upstream(call)
	}
	const gateway = createModelGateway({
		db,
		tokens,
		secrets: createSecretService({ readSecret: () => REAL_KEY }),
		baseURLOf: () => 'https://provider.test',
		now: () => NOW,
		sleep: async () => undefined,
		waitUntil: (promise) => void pending.push(promise),
		log: { warn: record, error: record },
		workerName: 'vibehq-orchestrator',
		headerTimeoutMs: 5000,
		...deps,
		fetch,
	})
	return {
		sent,
		lines,
		settled: async () => void (await Promise.all(pending)),
		/** One call of a CLI. The path begins with the provider: `claude/v1/messages`. */
		async call(path: string, { token, headers = {}, method = 'POST', body = '{}', signal }: { token?: string; headers?: Record<string, string>; method?: string; body?: BodyInit | null; signal?: AbortSignal }) {
			const url = new URL(`https://orchestrator.test/gateway/${path}`)
			const [, , provider = '', ...rest] = url.pathname.split('/')
			const declared = typeof body === 'string' && body !== '' ? { 'content-length': String(body.length) } : {}
			const request = new Request(url, {
				method,
				headers: { ...declared, ...(token ? { 'x-api-key': token } : {}), ...headers },
				...(method === 'POST' && body !== null ? { body } : {}),
				...(signal ? { signal } : {}),
			})
			return await gateway.handle({ request, provider: provider as ProviderName, path: `/${rest.join('/')}` })
		},
	}
}

export const callsOf = (executionId: string) => db.all(callsOfExecutionQuery(executionId, 100))
export const executionRow = async (executionId: string) => {
	const row = await db.first(sql.selectFrom('ai_provider_executions').selectAll().where('execution_id', '=', executionId))
	if (!row) throw new Error(`no execution ${executionId}`)
	return row
}

const encoder = new TextEncoder()
/** An answer in these chunks; with `isOpen` it never ends by itself. */
export function streamOf(chunks: readonly (string | Uint8Array)[], { isOpen = false, onCancel }: { isOpen?: boolean; onCancel?: () => void } = {}) {
	const left = [...chunks]
	return new ReadableStream<Uint8Array>({
		async pull(controller) {
			const chunk = left.shift()
			if (chunk !== undefined) return controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
			if (!isOpen) return controller.close()
			await new Promise(() => undefined)
		},
		cancel: () => onCancel?.(),
	})
}

export const sse = (...events: object[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
export const eventStream = (body: BodyInit) => new Response(body, { headers: { 'content-type': 'text/event-stream' } })

/** A whole Messages stream: 10 fresh, 3 written and 2 read input tokens, 7 output tokens. */
export const MESSAGES_STREAM = sse(
	{ type: 'message_start', message: { type: 'message', model: 'claude-sonnet-5', usage: { input_tokens: 10, cache_creation_input_tokens: 3, cache_read_input_tokens: 2, output_tokens: 1 } } },
	{ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
	{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'grüße "usage": {"output_tokens": 9999} 🚀' } },
	{ type: 'content_block_stop', index: 0 },
	{ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
	{ type: 'message_stop' },
)
