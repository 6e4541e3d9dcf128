import { isAppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createJulesClient } from './julesClient.ts'
import type { JulesClientDeps } from './julesRequest.ts'

const KEY = 'AIzaNobodysKey'
const NOW = Date.parse('2026-01-26T10:00:00Z')

function client(answer: () => Response | Promise<Response>, deps: Partial<JulesClientDeps> = {}) {
	const requests: { url: string; init: RequestInit | undefined }[] = []
	const jules = createJulesClient({
		fetch: async (input, init) => {
			requests.push({ url: String(input), init })
			return await answer()
		},
		apiKey: KEY,
		baseURL: 'https://jules.example/',
		sleep: async () => undefined,
		now: () => NOW,
		...deps,
	})
	return { jules, requests }
}

const google = (status: number, error: object, headers: Record<string, string> = {}) => () => Response.json({ error: { code: status, ...error } }, { status, headers })

async function failureOf(answer: () => Response | Promise<Response>, deps?: Partial<JulesClientDeps>) {
	const error = await client(answer, deps).jules.getActivity({ session: '1', activity: '2' }).then(() => undefined, (thrown: unknown) => thrown)
	if (!isAppError(error)) throw new Error('No AppError was thrown.')
	return error
}

const reason = (text: string) => ({ details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: text }] })

describe('answers that are no success', () => {
	it.each([
		['a missing key', google(401, { status: 'UNAUTHENTICATED', message: 'Expected OAuth 2 access token' }), 'PROVIDER_AUTH_FAILED'],
		['a key that leaked', google(403, { status: 'PERMISSION_DENIED', message: 'Your API key was reported as leaked.' }), 'PROVIDER_AUTH_FAILED'],
		['a bad key with 400', google(400, { status: 'INVALID_ARGUMENT', ...reason('API_KEY_INVALID') }), 'PROVIDER_AUTH_FAILED'],
		['a limit with 403', google(403, { status: 'PERMISSION_DENIED', ...reason('RATE_LIMIT_EXCEEDED') }), 'PROVIDER_RATE_LIMITED'],
		['429', google(429, { status: 'RESOURCE_EXHAUSTED' }), 'PROVIDER_RATE_LIMITED'],
		['429 without a body', () => new Response(null, { status: 429 }), 'PROVIDER_RATE_LIMITED'],
		['400', google(400, { status: 'FAILED_PRECONDITION' }), 'PROVIDER_REFUSED'],
		['404', google(404, { status: 'NOT_FOUND' }), 'PROVIDER_REFUSED'],
		['408', google(408, {}), 'PROVIDER_ERROR'],
		['500', google(500, { status: 'INTERNAL' }), 'PROVIDER_ERROR'],
		['503 of a proxy', () => new Response('<html>Service Unavailable</html>', { status: 503 }), 'PROVIDER_ERROR'],
		['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/' } }), 'PROVIDER_ERROR'],
		['an error with fields of other types', google(500, { status: 5, message: {}, details: 'x' }), 'PROVIDER_ERROR'],
	])('%s', async (_what, answer, code) => {
		const error = await failureOf(answer)
		expect(error.code).toBe(code)
		expect(error.details).toMatchObject({ call: 'activities.get', status: expect.any(Number) })
	})

	it.each([
		['seconds', { 'retry-after': '30' }, {}, NOW + 30_000],
		['a date', { 'retry-after': 'Mon, 26 Jan 2026 10:05:00 GMT' }, {}, NOW + 300_000],
		['RetryInfo', {}, { details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }] }, NOW + 1500],
		['nothing', {}, {}, undefined],
		['nonsense', { 'retry-after': 'soon' }, { details: [{ retryDelay: 'later' }] }, undefined],
	])('says when to come back, told by %s', async (_what, headers, error, retryAt) => {
		expect((await failureOf(google(429, error, headers as Record<string, string>))).details?.['retryAt']).toBe(retryAt)
	})

	it('repeats neither the key nor a flood of what the other side said', async () => {
		const { message, details } = await failureOf(google(400, { status: KEY, message: `bad\n\u001b[31m ${KEY} ${'x'.repeat(5000)}`, ...reason(KEY) }))
		expect(`${message} ${JSON.stringify(details)}`).not.toContain(KEY)
		expect(message).toContain('[redacted]')
		expect(message.length).toBeLessThan(800)
		// oxlint-disable-next-line no-control-regex
		expect(message).not.toMatch(/[\u0000-\u001f]/)
	})
})

describe('answers that cannot be read', () => {
	it.each([
		['a page', () => new Response('<html>')],
		['another shape', () => Response.json({ name: 7 })],
		['an array', () => Response.json([])],
		['nothing at all', () => new Response('')],
	])('%s', async (_what, answer) => {
		expect(await failureOf(answer)).toMatchObject({ code: 'PROVIDER_OUTPUT_INVALID' })
	})

	it('one that is too long, of which it reads no more than it must', async () => {
		let pulled = 0
		const body = new ReadableStream<Uint8Array>({
			pull(controller) {
				pulled += 1
				controller.enqueue(new Uint8Array(1000).fill(32))
			},
		})
		expect(await failureOf(() => new Response(body), { maxAnswerBytes: 5000 })).toMatchObject({ code: 'PROVIDER_OUTPUT_INVALID', details: { maxBytes: 5000 } })
		expect(pulled).toBeLessThan(20)
	})

	it.each([
		['no connection', () => Promise.reject(new TypeError(`fetch failed: https://jules.example/?key=${KEY}`))],
		['a body that breaks off', () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) }))],
	])('%s', async (_what, answer) => {
		const error = await failureOf(answer)
		expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE' })
		expect(error.message).not.toContain(KEY)
	})
})

describe('requests', () => {
	it('carry the key in its header only, and are not redirected', async () => {
		const { jules, requests } = client(() => Response.json({}))
		await jules.sendMessage('42', 'Go on.')
		await jules.approvePlan('42')
		await jules.deleteSession('42')
		expect(requests.map(({ url, init }) => [init?.method, url, init?.body])).toEqual([
			['POST', 'https://jules.example/v1alpha/sessions/42:sendMessage', '{"prompt":"Go on."}'],
			['POST', 'https://jules.example/v1alpha/sessions/42:approvePlan', '{}'],
			['DELETE', 'https://jules.example/v1alpha/sessions/42', undefined],
		])
		for (const { init } of requests) {
			expect(init).toMatchObject({ redirect: 'manual', headers: { 'x-goog-api-key': KEY } })
			expect(init?.signal).toBeInstanceOf(AbortSignal)
		}
	})

	it('follow a list only as far as it goes on', async () => {
		const { jules, requests } = client(() => Response.json({ nextPageToken: 'again' }))
		await expect(jules.findSource({ owner: 'acme', repo: 'shop' })).rejects.toMatchObject({ code: 'PROVIDER_OUTPUT_INVALID' })
		expect(requests.length).toBeLessThan(5010)
	})
})
