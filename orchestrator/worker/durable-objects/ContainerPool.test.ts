import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { PoolStatus } from '@shared/contracts'
import { createFakeProcessHost } from '../../test/support/fakeProcessHost.ts'
import { forgetPools } from '../../test/support/poolDoors.ts'
import { POOL_BINDINGS, POOL_NAMES } from '../../test/support/pools.ts'
import { createDatabase, sql } from '../database/client.ts'
import { POOL_LOG_SOURCE } from '../database/repositories/containerInstances.ts'
import { createTokens } from '../services/security/tokens.ts'

const db = createDatabase(env.DB)
const host = createFakeProcessHost()
const objectOf = (name: string) => env.CONTAINER_POOL.getByName(name)

/** The pool as a door sees it. */
function pool(name: string) {
	const object = objectOf(name)
	async function until(what: string, isSo: (status: PoolStatus) => boolean): Promise<PoolStatus> {
		const deadline = Date.now() + 10_000
		for (;;) {
			const status = await object.status(name)
			if (isSo(status)) return status
			if (Date.now() > deadline) throw new Error(`Not so after 10 s: ${what}. The pool: ${JSON.stringify(status)}`)
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
	}
	const ready = (count: number) => until(`${count} ready`, ({ instances }) => instances.filter(({ state, isDraining }) => state === 'running' && !isDraining).length === count && host.running(name).length === count)
	return { object, until, ready, scale: async (size: number | null) => object.scale(name, size) }
}

const logOf = (name: string) => db.all(sql.selectFrom('operation_logs').select(['operation', 'level', 'container_name', 'details']).where('source', '=', POOL_LOG_SOURCE).where('worker_name', '=', name).orderBy('id'))
const operationsOf = async (name: string, instanceId: string) => (await logOf(name)).filter((line) => line.container_name === instanceId).map(({ operation }) => operation)
const mirrorOf = (name: string) => db.all(sql.selectFrom('container_instances').select(['instance_id', 'state', 'draining', 'generation']).where('worker_name', '=', name).orderBy('instance_id'))

async function addTasks(workerName: string, ids: readonly string[], more: Partial<{ status: string; assigned_to: string; lease_expires_at: number }> = {}) {
	const at = Date.now()
	await db.batch(ids.map((task_id) => sql.insertInto('container_tasks').values({ task_id, worker_name: workerName, task_type: 'command', timeout_ms: 1000, created_at: at, updated_at: at, ...more })))
}

// Pools take their time, and machines theirs.
vi.setConfig({ testTimeout: 30_000 })

beforeAll(() => {
	vi.stubGlobal('fetch', host.fetch)
})
afterEach(() => {
	Object.assign(host.weather, { isAway: false, ignoresSignals: false })
})
afterAll(async () => {
	await forgetPools([...POOL_NAMES, 'without-class', 'of-externals'])
	vi.unstubAllGlobals()
	vi.resetConfig()
})

describe('a pool', () => {
	it('starts and ends containers, and writes down what it did', async () => {
		const { scale, ready, until } = pool('sizes')
		await scale(2)
		const { instances } = await ready(2)
		expect(instances.map(({ instanceId, generation }) => [instanceId, generation])).toEqual([
			['runner-0', 1],
			['runner-1', 1],
		])
		// The token that a runner gets is for its name in this pool.
		const tokens = createTokens({ key: POOL_BINDINGS.TOKEN_SIGNING_KEY, now: Date.now })
		expect(await tokens.verify(host.runner('sizes', 'runner-1').runnerToken)).toMatchObject({ kind: 'runner', workerName: 'sizes', containerName: 'runner-1' })
		await scale(1)
		await ready(1)
		await scale(0)
		await until('all stopped', (status) => status.instances.every(({ state }) => state === 'stopped'))
		expect(host.running('sizes')).toEqual([])
		expect(host.calls.filter((call) => call.includes('sizes/') && call.includes('SIGTERM')).sort()).toEqual(['POST sizes/runner-0 SIGTERM', 'POST sizes/runner-1 SIGTERM'])
		await vi.waitFor(async () => {
			// A start that is over before its line could be written has none: the next line says what it came from.
			const lines = ['container.starting', 'container.running', 'container.draining', 'container.stopped']
			expect([lines, lines.slice(1)]).toContainEqual(await operationsOf('sizes', 'runner-0'))
			expect(await mirrorOf('sizes')).toEqual(['runner-0', 'runner-1'].map((instance_id) => ({ instance_id, state: 'stopped', draining: 0, generation: 1 })))
		})
		const sizes = (await logOf('sizes')).filter(({ operation }) => operation === 'container.target').map(({ details }) => (JSON.parse(details) as { target: number }).target)
		expect(sizes).toEqual([2, 1, 0])
		expect(JSON.parse((await env.POOL_SNAPSHOTS.get('pool:sizes')) ?? 'null')).toMatchObject({ workerName: 'sizes', target: 0 })
		// Nothing runs and nothing is wanted, so nothing wakes the object.
		await vi.waitFor(async () => expect(await runInDurableObject(objectOf('sizes'), (_object, { storage }) => storage.getAlarm())).toBeNull())
	})

	it('replaces a container that died, and destroys what nobody knows', async () => {
		const { scale, ready, until } = pool('crashes')
		await scale(1)
		await ready(1)
		host.smuggle('crashes', 'stranger')
		Object.assign(host.runner('crashes', 'runner-0'), { state: 'ended', exitCode: 137 })
		const { instances } = await until('a second start', (status) => status.instances[0]?.generation === 2 && status.instances[0].state === 'running')
		expect(instances).toHaveLength(1)
		await vi.waitFor(() => expect(host.running('crashes')).toEqual(['runner-0']), 5000)
		await vi.waitFor(async () => expect((await logOf('crashes')).find(({ operation }) => operation === 'container.failed')).toMatchObject({ level: 'warn', container_name: 'runner-0', details: expect.stringContaining('137') }))
	})

	it('follows the queue up and down, and lets work end', async () => {
		const { object, ready, until } = pool('queue')
		await addTasks('queue', ['CTK-a', 'CTK-b'])
		await addTasks('somebody-else', ['CTK-c'])
		await object.nudge('queue')
		expect((await ready(2)).target).toBe(2)
		await db.run(sql.updateTable('container_tasks').set({ status: 'running', assigned_to: 'queue:runner-0', lease_expires_at: Date.now() + 60_000, updated_at: Date.now() }).where('task_id', '=', 'CTK-a'))
		await db.run(sql.updateTable('container_tasks').set({ status: 'completed' }).where('task_id', '=', 'CTK-b'))
		await object.nudge('queue')
		const { instances } = await until('one stopped', (status) => status.instances.some(({ state }) => state === 'stopped'))
		expect(instances.find(({ state }) => state !== 'stopped')).toMatchObject({ instanceId: 'runner-0', inFlight: 1, isDraining: false })
		expect(host.running('queue')).toEqual(['runner-0'])
		await db.run(sql.updateTable('container_tasks').set({ status: 'completed' }).where('task_id', '=', 'CTK-a'))
		await object.nudge('queue')
		await ready(0)
	})

	it('goes on after an eviction from what it had stored', async () => {
		const { scale, ready, object } = pool('evicted')
		await scale(2)
		await ready(2)
		const starts = () => host.calls.filter((call) => call.startsWith('PUT evicted/')).length
		const before = starts()
		await evictDurableObject(object)
		await object.nudge('evicted')
		const { instances, manualTarget } = await ready(2)
		expect(manualTarget).toBe(2)
		expect(instances.map(({ generation }) => generation)).toEqual([1, 1])
		expect(starts()).toBe(before)
		const lines = (await logOf('evicted')).length
		await object.nudge('evicted')
		await ready(2)
		expect((await logOf('evicted')).length).toBe(lines)
	})

	it('outlives a host that is away', async () => {
		const { scale, ready, until } = pool('cut-off')
		host.weather.isAway = true
		await scale(1)
		await until('a failed start', (status) => status.instances.some(({ detail }) => detail?.includes('fetch failed') ?? false))
		host.weather.isAway = false
		await ready(1)
	})

	it('is of one mind, however many scale it at once', async () => {
		const { scale, ready } = pool('crowd')
		const answers = await Promise.all([1, 4, 2, 0, 4, 3].map(scale))
		expect(answers.map(({ manualTarget }) => manualTarget)).toEqual([1, 4, 2, 0, 4, 3])
		const { target } = await ready(3)
		expect(target).toBe(3)
		expect((await mirrorOf('crowd')).length).toBeLessThanOrEqual(4)
		await scale(null)
		await ready(0)
	})

	it('waits for the work of a drained container, and kills one that does not listen', async () => {
		const { scale, ready, until, object } = pool('drained')
		await scale(1)
		await ready(1)
		await addTasks('drained', ['CTK-d'], { status: 'running', assigned_to: 'drained:runner-0', lease_expires_at: Date.now() + 60_000 })
		host.weather.ignoresSignals = true
		expect(await object.drain('drained', 'runner-0')).toMatchObject({ isDraining: true })
		await until('another in its place', (status) => status.instances.some(({ instanceId, state }) => instanceId === 'runner-1' && state === 'running'))
		expect(await object.heartbeat('drained', 'runner-0', { inFlight: 1 })).toEqual({ isDraining: true })
		expect(host.calls).not.toContain('POST drained/runner-0 SIGTERM')
		await db.run(sql.updateTable('container_tasks').set({ status: 'completed' }).where('task_id', '=', 'CTK-d'))
		await until('the end of it', (status) => status.instances.some(({ instanceId, state }) => instanceId === 'runner-0' && state === 'stopped'))
		expect(host.calls.filter((call) => call.includes('drained/runner-0 SIG'))).toEqual(['POST drained/runner-0 SIGTERM', 'POST drained/runner-0 SIGKILL'])
		expect(await object.drain('drained', 'runner-0')).toMatchObject({ state: 'stopped' })
	})

	it('says which setting it lacks', async () => {
		const { scale, until } = pool('without-class')
		await scale(1)
		const { instances } = await until('a failed start', (status) => status.instances.some(({ state }) => state === 'failed'))
		expect(instances[0]?.detail).toContain('bind a container class')
	})
})

describe('a pool that starts nothing', () => {
	const name = 'of-externals'
	const { object, until } = pool(name)
	const codeOf = (call: () => Promise<unknown>) => call().then(
		() => 'no error',
		(error: { code?: string }) => error.code,
	)

	it('has the runners that register', async () => {
		expect(await codeOf(async () => object.scale(name, 1))).toBe('INVALID_INPUT')
		expect(await codeOf(async () => object.heartbeat(name, 'laptop', {}))).toBe('NOT_FOUND')
		expect(await object.register(name, { instanceId: 'laptop', port: 9000 })).toMatchObject({ state: 'running', isExternal: true, port: 9000 })
		expect(await object.heartbeat(name, 'laptop', { inFlight: 1 })).toEqual({ isDraining: false })
		await object.drain(name, 'laptop')
		expect(await object.heartbeat(name, 'laptop', {})).toEqual({ isDraining: true })
		await object.heartbeat(name, 'laptop', { isLeaving: true })
		await until('it has left', ({ instances }) => instances[0]?.state === 'stopped')
		await vi.waitFor(async () => expect(await operationsOf(name, 'laptop')).toContain('container.stopped'))
		expect(host.calls.filter((call) => call.includes(name))).toEqual([])
	})

	it('refuses what it does not know', async () => {
		expect(await codeOf(async () => object.restart(name, 'nobody', { force: true }))).toBe('NOT_FOUND')
		expect(await codeOf(async () => object.healthCheck(name, 'nobody'))).toBe('NOT_FOUND')
		expect(await codeOf(async () => object.drain(name, 'nobody'))).toBe('NOT_FOUND')
		expect(await codeOf(async () => object.register(name, { instanceId: '../x' }))).toBe('INVALID_INPUT')
	})
})
