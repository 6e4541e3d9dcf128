import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WorkspaceId } from '@shared/contracts'
import type { TokenKind } from '@shared/contracts'
import { createDatabase } from '../database/client.ts'
import type { Env } from '../env.ts'
import { createEvents } from '../services/events/events.ts'
import { append, newest } from '../services/events/testing/logLines.ts'
import { socketClient, until } from '../services/events/testing/socketClient.ts'
import { createTokens } from '../services/security/tokens.ts'
import type { Services } from '../services.ts'
import { createApp } from './app.ts'

const db = createDatabase(env.DB)
const tokens = createTokens({ key: btoa('k'.repeat(32)), now: () => Date.now() })
let hub: ReturnType<typeof env.EVENT_HUB.getByName>
const opened: WebSocket[] = []

beforeEach(() => {
	hub = env.EVENT_HUB.getByName(crypto.randomUUID())
})
afterEach(() => {
	for (const socket of opened.splice(0)) socket.close(1000)
})

const token = (kind: Extract<TokenKind, 'operator' | 'worker' | 'runner'>, workerName = 'w') => tokens.mint({ kind, subject: 'test', workerName, ttlMs: 60_000 })

function ask(path: string, init: RequestInit = {}): Promise<Response> {
	// Only what these doors use; the rest of the services is not reached by them.
	const services = { tokens, events: createEvents({ db, hub: () => hub }) } as unknown as Services
	return Promise.resolve(createApp(() => services).fetch(new Request(`http://x${path}`, init), env as unknown as Env, createExecutionContext()))
}

/** Knocks as a WebSocket client does. */
async function knock(path: string, protocols?: string) {
	const answer = await ask(path, { headers: { upgrade: 'websocket', ...(protocols === undefined ? {} : { 'sec-websocket-protocol': protocols }) } })
	const client = answer.webSocket ? socketClient(answer.webSocket) : null
	if (client) opened.push(client.socket)
	const body = client ? null : ((await answer.json()) as { error: { code: string; message: string } })
	return { status: answer.status, protocol: answer.headers.get('sec-websocket-protocol'), client, error: body?.error }
}
const as = async (kind: Parameters<typeof token>[0], workerName?: string) => `vibehq.v1, vibehq.token.${await token(kind, workerName)}`

const call = async (method: string, path: string, bearer?: string) => {
	const answer = await ask(path, { method, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } })
	return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> & { error: { code: string } } }
}
const newTicket = async (kind: 'operator' | 'worker' = 'operator') => String((await call('POST', '/api/ws-tickets', await token(kind))).body['ticket'])

describe('/ws/tasks and /ws/containers', () => {
	it('open with a token among the protocols, which is never sent back', async () => {
		for (const path of ['/ws/tasks', '/ws/containers']) {
			expect(await knock(path, await as('operator'))).toMatchObject({ status: 101, protocol: 'vibehq.v1' })
		}
	})

	it('show an operator every line, and a Worker its own', async () => {
		const [operator, worker] = [await knock('/ws/tasks', await as('operator')), await knock('/ws/tasks', await as('worker', 'mine'))]
		const [all, own] = [operator.client, worker.client]
		if (!all || !own) return expect.unreachable()
		await append(db, [{ workerName: 'theirs' }, { workerName: 'mine' }])
		await hub.notify(false)
		await until('all lines', () => all.lines().length === 2 && own.lines().length === 1)
		expect(own.lines()[0]?.data['workerName']).toBe('mine')
	})

	it("open for a runner's token, for wake-ups only", async () => {
		const { client } = await knock('/ws/tasks', await as('runner'))
		if (!client) return expect.unreachable()
		await until('the snapshot', () => client.messages.length > 0)
		expect(client.messages[0]?.data).toEqual({ isCut: false })
		expect((await knock('/ws/containers', await as('runner'))).error?.code).toBe('FORBIDDEN')
		expect((await knock('/ws/tasks?since=0', await as('runner'))).error?.code).toBe('FORBIDDEN')
		expect((await knock('/ws/tasks?task=ORD-000001', await as('runner'))).error?.code).toBe('FORBIDDEN')
	})

	it.each([
		['no token', '', undefined, 401, 'UNAUTHENTICATED'],
		['no token behind our protocol', '', 'vibehq.v1', 401, 'UNAUTHENTICATED'],
		['a token that nobody signed', '', 'vibehq.v1, vibehq.token.abc', 401, 'UNAUTHENTICATED'],
		['a ticket that nobody gave', '?ticket=ticket_abc', undefined, 401, 'UNAUTHENTICATED'],
	])('stay shut for %s', async (_name, query, protocols, status, code) => {
		expect(await knock(`/ws/tasks${query}`, protocols)).toMatchObject({ status, error: { code } })
	})

	it('stay shut for a token of one agent run', async () => {
		const execution = await tokens.mint({ kind: 'validation', subject: 'PST-0000000000000001', workspaceId: WorkspaceId.parse('wsp-0123456789ab'), workerName: 'w', ttlMs: 60_000 })
		expect((await knock('/ws/tasks', `vibehq.v1, vibehq.token.${execution}`)).error?.code).toBe('FORBIDDEN')
	})

	it.each(['since=-1', 'since=abc', 'since=1e3', 'since=9999999999999999', 'since=999999999999', 'task=EXE-1;drop', 'task=', 'worker=a%20b', 'worker=', 'other=1'])('refuse ?%s', async (query) => {
		expect(await knock(`/ws/tasks?${query}`, await as('operator'))).toMatchObject({ status: 400, error: { code: 'INVALID_INPUT' } })
	})

	it("do not let a Worker ask for another's lines", async () => {
		expect((await knock('/ws/tasks?worker=theirs', await as('worker', 'mine'))).error).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('mine') })
		expect(await knock('/ws/tasks?worker=mine', await as('worker', 'mine'))).toMatchObject({ status: 101 })
	})

	it('say to a plain request what they are', async () => {
		expect(await call('GET', '/ws/tasks', await token('operator'))).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } })
	})
})

