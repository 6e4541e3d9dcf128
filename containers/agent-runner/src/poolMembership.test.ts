import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startPoolMembership } from './poolMembership.ts'
import type { PoolMembershipDeps, PoolMembershipOptions } from './poolMembership.ts'
import { until } from './testing/fakeOrchestrator.ts'

interface Answer {
	status: number
	body: unknown
}
const ALIVE: Answer = { status: 200, body: { isDraining: false } }
const refusal = (status: number, code: string): Answer => ({ status, body: { error: { code, message: `it is ${code}` } } })

let url: string
let close: () => void
/** What was sent, as `path body`. */
let calls: string[]
let answers: { register: Answer; heartbeat: Answer }

beforeEach(async () => {
	calls = []
	answers = { register: { status: 200, body: {} }, heartbeat: ALIVE }
	const server = createServer((request, response) => {
		void text(request).then((body) => {
			calls.push(`${request.url} ${body}`)
			const { status, body: answer } = request.headers.authorization !== 'Bearer the-token' ? refusal(401, 'UNAUTHENTICATED') : request.url?.endsWith('/register') ? answers.register : answers.heartbeat
			response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
		})
	})
	await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
	close = () => {
		server.close()
		server.closeAllConnections()
	}
})
const memberships: { leave(): Promise<void> }[] = []
afterEach(async () => {
	await Promise.all(memberships.splice(0).map((each) => each.leave()))
	close()
})

function start(more: Partial<PoolMembershipOptions> = {}, deps: Partial<PoolMembershipDeps> = {}) {
	const logs: string[] = []
	const seen = { drains: 0 }
	const runner = { status: () => ({ startedAt: 1, lastContactAt: null, runningTasks: 2, hasRoom: true, isolation: 'process', agents: ['codex'] }), drain: () => void seen.drains++ }
	const membership = startPoolMembership({ orchestratorURL: url, runnerToken: 'the-token', containerName: 'my:laptop', role: 'external', port: 9000, ...more }, { runner, log: (event) => logs.push(event), beatMs: 10, ...deps })
	memberships.push(membership)
	return { membership, logs, seen }
}
const beats = () => calls.filter((call) => call.startsWith('/api/containers/my%3Alaptop/heartbeat')).length
const registrations = () => calls.filter((call) => call.startsWith('/api/containers/register'))

describe('an external runner', () => {
	it('registers once, beats with what it does, and says good-bye', async () => {
		const { membership, seen } = start()
		await until('three heartbeats', () => beats() >= 3)
		await membership.leave()
		expect(registrations()).toEqual(['/api/containers/register {"instanceId":"my:laptop","port":9000,"capabilities":["codex"]}'])
		expect(calls[1]).toBe('/api/containers/my%3Alaptop/heartbeat {"inFlight":2,"isLeaving":false}')
		expect(calls.at(-1)).toBe('/api/containers/my%3Alaptop/heartbeat {"inFlight":0,"isLeaving":true}')
		expect(seen.drains).toBe(0)
	})

	it('registers again when the pool has forgotten it', async () => {
		const { logs, seen } = start()
		await until('a heartbeat', () => beats() >= 1)
		answers.heartbeat = refusal(404, 'NOT_FOUND')
		await until('another registration', () => registrations().length >= 2)
		answers.heartbeat = ALIVE
		await until('more heartbeats', () => beats() >= 5)
		expect(logs).toContain('pool-problem')
		expect(seen.drains).toBe(0)
	})

	it('goes on without a pool that refuses it, or that is away', async () => {
		answers.register = refusal(400, 'INVALID_INPUT')
		const { logs, seen } = start()
		await until('two attempts', () => registrations().length >= 2)
		close()
		await until('more problems', () => logs.length > 5)
		expect(logs.every((event) => event === 'pool-problem')).toBe(true)
		expect(seen.drains).toBe(0)
		expect(beats()).toBe(0)
	})

	it.each([
		['its token has ended', refusal(401, 'TOKEN_EXPIRED')],
		['the pool fails inside', refusal(500, 'INTERNAL')],
		['the answer is of another kind', { status: 200, body: { isDraining: 'perhaps' } }],
	])('goes on when %s', async (_what, answer) => {
		answers.heartbeat = answer
		const { seen } = start()
		await until('three heartbeats', () => beats() >= 3)
		expect(seen.drains).toBe(0)
	})

	it('drains once when it is asked to, and beats on until it ends', async () => {
		answers.heartbeat = { status: 200, body: { isDraining: true } }
		const { seen } = start()
		await until('three heartbeats', () => beats() >= 3)
		expect(seen.drains).toBe(1)
	})
})

describe('a runner that the pool started', () => {
	it('does not register', async () => {
		start({ role: 'member' })
		await until('three heartbeats', () => beats() >= 3)
		expect(registrations()).toEqual([])
	})

	it.each([
		['the pool counts on it no more', refusal(404, 'NOT_FOUND'), 1],
		['its token has ended', refusal(401, 'TOKEN_EXPIRED'), 1],
		['the pool fails inside', refusal(503, 'UNAVAILABLE'), 0],
	])('when %s', async (_what, answer, drains) => {
		answers.heartbeat = answer
		const { seen } = start({ role: 'member' })
		await until('three heartbeats', () => beats() >= 3)
		expect(seen.drains).toBe(drains)
	})
})
