import { beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '@shared/contracts'
import type { ExecutionId } from '@shared/contracts'
import { callsOf, createTestGateway, eventStream, executionRow, executionToken, MESSAGES_STREAM, NOW, REAL_KEY, seedExecution, streamOf, tokens } from './testing/gatewayHarness.ts'

const MESSAGES = 'claude/v1/messages?beta=true'
const encoder = new TextEncoder()
let executionId: ExecutionId
let token: string
beforeAll(async () => {
	executionId = await seedExecution()
	token = await executionToken(executionId)
})

describe('a streamed call', () => {
	it('passes request and answer through unchanged and books what it cost', async () => {
		const id = await seedExecution()
		const chunks = [MESSAGES_STREAM.slice(0, 7), MESSAGES_STREAM.slice(7, 300), MESSAGES_STREAM.slice(300)].map((text) => encoder.encode(text))
		const gateway = createTestGateway({ upstream: () => eventStream(streamOf(chunks)) })
		const response = await gateway.call(MESSAGES, { token: await executionToken(id), body: '{"stream":true}', headers: { 'anthropic-version': '2023-06-01' } })
		const received: Uint8Array[] = []
		for await (const chunk of response.body ?? []) received.push(chunk)
		expect(received).toEqual(chunks)
		expect(gateway.sent).toEqual([expect.objectContaining({ url: 'https://provider.test/v1/messages?beta=true', method: 'POST', body: '{"stream":true}' })])
		expect(gateway.sent[0]?.headers.get('anthropic-version')).toBe('2023-06-01')
		await gateway.settled()
		expect(await callsOf(id)).toEqual([
			expect.objectContaining({
				model: 'claude-sonnet-5',
				status: 200,
				input_tokens: 15,
				output_tokens: 7,
				cache_read_tokens: 2,
				cache_write_tokens: 3,
				cost_micro_usd: 98, // 10 x 2 + 3 x 2.5 + 2 x 0.2 + 7 x 10, rounded up
				error_code: null,
				worker_name: 'agent-factory',
				container_name: 'runner-1',
			}),
		])
		expect(await executionRow(id)).toMatchObject({ model_calls: 1, cost_micro_usd: 98, unpriced_calls: 0, held_micro_usd: 0 })
	})

	it('hands each chunk on before the next one exists', async () => {
		const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
		const writer = writable.getWriter()
		const gateway = createTestGateway({ upstream: () => eventStream(readable) })
		const reader = (await gateway.call(MESSAGES, { token })).body?.getReader()
		void writer.write(encoder.encode('data: 1\n\n'))
		expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: 1\n\n')
		void writer.close()
		expect((await reader?.read())?.done).toBe(true)
		await gateway.settled()
	})

	it('sums the calls of an execution, and counts the unpriced ones apart', async () => {
		const id = await seedExecution()
		const models = ['claude-sonnet-5', 'claude-unheard-of', 'claude-sonnet-5']
		const gateway = createTestGateway({ upstream: () => Response.json({ type: 'message', model: models.shift(), usage: { input_tokens: 100, output_tokens: 10 } }) })
		for (let n = 0; n < 3; n++) await (await gateway.call(MESSAGES, { token: await executionToken(id) })).text()
		await gateway.settled()
		expect((await callsOf(id)).map((row) => row.cost_micro_usd)).toEqual([300, null, 300])
		expect(await executionRow(id)).toMatchObject({ model_calls: 3, cost_micro_usd: 600, unpriced_calls: 1 })
	})

	it('counts an answer without usage as unpriced, not as free', async () => {
		const id = await seedExecution()
		const gateway = createTestGateway({ upstream: () => eventStream('data: {"model":"gpt-5.5","choices":[]}\n\ndata: [DONE]\n\n') })
		await (await gateway.call(MESSAGES, { token: await executionToken(id) })).text()
		await gateway.settled()
		expect(await executionRow(id)).toMatchObject({ cost_micro_usd: 0, unpriced_calls: 1 })
	})
})

describe('an answer that breaks off', () => {
	const start = MESSAGES_STREAM.slice(0, MESSAGES_STREAM.indexOf('data: {"type":"message_delta"'))

	it('because the client leaves: the provider is told, and the call is estimated', async () => {
		const id = await seedExecution()
		let cancelled = false
		const gateway = createTestGateway({ upstream: () => eventStream(streamOf([start], { isOpen: true, onCancel: () => void (cancelled = true) })) })
		const reader = (await gateway.call(MESSAGES, { token: await executionToken(id) })).body?.getReader()
		await reader?.read()
		await reader?.cancel()
		await gateway.settled()
		expect(cancelled).toBe(true)
		const [call] = await callsOf(id)
		expect(call).toMatchObject({ error_code: 'CLIENT_ABORTED', input_tokens: 15, output_tokens: Math.ceil(encoder.encode(start).length / 8) })
		expect(JSON.parse(call?.pricing ?? '')).toMatchObject({ isEstimate: true })
		expect(await executionRow(id)).toMatchObject({ unpriced_calls: 0, cost_micro_usd: call?.cost_micro_usd })
	})

	it('because the client leaves before it began', async () => {
		const id = await seedExecution({ model: 'claude-sonnet-5' })
		const leaving = new AbortController()
		const gateway = createTestGateway({
			upstream: ({ signal }) =>
				new Promise((_resolve, reject) => {
					signal?.addEventListener('abort', () => reject(new Error('aborted')))
					leaving.abort()
				}),
		})
		expect((await gateway.call(MESSAGES, { token: await executionToken(id), body: 'x'.repeat(4000), signal: leaving.signal })).status).toBe(502)
		await gateway.settled()
		expect(await callsOf(id)).toEqual([expect.objectContaining({ error_code: 'CLIENT_ABORTED', status: 499, input_tokens: 1000, cost_micro_usd: 2000 })])
	})

	it('because the provider fails', async () => {
		const id = await seedExecution()
		const chunks = [encoder.encode(start)]
		const broken = new ReadableStream<Uint8Array>({
			pull(controller) {
				const chunk = chunks.shift()
				if (chunk) controller.enqueue(chunk)
				else controller.error(new Error('reset'))
			},
		})
		const gateway = createTestGateway({ upstream: () => eventStream(broken) })
		const response = await gateway.call(MESSAGES, { token: await executionToken(id) })
		await expect(response.text()).rejects.toThrow('reset')
		await gateway.settled()
		expect(await callsOf(id)).toEqual([expect.objectContaining({ error_code: 'PROVIDER_ERROR', input_tokens: 15 })])
	})

	it('because the provider falls silent', async () => {
		const id = await seedExecution()
		const gateway = createTestGateway({ idleTimeoutMs: 20, upstream: () => eventStream(streamOf([start], { isOpen: true })) })
		await expect((await gateway.call(MESSAGES, { token: await executionToken(id) })).text()).rejects.toThrow('silent')
		await gateway.settled()
		expect(await callsOf(id)).toEqual([expect.objectContaining({ error_code: 'PROVIDER_ERROR' })])
	})
})

describe('the token', () => {
	it.each([
		['x-api-key', (value: string): [string, Record<string, string>] => ['claude/v1/messages', { 'x-api-key': value }]],
		['Bearer', (value: string): [string, Record<string, string>] => ['claude/v1/messages', { authorization: `Bearer ${value}` }]],
		['x-goog-api-key', (value: string): [string, Record<string, string>] => ['claude/v1/messages', { 'x-goog-api-key': value }]],
		['?key=', (value: string): [string, Record<string, string>] => [`claude/v1/messages?key=${value}&beta=true`, {}]],
	])('is taken from %s and goes no further', async (_where, place) => {
		const gateway = createTestGateway()
		const [path, headers] = place(token)
		const response = await gateway.call(path, { headers })
		expect([response.status, await response.text()]).toEqual([200, '{}'])
		const [sent] = gateway.sent
		expect(JSON.stringify([sent?.url, [...(sent?.headers ?? [])]])).not.toContain(token)
		expect(sent?.headers.get('x-api-key')).toBe(REAL_KEY)
		expect(sent?.headers.get('authorization')).toBeNull()
		await gateway.settled()
	})

	const worker = () => tokens.mint({ kind: 'worker', subject: 'w', workerName: 'w', ttlMs: 60_000 })
	it.each([
		['no token', async () => undefined, 401, 'UNAUTHENTICATED'],
		['a wrong token', async () => `${token}x`, 401, 'UNAUTHENTICATED'],
		['the real key itself', async () => REAL_KEY, 401, 'UNAUTHENTICATED'],
		['a token of another kind', worker, 403, 'FORBIDDEN'],
		['a token for another provider', async () => executionToken(executionId, 'codex'), 403, 'FORBIDDEN'],
		['a token of an execution that is not there', async () => executionToken('EXE-ZZZZZZZZZZZZZZZZ' as ExecutionId), 404, 'EXECUTION_NOT_FOUND'],
		['a token of an execution of another provider', async () => executionToken(await seedExecution({ provider: 'gemini' })), 403, 'FORBIDDEN'],
		['a token of a finished execution', async () => executionToken(await seedExecution({ status: 'completed', completedAt: NOW })), 409, 'EXECUTION_NOT_ACTIVE'],
		['a token of an execution that is being validated', async () => executionToken(await seedExecution({ status: 'validating' })), 409, 'EXECUTION_NOT_ACTIVE'],
		['a token of a cancelled execution', async () => executionToken(await seedExecution({ cancelReason: 'asked by ops' })), 409, 'EXECUTION_CANCELLED'],
	])('%s is refused without a call', async (...[, make, status, code]) => {
		const gateway = createTestGateway()
		const shown = await make()
		const response = await gateway.call(MESSAGES, shown === undefined ? {} : { token: shown })
		expect(response.status).toBe(status)
		expect(await response.json()).toEqual({ type: 'error', error: { type: expect.any(String), message: expect.stringMatching(new RegExp(`^${code}: `)) } })
		expect(gateway.sent).toEqual([])
	})

	it('that has expired is refused as such', async () => {
		const gateway = createTestGateway({ tokens: { verify: () => Promise.reject(new AppError('TOKEN_EXPIRED', 'over')) } })
		const response = await gateway.call(MESSAGES, { token })
		expect([response.status, response.headers.get('x-vibehq-error'), response.headers.get('x-should-retry')]).toEqual([401, 'TOKEN_EXPIRED', 'false'])
	})
})

describe('the real key', () => {
	it.each([
		['codex', 'codex/v1/responses', 'authorization', `Bearer ${REAL_KEY}`],
		['claude', 'claude/v1/messages', 'x-api-key', REAL_KEY],
		['gemini', 'gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse', 'x-goog-api-key', REAL_KEY],
		['copilot', 'copilot/v1/chat/completions', 'authorization', `Bearer ${REAL_KEY}`],
		['copilot', 'copilot/v1/messages', 'x-api-key', REAL_KEY],
	] as const)('of %s goes to %s as %s', async (...[provider, path, header, value]) => {
		const gateway = createTestGateway()
		await (await gateway.call(path, { token: await executionToken(await seedExecution({ provider }), provider) })).text()
		const headers = [...(gateway.sent[0]?.headers ?? [])].filter(([, text]) => text.includes(REAL_KEY))
		expect(headers).toEqual([[header, value]])
		await gateway.settled()
	})

	it('never appears in an answer, a row or the log, even if the provider repeats it', async () => {
		const id = await seedExecution()
		const gateway = createTestGateway({
			upstream: ({ headers }) => new Response(`invalid key ${headers.get('x-api-key')}`, { status: 401, headers: { 'set-cookie': 'a=b', 'anthropic-organization-id': 'org', 'retry-after': '3' } }),
		})
		const response = await gateway.call(MESSAGES, { token: await executionToken(id) })
		expect([response.status, await response.text()]).toEqual([401, 'invalid key [redacted]'])
		expect([response.headers.get('set-cookie'), response.headers.get('anthropic-organization-id'), response.headers.get('retry-after')]).toEqual([null, null, '3'])
		await gateway.settled()
		expect(JSON.stringify([await callsOf(id), await executionRow(id), gateway.lines])).not.toContain(REAL_KEY)
		expect(await callsOf(id)).toEqual([expect.objectContaining({ status: 401, cost_micro_usd: 0, error_code: 'PROVIDER_AUTH_FAILED' })])
	})

	it('that is missing is named, not guessed', async () => {
		const missing = { resolve: (name: string) => { throw new AppError('SECRET_MISSING', `The secret ${name} is not set.`) } }
		const response = await createTestGateway({ secrets: missing }).call(MESSAGES, { token })
		expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('CLAUDE_API_KEY')])
	})
})