describe('a ticket', () => {
	it('opens one socket, and no second one, even at the same time', async () => {
		const ticket = await newTicket()
		const both = await Promise.all([knock(`/ws/tasks?ticket=${ticket}`), knock(`/ws/containers?ticket=${ticket}`)])
		expect(both.map(({ status }) => status).toSorted()).toEqual([101, 401])
		expect((await knock(`/ws/tasks?ticket=${ticket}`)).error?.code).toBe('UNAUTHENTICATED')
	})

	it('ends after 30 s, and is gone then', async () => {
		const ticket = await newTicket()
		await runInDurableObject(hub, (_object, { storage }) => storage.sql.exec('update tickets set expires_at = expires_at - 30001').rowsWritten)
		expect((await knock(`/ws/tasks?ticket=${ticket}`)).error?.code).toBe('UNAUTHENTICATED')
		await newTicket()
		expect(await runInDurableObject(hub, (_object, { storage }) => storage.sql.exec('select count(*) as count from tickets').one()['count'])).toBe(1)
	})

	it('lets in only to what its token may see', async () => {
		expect((await knock(`/ws/tasks?worker=theirs&ticket=${await newTicket('worker')}`)).error?.code).toBe('FORBIDDEN')
	})

	it('is given to readers only, is not cached, and is not kept as it is', async () => {
		expect((await call('POST', '/api/ws-tickets')).body.error.code).toBe('UNAUTHENTICATED')
		expect((await call('POST', '/api/ws-tickets', await token('runner'))).body.error.code).toBe('FORBIDDEN')
		const answer = await call('POST', '/api/ws-tickets', await token('operator'))
		expect(answer).toMatchObject({ status: 201, body: { ticket: expect.stringMatching(/^ticket_.{36}$/), expiresAt: expect.any(Number) } })
		expect(answer.headers.get('cache-control')).toBe('no-store')
		const kept = await runInDurableObject(hub, (_object, { storage }) => JSON.stringify(storage.sql.exec('select * from tickets').toArray()))
		expect(kept).not.toContain(answer.body['ticket'])
	})
})

describe('GET /api/events', () => {
	it('pages through what a socket would have carried', async () => {
		const since = await newest(db)
		await append(db, [{ workerName: 'mine' }, { workerName: 'theirs' }, { operation: 'container.started', workerName: 'mine' }, { workerName: 'mine' }])
		const [worker, operator] = [await token('worker', 'mine'), await token('operator')]
		const cursorsOf = (body: Record<string, unknown>) => (body['items'] as { cursor: string }[]).map(({ cursor }) => Number(cursor) - since)
		const one = await call('GET', `/api/events?since=${since}&limit=1`, worker)
		expect([cursorsOf(one.body), one.body['nextCursor']]).toEqual([[1], String(since + 1)])
		const two = await call('GET', `/api/events?since=${String(one.body['nextCursor'])}`, worker)
		expect([cursorsOf(two.body), two.body['nextCursor']]).toEqual([[4], null])
		expect(cursorsOf((await call('GET', `/api/events?since=${since}`, operator)).body)).toEqual([1, 2, 4])
		expect(cursorsOf((await call('GET', `/api/events?feed=containers&since=${since}`, operator)).body)).toEqual([3])
		expect(cursorsOf((await call('GET', `/api/events?since=${since}&worker=theirs`, operator)).body)).toEqual([2])
	})

	it.each(['since=x', 'limit=0', 'limit=100000', 'feed=work', 'task=x'])('refuses ?%s', async (query) => {
		expect((await call('GET', `/api/events?${query}`, await token('operator'))).body.error.code).toBe('INVALID_INPUT')
	})

	it("is for readers, and shows a Worker nothing of another's", async () => {
		expect((await call('GET', '/api/events')).status).toBe(401)
		expect((await call('GET', '/api/events', await token('runner'))).status).toBe(403)
		expect((await call('GET', '/api/events?worker=theirs', await token('worker', 'mine'))).status).toBe(403)
	})
})
