import { describe, expect, it } from 'vitest'
import { createEmulator, type RecordedRequest } from './emulator.ts'
import { GOLDEN, toRequest, type CLI } from './goldenRequests.ts'

const CLIS = Object.keys(GOLDEN) as CLI[]
const KEY_HEADER: Record<CLI, string> = { codex: 'authorization', claude: 'x-api-key', gemini: 'x-goog-api-key', copilot: 'authorization' }

function without(name: CLI): Request {
	const golden = GOLDEN[name]('hello')
	const { [KEY_HEADER[name]]: _key, ...headers } = golden.headers
	return toRequest({ ...golden, headers })
}

describe('keys', () => {
	const MISSING: Record<CLI, [status: number, body: unknown]> = {
		codex: [401, { error: { message: expect.stringContaining("didn't provide an API key"), type: 'invalid_request_error', code: null } }],
		claude: [401, { type: 'error', error: { type: 'authentication_error', message: expect.stringContaining('x-api-key header is required') } }],
		gemini: [403, { error: { code: 403, status: 'PERMISSION_DENIED', message: expect.stringContaining('unregistered callers') } }],
		copilot: [401, { error: { message: expect.stringContaining("didn't provide an API key"), type: 'invalid_request_error' } }],
	}
	const WRONG: Record<CLI, [status: number, body: unknown]> = {
		codex: [401, { error: { message: expect.stringContaining('Incorrect API key provided'), code: 'invalid_api_key' } }],
		claude: [401, { type: 'error', error: { type: 'authentication_error', message: expect.stringContaining('invalid x-api-key') } }],
		gemini: [400, { error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } }],
		copilot: [401, { error: { code: 'invalid_api_key' } }],
	}

	it.each(CLIS)('%s without a key is refused in the words of its API', async (name) => {
		const response = await createEmulator({ scenarios: [] }).fetch(without(name))
		expect([response.status, await response.json()]).toMatchObject(MISSING[name])
	})

	it.each(CLIS)('%s with a wrong key is refused in the words of its API', async (name) => {
		const response = await createEmulator({ scenarios: [], apiKeys: { [name]: 'the-right-key' } }).fetch(toRequest(GOLDEN[name]('hello')))
		expect(response.headers.get('x-emulator')).toBe('vibehq-model-emulator')
		expect([response.status, await response.json()]).toMatchObject(WRONG[name])
	})

	it.each(CLIS)('%s with the right key is served', async (name) => {
		const response = await createEmulator({ scenarios: [], apiKeys: { [name]: 'test-key' } }).fetch(toRequest(GOLDEN[name]('hello')))
		expect(response.status).toBe(200)
	})

	it('takes no other scheme than Bearer', async () => {
		const golden = GOLDEN.codex('hello')
		const request = toRequest({ ...golden, headers: { ...golden.headers, authorization: 'Basic dGVzdA==' } })
		expect((await createEmulator({ scenarios: [] }).fetch(request)).status).toBe(401)
	})
})

describe('which provider asks', () => {
	it.each(CLIS)('%s is known by its route and headers', async (name) => {
		const seen: RecordedRequest[] = []
		await createEmulator({ scenarios: [], onRequest: (request) => seen.push(request) }).fetch(toRequest(GOLDEN[name]('hello')))
		expect(seen).toMatchObject([{ provider: name, status: 200 }])
	})

	it('believes the path before the headers', async () => {
		const scenarios = [{ name: 'mine', match: '.', provider: 'copilot', steps: [{ say: 'For Copilot.' }] }]
		const golden = GOLDEN.codex('hello')
		const response = await createEmulator({ scenarios }).fetch(toRequest({ ...golden, path: '/p/copilot/v1/responses' }))
		expect(await response.text()).toContain('For Copilot.')
	})

	it('tells Copilot from Claude Code on the same API', async () => {
		const seen: RecordedRequest[] = []
		const golden = GOLDEN.claude('hello')
		const headers = { ...golden.headers, 'user-agent': 'Anthropic/JS 0.94.0', 'x-initiator': 'user' }
		await createEmulator({ scenarios: [], onRequest: (request) => seen.push(request) }).fetch(toRequest({ ...golden, headers }))
		expect(seen).toMatchObject([{ provider: 'copilot', wire: 'messages' }])
	})
})

