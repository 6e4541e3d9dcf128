import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestHarness } from 'wrangler'

// The factory and the real orchestrator in one workerd, with real service bindings, D1 and queues.
const root = join(import.meta.dirname, '../../..')
const token = `factory_${randomBytes(12).toString('hex')}`
const harness = createTestHarness({
	root,
	workers: [
		{ configPath: join(root, 'apps/agent-factory/wrangler.jsonc'), secrets: { FACTORY_TOKEN: token } },
		{ configPath: join(root, 'orchestrator/wrangler.jsonc'), secrets: { TOKEN_SIGNING_KEY: randomBytes(32).toString('base64'), CODEX_API_KEY: 'not-a-key' } },
	],
})

beforeAll(async () => {
	await harness.listen()
	await harness.getWorker('vibehq-orchestrator').applyD1Migrations('DB')
})
afterAll(() => harness.close())

interface Answer {
	status: number
	body: Record<string, unknown> & { error?: { code: string; message: string } }
}

async function call(method: string, path: string, options: { body?: unknown; bearer?: string | null; key?: string } = {}): Promise<Answer> {
	const { body, bearer = token, key } = options
	const headers: Record<string, string> = { 'content-type': 'application/json' }
	if (bearer !== null) headers['authorization'] = `Bearer ${bearer}`
	if (key !== undefined) headers['idempotency-key'] = key
	const answer = await harness.fetch(`http://factory${path}`, { method, headers, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) })
	return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

describe('agent factory', () => {
	it('places an order with the orchestrator and reads it back', async () => {
		const placed = await call('POST', '/orders', { body: { prompt: 'Write a greeting' } })
		expect(placed.status).toBe(202)
		expect(placed.body).toMatchObject({ orderId: expect.stringMatching(/^ORD-/), executionId: expect.stringMatching(/^EXE-/), route: { provider: 'codex', mode: 'automatic' } })
		const order = await call('GET', `/orders/${String(placed.body['orderId'])}`)
		expect(order.body).toMatchObject({ prompt: 'Write a greeting', status: 'open', workerName: 'agent-factory', branch: `factory/${String(placed.body['orderId'])}` })
		const execution = await call('GET', `/executions/${String(placed.body['executionId'])}`)
		expect(execution.body).toMatchObject({ provider: 'codex', taskId: placed.body['taskId'] })
	})

	it('places an order once for a repeated key, and refuses the key for another order', async () => {
		const [first, again] = [await call('POST', '/orders', { body: { prompt: 'Once' }, key: 'k1' }), await call('POST', '/orders', { body: { prompt: 'Once' }, key: 'k1' })]
		expect(again.body['orderId']).toBe(first.body['orderId'])
		expect(await call('POST', '/orders', { body: { prompt: 'Something else' }, key: 'k1' })).toMatchObject({ status: 409, body: { error: { code: 'IDEMPOTENCY_CONFLICT' } } })
	})

	it('tells why each provider can or cannot work', async () => {
		const { body } = await call('GET', '/providers')
		expect(body['items']).toEqual(expect.arrayContaining([expect.objectContaining({ provider: 'codex', available: true }), expect.objectContaining({ provider: 'claude', available: false })]))
	})

	it('keeps code and status of the orchestrator\'s errors over the binding', async () => {
		expect(await call('GET', '/orders/ORD-ZZZZZZ')).toMatchObject({ status: 404, body: { error: { code: 'ORDER_NOT_FOUND' } } })
		expect(await call('GET', '/executions/nonsense')).toMatchObject({ status: 404, body: { error: { code: 'EXECUTION_NOT_FOUND' } } })
		expect(await call('POST', '/orders', { body: { prompt: 'x', workspaceId: '../../etc' } })).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } })
	})

	it.each([
		['no token', { bearer: null }, 401, 'UNAUTHENTICATED'],
		['a wrong token', { bearer: 'wrong' }, 401, 'UNAUTHENTICATED'],
		['no JSON', { body: '{' }, 400, 'INVALID_JSON'],
		['an empty prompt', { body: { prompt: ' ' } }, 400, 'INVALID_INPUT'],
		['an unknown field', { body: { prompt: 'x', colour: 'red' } }, 400, 'INVALID_INPUT'],
		['a body that is too big', { body: { prompt: 'x'.repeat(300_000) } }, 413, 'PAYLOAD_TOO_LARGE'],
	] as const)('refuses %s', async (_name, options, status, code) => {
		expect(await call('POST', '/orders', { body: { prompt: 'x' }, ...options })).toMatchObject({ status, body: { error: { code } } })
	})

	it('has no door but the ones it names', async () => {
		expect(await call('GET', '/anything')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } })
		expect(await call('GET', '/health', { bearer: null })).toMatchObject({ status: 200, body: { ok: true, worker: 'agent-factory' } })
	})
})