describe('the provider', () => {
	it.each([301, 302, 307, 308])('that redirects with %i is not followed', async (status) => {
		const gateway = createTestGateway({ upstream: () => new Response(null, { status, headers: { location: 'https://elsewhere.test/' } }) })
		const response = await gateway.call(MESSAGES, { token })
		expect([response.status, response.headers.get('location'), gateway.sent.length]).toEqual([502, null, 1])
		expect(await response.text()).toContain('GATEWAY_UPSTREAM')
		await gateway.settled()
	})

	it('that cannot be reached is an error at once, and free', async () => {
		const id = await seedExecution()
		const gateway = createTestGateway({ upstream: () => Promise.reject(new TypeError(`connect https://user:${REAL_KEY}@provider.test failed`)) })
		const response = await gateway.call(MESSAGES, { token: await executionToken(id) })
		expect([response.status, await response.text()]).toEqual([502, expect.stringContaining('PROVIDER_UNREACHABLE: The provider at provider.test')])
		await gateway.settled()
		expect(await callsOf(id)).toEqual([expect.objectContaining({ status: 502, cost_micro_usd: 0, error_code: 'PROVIDER_UNREACHABLE' })])
	})

	it('that never answers is given up', async () => {
		const upstream = ({ signal }: { signal: AbortSignal | undefined }) => new Promise<Response>((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))))
		const gateway = createTestGateway({ headerTimeoutMs: 20, upstream })
		const response = await gateway.call(MESSAGES, { token })
		expect([response.status, response.headers.get('x-should-retry')]).toEqual([504, 'true'])
		expect(await response.text()).toContain('GATEWAY_TIMEOUT')
		await gateway.settled()
	})

	it('keeps its errors, with status and Retry-After', async () => {
		const body = { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } }
		const gateway = createTestGateway({ upstream: () => Response.json(body, { status: 429, headers: { 'retry-after': '7' } }) })
		const response = await gateway.call(MESSAGES, { token })
		expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([429, '7', body])
		await gateway.settled()
	})

	it('without a base URL is not configured', async () => {
		expect((await createTestGateway({ baseURLOf: () => null }).call(MESSAGES, { token })).status).toBe(503)
	})
})

