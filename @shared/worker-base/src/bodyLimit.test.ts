import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { bodyLimit, limitBody } from './bodyLimit.ts'

const app = new Hono().use(bodyLimit(10)).post('/', async (c) => c.text(await c.req.text()))
const stream = (...parts: string[]) =>
	new ReadableStream<Uint8Array>({
		start(controller) {
			for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
			controller.close()
		},
	})
const post = (body: BodyInit, headers: Record<string, string> = {}) => app.request('/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

describe('bodyLimit', () => {
	it('passes a body of exactly the limit, declared or streamed', async () => {
		expect(await (await post('0123456789', { 'content-length': '10' })).text()).toBe('0123456789')
		expect(await (await post(stream('01234', '56789'))).text()).toBe('0123456789')
	})

	it('refuses a declared length above the limit without reading', async () => {
		const response = await post('x', { 'content-length': '11' })
		expect(response.status).toBe(413)
		expect(await response.json()).toEqual({ error: expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', retryable: false, details: { maxBytes: 10 } }) })
	})

	it('refuses a streamed body one byte too long, and a length that is no number', async () => {
		expect((await post(stream('01234', '567890'))).status).toBe(413)
		expect((await post('x', { 'content-length': 'many' })).status).toBe(413)
	})

	it('lets a request without a body through', async () => {
		expect((await app.request('/', { method: 'POST' })).status).toBe(200)
	})
})

it('limitBody hands on what fits and then fails', async () => {
	const reader = limitBody(stream('01234', '567890'), 10).getReader()
	expect((await reader.read()).value?.byteLength).toBe(5)
	await expect(reader.read()).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
})