describe('doors', () => {
	const emulator = createEmulator({ scenarios: [] })

	it('knows no other path, and says who answers', async () => {
		const response = await emulator.fetch(new Request('http://emulator/v1/embeddings', { method: 'POST', body: '{}' }))
		expect(response.status).toBe(404)
		expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('[model emulator]') } })
	})

	it.each(['/', '/health', '/api/hello', '/p/claude/api/hello'])('answers a sign of life at %s without a key', async (path) => {
		expect((await emulator.fetch(new Request(`http://emulator${path}`, { method: 'HEAD' }))).status).toBe(200)
	})

	it('lists models in two more formats', async () => {
		const list = async (headers: Record<string, string>): Promise<unknown> =>
			(await emulator.fetch(new Request('http://emulator/v1/models', { headers }))).json()
		expect(await list({ authorization: 'Bearer k' })).toMatchObject({ object: 'list', data: [{ object: 'model' }] })
		expect(await list({ 'x-api-key': 'k', 'anthropic-version': '2023-06-01' })).toMatchObject({ has_more: false, data: [{ type: 'model' }] })
	})

	it.each(CLIS)('refuses a body of %s that is not JSON', async (name) => {
		const request = toRequest(GOLDEN[name]('hello'))
		const response = await emulator.fetch(new Request(request.url, { method: 'POST', headers: request.headers, body: '{"model": ' }))
		expect(response.status).toBe(400)
		expect(await response.text()).toContain('could not parse the JSON')
	})

	it('refuses a body that is too large before it reads it', async () => {
		const golden = GOLDEN.claude('hello')
		const response = await emulator.fetch(toRequest({ ...golden, headers: { ...golden.headers, 'content-length': String(65 * 1024 * 1024) } }))
		expect(response.status).toBe(413)
		expect(await response.json()).toMatchObject({ error: { type: 'request_too_large' } })
	})
})

describe('records', () => {
	it('keep what was asked and answered, and no key', async () => {
		const seen: RecordedRequest[] = []
		const scenarios = [{ name: 'greet', match: 'hello', steps: [{ say: 'Hello.' }] }]
		await createEmulator({ scenarios, onRequest: (request) => seen.push(request) }).fetch(toRequest(GOLDEN.gemini('hello')))
		expect(seen).toMatchObject([
			{ method: 'POST', scenario: 'greet', reply: { text: 'Hello. [model emulator]' }, headers: { 'x-goog-api-key': '(present)' }, body: { contents: expect.any(Array) } },
		])
		expect(JSON.stringify(seen)).not.toContain('test-key')
	})

	it('answer the same request the same way, so that a retry looks like one', async () => {
		const emulator = createEmulator({ scenarios: [], now: () => 0 })
		const [first, second] = await Promise.all([1, 2].map(async () => (await emulator.fetch(toRequest(GOLDEN.codex('hello')))).text()))
		expect(first).toBe(second)
	})
})

describe('scenarios that are added', () => {
	const ask = (emulator: ReturnType<typeof createEmulator>) => emulator.fetch(toRequest(GOLDEN.codex('hello'))).then((response) => response.status)

	it('come after those there are, whose fault counts go on', async () => {
		const emulator = createEmulator({ scenarios: [{ name: 'first', match: 'hello', provider: 'codex', fault: { status: 503, times: 1 } }] })
		expect(await ask(emulator)).toBe(503)
		emulator.addScenarios([{ name: 'second', match: 'hello', steps: [], fault: { status: 429 } }])
		expect(await ask(emulator)).toBe(200)
		emulator.setScenarios([{ name: 'first', match: 'hello', fault: { status: 503, times: 1 } }])
		expect(await ask(emulator)).toBe(503)
	})

	it('are refused when they do not fit the format, and change nothing', async () => {
		const emulator = createEmulator({ scenarios: [] })
		expect(() => emulator.addScenarios([{ name: '', match: '(', steps: [] }])).toThrow(/do not fit the scenario format/)
		expect(await ask(emulator)).toBe(200)
	})

	it('are on record with the tokens that were told', async () => {
		const requests: RecordedRequest[] = []
		const emulator = createEmulator({ scenarios: [], onRequest: (request) => requests.push(request) })
		emulator.addScenarios([{ name: 'words', match: 'hello', steps: [{ say: 'Hi.' }] }])
		const response = await emulator.fetch(toRequest(GOLDEN.codex('hello')))
		const [record] = requests
		expect(record?.scenario).toBe('words')
		expect(await response.text()).toContain(`"input_tokens":${record?.usage?.inputTokens}`)
	})
})
