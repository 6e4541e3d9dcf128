import { Principal, SCOPES_OF_KIND } from '@shared/contracts'
import type { TokenKind } from '@shared/contracts'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../database/client.ts'
import { createRegistry } from '../services/ai-providers/registry.ts'
import type { Services } from '../services.ts'
import { aiProviderRoutes } from './aiProviders.ts'
import { createRouter, errorResponse } from './router.ts'

const route = { provider: 'codex', model: 'gpt-5.5', mode: 'automatic', reason: 'r', chain: [], candidates: [], decidedAt: 1 }

function open() {
	const calls: unknown[][] = []
	const registry = createRegistry({
		db: createDatabase(env.DB),
		vars: { upstream: 'real', providerBaseURLs: {}, providerModes: {}, workerName: 'w' },
		hasSecret: () => true,
		now: () => 1000,
	})
	const services = {
		registry,
		tokens: {
			verify: async (token: string) => Principal.parse({ kind: token, subject: 's', scopes: [...SCOPES_OF_KIND[token as TokenKind]], workerName: 'agent-factory', expiresAt: 9e15 }),
		},
		executions: {
			assign: async (...call: unknown[]) => {
				calls.push(call)
				return route
			},
			execute: async (...call: unknown[]) => {
				calls.push(call)
				return { executionId: 'EXE-1', taskId: call[0], provider: 'codex', route }
			},
		},
	} as unknown as Services
	const app = createRouter()
	app.use(async (c, next) => {
		c.set('services', services)
		await next()
	})
	app.onError((error) => errorResponse(error))
	app.route('/', aiProviderRoutes())
	async function call(token: TokenKind, method: string, path: string, body?: unknown) {
		const response = await app.request(path, {
			method,
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		})
		return { status: response.status, body: await response.json() }
	}
	return { call, calls, registry }
}

describe('the routes of the providers', () => {
	it('list all six and show one', async () => {
		const { call } = open()
		expect(await call('worker', 'GET', '/api/ai-providers')).toMatchObject({ status: 200, body: { items: [{ provider: 'codex' }, {}, {}, {}, {}, { provider: 'jules', available: true }], nextCursor: null } })
		expect(await call('worker', 'GET', '/api/ai-providers/claude')).toMatchObject({ status: 200, body: { provider: 'claude', available: true } })
	})

	it('pass the task, the wish and who asks on', async () => {
		const { call, calls } = open()
		const origin = { workerName: 'agent-factory', containerName: undefined }
		expect(await call('worker', 'POST', '/api/ai-providers/assign', { taskId: 'TSK-1', preferredProvider: 'claude' })).toEqual({ status: 200, body: route })
		expect(await call('worker', 'POST', '/api/ai-providers/execute', { taskId: 'TSK-1' })).toMatchObject({ status: 202, body: { executionId: 'EXE-1' } })
		expect(calls).toEqual([
			['TSK-1', 'claude', origin],
			['TSK-1', undefined, origin],
		])
	})

	it('let an operator, and nobody else, close a circuit', async () => {
		const { call, registry } = open()
		await registry.recordFailure('codex', { code: 'PROVIDER_AUTH_FAILED', message: '401' })
		expect(await call('worker', 'POST', '/api/ai-providers/codex/reset')).toMatchObject({ status: 403 })
		expect(await call('operator', 'POST', '/api/ai-providers/codex/reset')).toMatchObject({ status: 200, body: { available: true, circuit: 'closed' } })
	})

	it.each([
		['worker', 'GET', '/api/ai-providers/gpt', undefined, 404, 'PROVIDER_UNKNOWN'],
		['operator', 'POST', '/api/ai-providers/gpt/reset', undefined, 404, 'PROVIDER_UNKNOWN'],
		['runner', 'GET', '/api/ai-providers', undefined, 403, 'FORBIDDEN'],
		['execution', 'POST', '/api/ai-providers/execute', { taskId: 'TSK-1' }, 403, 'FORBIDDEN'],
		['worker', 'POST', '/api/ai-providers/execute', {}, 400, 'INVALID_INPUT'],
		['worker', 'POST', '/api/ai-providers/execute', { taskId: 'TSK-1', provider: 'gpt' }, 400, 'INVALID_INPUT'],
		['worker', 'POST', '/api/ai-providers/assign', { taskId: 'TSK-1', more: 1 }, 400, 'INVALID_INPUT'],
		['worker', 'POST', '/api/ai-providers/assign', { taskId: 'x'.repeat(20_000) }, 413, 'PAYLOAD_TOO_LARGE'],
	] as const)('%s %s %s is refused (%#)', async (token, method, path, body, status, code) => {
		const { call, calls } = open()
		expect(await call(token, method, path, body)).toMatchObject({ status, body: { error: { code } } })
		expect(calls).toEqual([])
	})
})
