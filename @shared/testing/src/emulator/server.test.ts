import { request as httpRequest } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { claudeRequest, codexRequest, GOLDEN, type CLI, type Golden } from './goldenRequests.ts'
import { startEmulator, type RunningEmulator } from './server.ts'

const running: RunningEmulator[] = []

async function start(fault: Record<string, unknown>): Promise<RunningEmulator> {
	const emulator = await startEmulator({ scenarios: [{ name: 'faulty', match: 'hello', steps: [{ say: 'Hello to you all.' }], fault }] })
	running.push(emulator)
	return emulator
}

afterEach(async () => {
	await Promise.all(running.splice(0).map((emulator) => emulator.close()))
})

const send = (emulator: RunningEmulator, golden: Golden, signal?: AbortSignal): Promise<Response> =>
	fetch(emulator.url + golden.path, { method: 'POST', headers: golden.headers, body: JSON.stringify(golden.body), ...(signal ? { signal } : {}) })

describe('the server', () => {
	it('answers over HTTP and closes', async () => {
		const emulator = await start({})
		const response = await send(emulator, codexRequest('hello'))
		expect(await response.text()).toContain('response.completed')
		expect(response.headers.get('x-emulator')).toBe('vibehq-model-emulator')
		await emulator.close()
		await expect(send(emulator, codexRequest('hello'))).rejects.toThrow()
	})

	it('rejects when the port is taken', async () => {
		const { port } = await start({})
		await expect(startEmulator({ port, scenarios: [] })).rejects.toMatchObject({ code: 'EADDRINUSE' })
	})

	it('takes new scenarios while it runs', async () => {
		const emulator = await start({ status: 500 })
		emulator.setScenarios([{ name: 'new', match: 'hello', steps: [{ say: 'New words.' }] }])
		expect(await (await send(emulator, codexRequest('hello'))).text()).toContain('New words.')
	})
})

describe('faults', () => {
	const RATE_LIMITS: Record<CLI, unknown> = {
		codex: { error: { code: 'rate_limit_exceeded' } },
		claude: { type: 'error', error: { type: 'rate_limit_error' } },
		gemini: { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '1s' }] } },
		copilot: { error: { code: 'rate_limit_exceeded' } },
	}

	it.each(Object.keys(GOLDEN) as CLI[])('a status for %s has its error body, Retry-After, and an end', async (name) => {
		const emulator = await start({ status: 429, retryAfterS: 1, times: 2 })
		for (const _time of [1, 2]) {
			const response = await send(emulator, GOLDEN[name]('hello'))
			expect(response.status).toBe(429)
			expect(response.headers.get('retry-after')).toBe('1')
			const body = await response.json()
			expect(body).toMatchObject(Object(RATE_LIMITS[name]))
			expect(JSON.stringify(body)).toContain('[model emulator]')
		}
		expect((await send(emulator, GOLDEN[name]('hello'))).status).toBe(200)
	})

	it('counts the times of concurrent requests once each', async () => {
		const emulator = await start({ status: 503, times: 2 })
		const statuses = await Promise.all([1, 2, 3, 4].map(async () => (await send(emulator, claudeRequest('hello'))).status))
		expect(statuses.sort()).toEqual([200, 200, 503, 503])
	})

	it('leaves prompts of other scenarios alone', async () => {
		const emulator = await start({ status: 500 })
		expect((await send(emulator, claudeRequest('something else'))).status).toBe(200)
	})

	it('stalls before the headers until the caller gives up, while others are served', async () => {
		const emulator = await start({ stall: 'headers', times: 1 })
		const patience = new AbortController()
		const stalled = send(emulator, claudeRequest('hello'), patience.signal)
		await expect.poll(() => emulator.requests.length).toBe(1)
		expect((await send(emulator, claudeRequest('hello'))).status).toBe(200)
		expect(emulator.requests[0]?.status).toBeUndefined()
		patience.abort()
		await expect(stalled).rejects.toThrow('aborted')
	})

	it('stalls in the middle of the body', async () => {
		const emulator = await start({ stall: 'body' })
		const patience = new AbortController()
		const response = await send(emulator, claudeRequest('hello'), patience.signal)
		const reader = response.body?.getReader()
		const first = await reader?.read()
		expect(new TextDecoder().decode(first?.value)).toContain('message_start')
		const rest = (async () => {
			let text = ''
			for (;;) {
				const part = await reader?.read()
				if (!part || part.done) return text
				text += new TextDecoder().decode(part.value)
			}
		})()
		patience.abort()
		await expect(rest).rejects.toThrow('aborted')
	})

	it.each([true, false])('cuts the connection in the middle of the answer (stream: %s)', async (stream) => {
		const emulator = await start({ cut: true })
		const golden = claudeRequest('hello')
		const response = await send(emulator, { ...golden, body: { ...golden.body, stream } })
		expect(response.status).toBe(200)
		await expect(response.text()).rejects.toThrow()
	})

	it('delivers the first half of a cut answer', async () => {
		const emulator = await start({ cut: true })
		const text = await readUntilBroken(emulator.url, claudeRequest('hello'))
		expect(text).toContain('message_start')
		expect(text).not.toContain('message_stop')
	})

	it('sends a page that is no event stream', async () => {
		const emulator = await start({ garbage: true })
		const text = await (await send(emulator, codexRequest('hello'))).text()
		expect(text).toMatch(/^<!doctype html>.*vibehq-model-emulator/)
	})

	it('joins a delay to another fault', async () => {
		const emulator = await start({ delayMs: 1, status: 503, times: 1 })
		expect((await send(emulator, codexRequest('hello'))).status).toBe(503)
		expect((await send(emulator, codexRequest('hello'))).status).toBe(200)
	})

	it('ends a long delay when the caller goes away', async () => {
		const emulator = await start({ delayMs: 3_600_000 })
		const patience = new AbortController()
		const waiting = send(emulator, codexRequest('hello'), patience.signal)
		await expect.poll(() => emulator.requests.length).toBe(1)
		patience.abort()
		await expect(waiting).rejects.toThrow('aborted')
		await expect.poll(() => emulator.requests[0]?.status).toBe(200)
	})
})

function readUntilBroken(url: string, { path, headers, body }: Golden): Promise<string> {
	const { promise, resolve } = Promise.withResolvers<string>()
	const outgoing = httpRequest(url + path, { method: 'POST', headers }, (response) => {
		let text = ''
		response.setEncoding('utf8').on('data', (part: string) => (text += part))
		response.once('error', () => resolve(text))
		response.once('end', () => resolve(`${text} ended in peace`))
	})
	outgoing.end(JSON.stringify(body))
	return promise
}
