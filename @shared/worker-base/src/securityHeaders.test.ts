import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { securityHeaders } from './securityHeaders.ts'

const app = new Hono()
	.use(securityHeaders())
	.get('/api', (c) => c.json({}))
	.get('/docs', (c) => c.html('<p>', 200, { 'content-security-policy': "default-src 'self'" }))
	.get('/fetched', async () => await fetch('data:text/plain,hello'))

it('sets the headers on every answer, also on one whose headers are immutable', async () => {
	for (const path of ['/api', '/fetched', '/missing']) {
		const { headers } = await app.request(path)
		expect(headers.get('x-content-type-options')).toBe('nosniff')
		expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
	}
})

it('keeps the policy that a page sets for itself', async () => {
	expect((await app.request('/docs')).headers.get('content-security-policy')).toBe("default-src 'self'")
})
