import { MAX_TTL_MS } from '@shared/worker-base/token'
import { expect, it } from 'vitest'
import { createTokens } from '../services/security/tokens.ts'
import type { Services } from '../services.ts'
import { createRouter, errorResponse } from './router.ts'
import { tokenRoutes } from './tokens.ts'

const NOW = 1_800_000_000_000
const tokens = createTokens({ key: btoa('k'.repeat(32)), now: () => NOW })
const operator = await tokens.mint({ kind: 'operator', subject: 'ops', workerName: 'console', ttlMs: 60_000 })

function open() {
	const app = createRouter()
	app.use(async (c, next) => {
		c.set('services', { tokens } as unknown as Services)
		await next()
	})
	app.onError((error) => errorResponse(error))
	app.route('/', tokenRoutes())
	return app
}
const post = (body: unknown, headers: Record<string, string> = { authorization: `Bearer ${operator}` }) =>
	open().request('/api/tokens', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
const codeOf = async (response: Response) => [response.status, ((await response.json()) as { error?: { code: string } }).error?.code]

it('makes a token of the kind that was asked for, and says so only once', async () => {
	const response = await post({ kind: 'runner', workerName: 'laptop', containerName: 'c1', ttlMs: 120_000 })
	expect([response.status, response.headers.get('cache-control')]).toEqual([201, 'no-store'])
	const made = (await response.json()) as { token: string }
	expect(made).toEqual({ token: expect.any(String), kind: 'runner', workerName: 'laptop', containerName: 'c1', scopes: ['tasks:claim', 'patch:report'], expiresAt: NOW + 120_000 })
	expect(await tokens.verify(made.token)).toMatchObject({ kind: 'runner', subject: 'ops', workerName: 'laptop', containerName: 'c1' })
})

it.each([
	['an operator', { kind: 'operator', workerName: 'w' }],
	['an execution', { kind: 'execution', workerName: 'w' }],
	['a life that is too long', { kind: 'worker', workerName: 'w', ttlMs: MAX_TTL_MS.worker + 1 }],
	['a life that is too short', { kind: 'worker', workerName: 'w', ttlMs: 1 }],
	['a life that is no number', { kind: 'worker', workerName: 'w', ttlMs: '60000' }],
	['scopes of another kind', { kind: 'runner', workerName: 'w', scopes: ['admin'] }],
	['a scope that does not exist', { kind: 'runner', workerName: 'w', scopes: ['everything'] }],
	['no worker', { kind: 'worker' }],
	['a name with a line break', { kind: 'worker', workerName: 'a\nb' }],
	['a field that is not known', { kind: 'worker', workerName: 'w', executionId: 'EXE-0123456789ABCDEF' }],
])('does not make a token for %s', async (_what, body) => {
	expect(await codeOf(await post(body))).toEqual([400, 'INVALID_INPUT'])
})

it.each([
	['nobody', async () => ({}), 401, 'UNAUTHENTICATED'],
	['Basic instead of Bearer', async () => ({ authorization: `Basic ${btoa(`x:${operator}`)}` }), 401, 'UNAUTHENTICATED'],
	['a forged token', async () => ({ authorization: `Bearer ${operator.slice(0, -2)}xx` }), 401, 'UNAUTHENTICATED'],
	['a worker', async () => ({ authorization: `Bearer ${await tokens.mint({ kind: 'worker', subject: 'w', workerName: 'w', ttlMs: 60_000 })}` }), 403, 'FORBIDDEN'],
	['an operator without the scope', async () => ({ authorization: `Bearer ${await tokens.mint({ kind: 'operator', subject: 'o', workerName: 'w', ttlMs: 60_000, scopes: ['read'] })}` }), 403, 'FORBIDDEN'],
])('makes no token for %s', async (...[, headers, status, code]) => {
	expect(await codeOf(await post({ kind: 'worker', workerName: 'w' }, await headers()))).toEqual([status, code])
})

it('names the scope that is missing', async () => {
	const reader = await tokens.mint({ kind: 'operator', subject: 'o', workerName: 'w', ttlMs: 60_000, scopes: ['read'] })
	const response = await post({ kind: 'worker', workerName: 'w' }, { authorization: `Bearer ${reader}` })
	expect(await response.json()).toMatchObject({ error: { details: { missing: ['admin'] }, message: expect.stringContaining('admin') } })
})
