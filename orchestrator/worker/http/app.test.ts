import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Env } from '../env.ts'
import { createTokens } from '../services/security/tokens.ts'
import type { Services } from '../services.ts'
import { createTestServices } from '../../test/support/services.ts'
import { createApp } from './app.ts'

const key = btoa('k'.repeat(32))
const tokens = createTokens({ key, now: () => Date.now() })

function app() {
	const { orders, executions, registry } = createTestServices()
	// Only what these doors use; the rest of the services is not reached by them.
	const services = { orders, executions, registry, tokens, vars: { workerName: 'test', upstream: 'real' } } as unknown as Services
	return createApp(() => services)
}

async function ask(path: string, init: RequestInit & { as?: 'operator' | 'runner' } = {}) {
	const { as, ...rest } = init
	const headers = new Headers(rest.headers)
	if (as) headers.set('authorization', `Bearer ${await tokens.mint({ kind: as, subject: 'test', workerName: 'w', ttlMs: 60_000 })}`)
	const answer = await app().fetch(new Request(`http://x${path}`, { ...rest, headers }), env as unknown as Env, createExecutionContext())
	const text = await answer.text()
	return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) as Record<string, unknown> & { error: { code: string; message: string } } }
}
const post = (path: string, body: string, as: 'operator' | 'runner' = 'operator') => ask(path, { method: 'POST', as, body, headers: { 'content-type': 'application/json' } })

describe('the doors', () => {
	it('let nobody in without a token, but say that the Worker lives', async () => {
		for (const path of ['/api/orders', '/api/executions', '/api/ai-providers', '/api/tasks', '/api/workspaces']) {
			expect((await ask(path)).json(), path).toMatchObject({ error: { code: 'UNAUTHENTICATED' } })
		}
		expect((await ask('/health')).status).toBe(200)
	})

	it('name the scope that is missing', async () => {
		const answer = await ask('/api/orders', { as: 'runner' })
		expect(answer).toMatchObject({ status: 403 })
		expect(answer.json().error.message).toContain('read')
	})

	it.each([
		['text that is no JSON', '{"prompt":', 400, 'INVALID_JSON'],
		['a list', '[]', 400, 'INVALID_INPUT'],
		['nothing', '{}', 400, 'INVALID_INPUT'],
		['a workspace that is no workspace', '{"prompt":"x","workspace":{"kind":"ftp"}}', 400, 'INVALID_INPUT'],
		['a body that is too big', JSON.stringify({ prompt: 'x', context: { big: 'y'.repeat(1_100_000) }, workspace: { kind: 'hosted' } }), 413, 'PAYLOAD_TOO_LARGE'],
	])('refuse %s as an order', async (_name, body, status, code) => {
		const answer = await post('/api/orders', body)
		expect(answer.status).toBe(status)
		expect(answer.json().error.code).toBe(code)
		expect(answer.text).not.toContain('    at ')
	})

	it('take an order and answer 202 with the explained route', async () => {
		const answer = await post('/api/orders', JSON.stringify({ prompt: 'x', workspace: { kind: 'hosted' } }))
		expect(answer.status).toBe(202)
		expect(answer.json()).toMatchObject({ orderId: expect.stringMatching(/^ORD-/), route: { candidates: expect.any(Array) } })
	})

	it('say what is not there', async () => {
		expect((await ask('/api/orders/ORD-000000', { as: 'operator' })).json().error.code).toBe('ORDER_NOT_FOUND')
		expect((await ask('/api/executions/EXE-1/log?cursor=abc', { as: 'operator' })).status).toBe(404)
		expect((await ask('/api/nothing', { as: 'operator' })).json().error.code).toBe('NOT_FOUND')
		expect((await ask('/api/orders?limit=-1', { as: 'operator' })).json().error.code).toBe('INVALID_INPUT')
	})

	it('describe themselves: OpenAPI 3.1, an operationId for each, and a page', async () => {
		const document = (await ask('/openapi.json')).json() as unknown as { openapi: string; paths: Record<string, Record<string, { operationId?: string }>> }
		expect(document.openapi).toBe('3.1.0')
		const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
		expect(operations.length).toBeGreaterThan(20)
		const ids = operations.map((operation) => operation.operationId)
		expect(new Set(ids).size).toBe(operations.length)
		expect(ids).not.toContain(undefined)
		expect((await ask('/openapi.yaml')).text).toContain('openapi: 3.1.0')
		const page = await ask('/docs')
		expect(page.text).toContain('/api/orders/{orderId}')
		expect(page.text).not.toContain('<script')
	})
})
