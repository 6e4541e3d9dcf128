import { describe, expect, it } from 'vitest'
import { createSimulation } from './testing/simulation.ts'

const SECOND = 1_000

describe('external runners', () => {
	it('take their share of the work, and are never started or stopped by the pool', async () => {
		const sim = createSimulation()
		await sim.pool.registerExternal({ instanceId: 'laptop' })
		sim.work.queued = 1
		await sim.run(20 * SECOND)
		expect(sim.states()).toEqual({ laptop: 'running' })
		sim.work.queued = 2
		await sim.run(20 * SECOND)
		expect(Object.keys(sim.states()).sort()).toEqual(['laptop', 'runner-0'])
		expect(sim.platform.calls.filter(({ name }) => name === 'laptop')).toEqual([])
	})

	it('get no work while silent, come back with a heartbeat, and are gone after three times as long', async () => {
		const sim = createSimulation({ settings: { externalTtlMs: 30 * SECOND } })
		await sim.pool.registerExternal({ instanceId: 'laptop' })
		await sim.run(31 * SECOND)
		expect(sim.states()).toEqual({ laptop: 'unhealthy' })
		expect(await sim.pool.heartbeat('laptop', { inFlight: 1 })).toEqual({ isDraining: false })
		expect(await sim.pool.healthCheck('laptop')).toMatchObject({ isHealthy: true, checkedAt: sim.now() })
		await sim.run(91 * SECOND)
		expect(sim.states()).toMatchObject({ laptop: 'stopped' })
		await expect(sim.pool.heartbeat('laptop')).rejects.toMatchObject({ code: 'NOT_FOUND' })
		expect(await sim.pool.registerExternal({ instanceId: 'laptop' })).toMatchObject({ state: 'running', generation: 2, isExternal: true })
	})

	it('hear that they are to drain, and say good-bye', async () => {
		const sim = createSimulation()
		await sim.pool.registerExternal({ instanceId: 'laptop' })
		await sim.pool.drain('laptop')
		expect(await sim.pool.heartbeat('laptop', { inFlight: 1 })).toEqual({ isDraining: true })
		await sim.pool.heartbeat('laptop', { isLeaving: true })
		await sim.tick()
		expect(sim.states()).toEqual({ laptop: 'stopped' })
		await sim.pool.registerExternal({ instanceId: 'other' })
		await sim.tick()
		expect(sim.states()).toEqual({ other: 'running' })
		expect(sim.mirror.get('laptop')).toMatchObject({ state: 'stopped', detail: 'the runner left' })
	})

	it('cannot take the name of an instance of the pool, nor register nonsense', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		await expect(sim.pool.registerExternal({ instanceId: 'runner-0' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await expect(sim.pool.heartbeat('runner-1')).rejects.toMatchObject({ code: 'NOT_FOUND' })
		for (const instanceId of ['', 'a b', '../x', 'x'.repeat(101)]) await expect(sim.pool.registerExternal({ instanceId })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await expect(sim.pool.registerExternal({ instanceId: 'a', port: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await sim.pool.registerExternal({ instanceId: 'a' })
		await expect(sim.pool.heartbeat('a', { inFlight: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await expect(sim.pool.restart('a')).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('where it runs') })
	})

	it('of the pool itself say that they live, and hear that they are to drain', async () => {
		const sim = createSimulation({ settings: { min: 1, signOfLifeMs: 60 * SECOND, drainMs: 60 * SECOND } })
		await sim.run(20 * SECOND)
		expect(await sim.pool.heartbeat('runner-0', { inFlight: 3 })).toEqual({ isDraining: false })
		// How much it does is what the queue says.
		expect(sim.at('runner-0')).toMatchObject({ lastSeenAt: sim.now(), inFlight: 0 })
		sim.work.busy = { 'runner-0': { inFlight: 1, lastHeartbeat: null } }
		await sim.tick()
		await sim.pool.scale(0)
		await sim.tick()
		expect(await sim.pool.heartbeat('runner-0', { isLeaving: true })).toEqual({ isDraining: true })
		expect(sim.states()).toEqual({ 'runner-0': 'draining' })
		sim.work.busy = {}
		await sim.run(20 * SECOND)
		await expect(sim.pool.heartbeat('runner-0')).rejects.toMatchObject({ code: 'NOT_FOUND' })
	})

	it('leave a name of the pool free for others when they have it', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.pool.registerExternal({ instanceId: 'runner-0' })
		await sim.run(20 * SECOND)
		expect(Object.keys(sim.states()).sort()).toEqual(['runner-0', 'runner-1'])
	})
})

describe('what a person asks of an instance', () => {
	it('is refused for one that is not there or not running', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		for (const ask of [sim.pool.restart, sim.pool.drain, sim.pool.healthCheck]) await expect(ask('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
		await sim.pool.scale(0)
		await sim.run(20 * SECOND)
		await expect(sim.pool.restart('runner-0')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		expect(await sim.pool.drain('runner-0')).toMatchObject({ state: 'stopped', isDraining: false })
	})

	it('cannot make an instance fall by looking at it', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		sim.platform.weather.fails.add('probe')
		const before = sim.saved()
		for (let look = 0; look < 10; look++) expect(await sim.pool.healthCheck('runner-0')).toMatchObject({ isHealthy: false })
		expect(sim.saved()).toEqual(before)
		expect(await sim.pool.status()).toMatchObject({ instances: [{ state: 'running', isDegraded: false }] })
	})

	it('checks the health of what runs, and does not call what is stopped', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		expect(await sim.pool.healthCheck('runner-0')).toEqual({ instanceId: 'runner-0', isHealthy: true, statusCode: 200, latencyMs: 5, checkedAt: sim.now(), detail: null })
		await sim.pool.scale(0)
		await sim.run(20 * SECOND)
		const calls = sim.platform.calls.length
		expect(await sim.pool.healthCheck('runner-0')).toMatchObject({ isHealthy: false, detail: 'not needed' })
		expect(sim.platform.calls.length).toBe(calls)
	})
})