describe('a request', () => {
	it('that is too large is refused, declared or streamed', async () => {
		const gateway = createTestGateway()
		const large = 33 * 1024 * 1024
		expect((await gateway.call(MESSAGES, { token, headers: { 'content-length': String(large) } })).status).toBe(413)
		const piece = new Uint8Array(1024 * 1024)
		const response = await gateway.call(MESSAGES, { token, body: streamOf(Array.from({ length: 33 }, () => piece)) })
		expect([response.status, await response.text()]).toEqual([413, expect.stringContaining('PAYLOAD_TOO_LARGE')])
		await gateway.settled()
	})

	it('costs nothing when it only looks: models, token counts, signs of life', async () => {
		const id = await seedExecution({ budgetMicroUsd: 1, costMicroUsd: 1 })
		const gateway = createTestGateway()
		const shown = await executionToken(id)
		expect((await gateway.call('claude/v1/models', { token: shown, method: 'GET' })).status).toBe(200)
		expect((await gateway.call('claude/v1/messages/count_tokens', { token: shown })).status).toBe(200)
		expect((await gateway.call('claude/api/hello', { token: shown, method: 'HEAD' })).status).toBe(200)
		await gateway.settled()
		expect(await callsOf(id)).toEqual([])
	})

	it.each([
		['claude/v1/messages/batches', 'POST'],
		['claude/v1/files', 'GET'],
		['claude/v1/messages', 'GET'],
		['claude/v1/responses', 'POST'],
		['claude/v1/messages/', 'POST'],
		['claude/v1/%6dessages', 'POST'],
		['claude/', 'GET'],
	])('to %s by %s is not passed on', async (path, method) => {
		const gateway = createTestGateway()
		const response = await gateway.call(path, { token, method })
		expect([response.status, gateway.sent]).toEqual([404, []])
	})
})
