import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { request as callDoor, tokenOf } from '../../test/support/poolDoors.ts'
import { POOL_BINDINGS } from '../../test/support/pools.ts'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import { createTokens } from '../services/security/tokens.ts'
import { createApp } from './app.ts'

type OpenTerminal = ReturnType<typeof createServices>['containers']['openTerminal']
const opened: Parameters<OpenTerminal>[] = []
const openTerminal: OpenTerminal = async (...call) => {
	opened.push(call)
	return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] })
}
const real = createApp(createServices)
/** The real doors, in front of containers that open a terminal to everybody who comes through. */
const app = createApp((bindings, ctx) => {
	const services = createServices(bindings, ctx)
	return { ...services, containers: { ...services.containers, openTerminal } }
})
const operator = await tokenOf('operator', 'console')
const { expiresAt } = await createTokens({ key: POOL_BINDINGS.TOKEN_SIGNING_KEY, now: Date.now }).verify(operator)
const mint = (key: string, now: number) => createTokens({ key: btoa(key.repeat(32)), now: () => now }).mint({ kind: 'operator', subject: 'console', workerName: 'w', ttlMs: 60_000 })
const [foreign, ended] = [await mint('x', Date.now()), await mint('k', Date.now() - 120_000)]
const session = '00000000-0000-4000-8000-000000000000'

beforeEach(() => void opened.splice(0))

/** Knocks as a WebSocket client does; the protocols have the token, unless they are given. */
async function knock(path: string, { token = operator, protocols = `vibehq.v1, vibehq.token.${token}`, doors = app }: { token?: string; protocols?: string | null; doors?: typeof app } = {}) {
	const headers = new Headers({ upgrade: 'websocket' })
	if (protocols !== null) headers.set('sec-websocket-protocol', protocols)
	const answer = await doors.request(path, { headers }, env as unknown as Env, createExecutionContext())
	const code = answer.status === 101 ? undefined : ((await answer.json()) as { error: { code: string } }).error.code
	return { status: answer.status, code }
}
const ticketOf = async (token: string) => String((await callDoor(token, 'POST', '/api/ws-tickets')).body['ticket'])

describe('the door of terminals', () => {
	it('opens for an operator, with who sits there and the size of the window', async () => {
		expect(await knock(`/ws/terminal/runner-0?worker=shop&cols=101&rows=33&session=${session}`)).toMatchObject({ status: 101 })
		expect(await knock('/ws/terminal/runner-0')).toMatchObject({ status: 101 })
		const by = 'operator:a-operator'
		expect(opened).toEqual([
			[{ workerName: 'shop', by }, 'runner-0', { sessionId: session, size: { cols: 101, rows: 33 }, expiresAt, hasProtocol: true }],
			[{ workerName: 'vibehq-orchestrator', by }, 'runner-0', { sessionId: undefined, size: { cols: 80, rows: 24 }, expiresAt, hasProtocol: true }],
		])
	})

	it("opens with an operator's ticket, once", async () => {
		const path = `/ws/terminal/runner-0?ticket=${await ticketOf(operator)}`
		expect(await knock(path, { protocols: null })).toMatchObject({ status: 101 })
		expect(await knock(path, { protocols: null })).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
		expect(opened).toMatchObject([[{ by: 'operator:a-operator' }, 'runner-0', { hasProtocol: false }]])
	})

	it.each<[string, Parameters<typeof knock>[1]]>([
		['nothing', { protocols: null }],
		['a protocol without a token', { protocols: 'vibehq.v1' }],
		['a token without the protocol', { protocols: `vibehq.token.${operator}` }],
		['no token', { token: '' }],
		['a token that was changed', { token: `${operator.slice(0, -2)}xx` }],
		['a token of another key', { token: foreign }],
	])('does not know who comes with %s', async (_, how) => {
		expect(await knock('/ws/terminal/runner-0', how)).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
		expect(opened).toEqual([])
	})

	it('does not know a token that has ended', async () => {
		expect(await knock('/ws/terminal/runner-0', { token: ended })).toEqual({ status: 401, code: 'TOKEN_EXPIRED' })
		expect(opened).toEqual([])
	})

	it('stays shut for everybody but operators, whose pool it may be', async () => {
		for (const token of [await tokenOf('worker', 'shop'), await tokenOf('runner', 'shop'), await tokenOf('runner', 'shop', 'runner-0')]) {
			expect(await knock('/ws/terminal/runner-0?worker=shop', { token })).toEqual({ status: 403, code: 'FORBIDDEN' })
		}
		expect(await knock(`/ws/terminal/runner-0?ticket=${await ticketOf(await tokenOf('worker', 'shop'))}`, { protocols: null })).toEqual({ status: 403, code: 'FORBIDDEN' })
		expect(opened).toEqual([])
	})

	it.each([
		...['cols=0', 'cols=1001', 'cols=-1', 'cols=1.5', 'cols=1e2', 'cols=', 'cols=wide', 'cols=99999', 'rows=0', 'rows=1001', 'rows=0x1'].map((query) => `runner-0?${query}`),
		...['session=', 'session=1', 'session=../x', `session=${session}0`, 'worker=', 'worker=a%20b', `worker=${'w'.repeat(101)}`, `ticket=${'t'.repeat(101)}`, 'since=1', 'command=sh'].map((query) => `runner-0?${query}`),
		...['%20', 'a%2Fb', '%2e%2e%2fx', `${'c'.repeat(101)}`, 'a;b'],
	])('refuses /ws/terminal/%s', async (path) => {
		expect(await knock(`/ws/terminal/${path}`)).toEqual({ status: 400, code: 'INVALID_INPUT' })
		expect(opened).toEqual([])
	})

	it('says to a plain request what it is', async () => {
		expect(await callDoor(operator, 'GET', '/ws/terminal/runner-0')).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
	})

	it('leads nowhere for runners that are no containers, and for containers that are not there', async () => {
		expect(await knock('/ws/terminal/runner-0?worker=doors', { doors: real })).toEqual({ status: 409, code: 'TERMINAL_UNAVAILABLE' })
		expect(await knock('/ws/terminal/runner-0?worker=without-class', { doors: real })).toEqual({ status: 404, code: 'NOT_FOUND' })
	})
})
