import { afterAll, describe, expect, it } from 'vitest'
import { forgetPools, request, tokenOf } from '../../test/support/poolDoors.ts'

const POOL = 'laptops'
const runner = await tokenOf('runner', POOL)
const bound = await tokenOf('runner', POOL, 'one')
const other = await tokenOf('runner', 'elsewhere')
const operator = await tokenOf('operator', 'console')
const register = (token: string | null, body: unknown) => request(token, 'POST', '/api/containers/register', body)
const beat = (token: string | null, id: string, body: unknown = {}) => request(token, 'POST', `/api/containers/${id}/heartbeat`, body)

afterAll(() => forgetPools([POOL, 'elsewhere']))

describe('a runner that starts itself', () => {
	it('registers, beats, hears that it is to drain, and leaves', async () => {
		expect(await beat(runner, 'mine')).toMatchObject({ status: 404, code: 'NOT_FOUND' })
		expect(await register(runner, { instanceId: 'mine', port: 9000, capabilities: ['codex'] })).toMatchObject({ status: 200, body: { instanceId: 'mine', workerName: POOL, state: 'running', isExternal: true } })
		expect(await beat(runner, 'mine', { inFlight: 2 })).toMatchObject({ status: 200, body: { isDraining: false } })
		expect(await request(operator, 'POST', `/api/containers/mine/drain?worker=${POOL}`)).toMatchObject({ status: 202 })
		expect(await beat(runner, 'mine')).toMatchObject({ body: { isDraining: true } })
		expect(await beat(runner, 'mine', { isLeaving: true })).toMatchObject({ status: 200 })
		expect(await request(operator, 'GET', `/api/containers/status?worker=${POOL}`)).toMatchObject({ body: { instances: [{ instanceId: 'mine', state: 'stopped' }] } })
		expect(await register(runner, { instanceId: 'mine' })).toMatchObject({ body: { state: 'running', generation: 2 } })
	})

	it('joins the pool of its token and no other', async () => {
		await register(other, { instanceId: 'mine' })
		await register(other, { instanceId: 'theirs' })
		expect(await beat(runner, 'theirs')).toMatchObject({ status: 404 })
		expect(await beat(other, 'theirs')).toMatchObject({ status: 200 })
	})

	it('speaks for the container of its token alone', async () => {
		expect(await register(bound, { instanceId: 'two' })).toMatchObject({ code: 'FORBIDDEN' })
		expect(await beat(bound, 'mine')).toMatchObject({ code: 'FORBIDDEN' })
		expect(await register(bound, { instanceId: 'one' })).toMatchObject({ status: 200 })
	})

	it.each([
		['nothing', undefined],
		['no id', {}],
		['a number for an id', { instanceId: 7 }],
		['an id with a slash', { instanceId: '../x' }],
		['an id that is too long', { instanceId: 'x'.repeat(101) }],
		['a port that is none', { instanceId: 'a', port: 65_536 }],
		['a port as text', { instanceId: 'a', port: '8080' }],
		['too many capabilities', { instanceId: 'a', capabilities: Array.from({ length: 51 }, (_, index) => `c${index}`) }],
		['a capability with a line break', { instanceId: 'a', capabilities: ['a\nb'] }],
		['a field that is not known', { instanceId: 'a', workerName: 'doors' }],
		['no JSON', '{'],
	])('cannot register with %s', async (_what, body) => {
		expect((await register(runner, body)).status).toBe(400)
	})

	it.each([
		['a negative count', { inFlight: -1 }],
		['half a task', { inFlight: 0.5 }],
		['too many', { inFlight: 10_001 }],
		['a count as text', { inFlight: '1' }],
		['a field that is not known', { state: 'running' }],
	])('cannot beat with %s', async (_what, body) => {
		expect((await beat(runner, 'mine', body)).code).toBe('INVALID_INPUT')
	})

	it('needs the token of a runner, and a short body', async () => {
		for (const token of [null, operator, await tokenOf('worker', POOL)]) {
			const code = token === null ? 'UNAUTHENTICATED' : 'FORBIDDEN'
			expect((await register(token, { instanceId: 'a' })).code).toBe(code)
			expect((await beat(token, 'mine')).code).toBe(code)
		}
		expect((await register(runner, { instanceId: 'x'.repeat(20_000) })).code).toBe('PAYLOAD_TOO_LARGE')
	})
})
