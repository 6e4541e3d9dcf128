import { SCOPES_OF_KIND } from '@shared/contracts'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { mintToken, TokenRequest, verifyToken } from './token.ts'

const key = btoa('k'.repeat(32))
const now = 1_800_000_000_000
const execution = TokenRequest.parse({
	kind: 'execution',
	subject: 'EXE-0123456789ABCDEF',
	workerName: 'agent-factory',
	containerName: 'runner-1',
	executionId: 'EXE-0123456789ABCDEF',
	provider: 'claude',
	workspaceId: 'wsp-0123456789ab',
	ttlMs: 60_000,
})
const operator: TokenRequest = { kind: 'operator', subject: 'ops', workerName: 'console', ttlMs: 60_000 }
const claims = { kind: 'operator', scopes: ['admin'], worker: 'w' }
const signed = (more: Record<string, unknown>, secret = 'k'.repeat(32), alg = 'HS256') =>
	new SignJWT({ iss: 'vibehq-orchestrator', aud: 'vibehq', sub: 's', exp: now / 1000 + 60, ...claims, ...more }).setProtectedHeader({ alg, typ: 'JWT' }).sign(new TextEncoder().encode(secret))

describe('mint and verify', () => {
	it('gives back what was asked for, with the scopes of the kind', async () => {
		expect(await verifyToken(key, await mintToken(key, execution, now), now + 59_000)).toEqual({
			kind: 'execution',
			subject: 'EXE-0123456789ABCDEF',
			workerName: 'agent-factory',
			containerName: 'runner-1',
			executionId: 'EXE-0123456789ABCDEF',
			provider: 'claude',
			workspaceId: 'wsp-0123456789ab',
			scopes: SCOPES_OF_KIND.execution,
			expiresAt: now + 60_000,
		})
	})

	it('binds the token of a validation to its repository, and to reading', async () => {
		const validation = TokenRequest.parse({ kind: 'validation', subject: 'PST-0123456789ABCDEF~2', workerName: 'vibehq', workspaceId: 'wsp-0123456789ab', ttlMs: 60_000 })
		const principal = await verifyToken(key, await mintToken(key, validation, now), now)
		expect(principal).toMatchObject({ kind: 'validation', subject: 'PST-0123456789ABCDEF~2', workspaceId: 'wsp-0123456789ab', scopes: ['git:read', 'patch:read'] })
	})

	it('can narrow the scopes', async () => {
		const token = await mintToken(key, { ...operator, scopes: ['read'] }, now)
		expect((await verifyToken(key, token, now)).scopes).toEqual(['read'])
	})
})

describe('mint refuses', () => {
	it.each([
		['a scope of another kind', { ...operator, kind: 'runner', scopes: ['admin'] }],
		['a life that is too long', { ...execution, ttlMs: 13 * 3_600_000 }],
		['no life at all', { ...operator, ttlMs: 0 }],
		['an execution token without a workspace', { ...execution, workspaceId: undefined }],
		['a validation token without a workspace', { ...operator, kind: 'validation' }],
		['a validation token bound to an execution', { ...execution, kind: 'validation' }],
		['an operator token bound to a workspace', { ...operator, workspaceId: execution.workspaceId }],
		['an operator token bound to an execution', { ...operator, executionId: execution.executionId }],
		['a name with spaces', { ...operator, workerName: 'a b' }],
		['an empty scope list', { ...operator, scopes: [] }],
	])('%s', async (_what, request) => {
		await expect(mintToken(key, request as TokenRequest, now)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})

	it.each(['short', '', 'ä', btoa('k'.repeat(31))])('the key %j', async (bad) => {
		await expect(mintToken(bad, operator, now)).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
	})
})

describe('verify refuses', () => {
	it('an expired token, at its last second', async () => {
		const token = await mintToken(key, operator, now)
		await expect(verifyToken(key, token, now + 60_000)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
	})

	it.each([
		['another key', () => signed({}, 'x'.repeat(32))],
		['another algorithm of the same key', () => signed({}, 'k'.repeat(64), 'HS512')],
		['no signature', async () => new UnsecuredJWT({ iss: 'vibehq-orchestrator', aud: 'vibehq', sub: 's', exp: now / 1000 + 60, ...claims }).encode()],
		['another issuer', () => signed({ iss: 'somebody' })],
		['another audience', () => signed({ aud: 'elsewhere' })],
		['no expiry', () => signed({ exp: undefined })],
		['an unknown kind', () => signed({ kind: 'root' })],
		['an unknown scope', () => signed({ scopes: ['everything'] })],
		['an execution token that is not bound', () => signed({ kind: 'execution', scopes: ['gateway'] })],
		['a worker token bound to an execution', () => signed({ kind: 'worker', scopes: ['read'], execution: 'EXE-0123456789ABCDEF' })],
		['garbage', async () => 'not.a.token'],
		['nothing', async () => ''],
		['a book', async () => 'x'.repeat(5000)],
	])('%s', async (_what, token) => {
		await expect(verifyToken(key, await token(), now)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
	})

	it('a changed claim under the old signature', async () => {
		const [header, payload, signature] = (await mintToken(key, { ...operator, scopes: ['read'] }, now)).split('.')
		const changed = btoa(atob(payload ?? '').replace('"read"', '"admin"')).replaceAll('=', '')
		await expect(verifyToken(key, `${header}.${changed}.${signature}`, now)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
	})

	it('scopes that the kind does not have, by leaving them out', async () => {
		const token = await signed({ kind: 'runner', scopes: ['admin', 'tasks:claim'] })
		expect((await verifyToken(key, token, now)).scopes).toEqual(['tasks:claim'])
	})
})
