import { describe, expect, it } from 'vitest'
import { createSimulation } from './testing/simulation.ts'

const SECOND = 1_000
const MINUTE = 60_000

describe('after a crash', () => {
	it('goes on from the snapshot without touching what runs', async () => {
		const sim = createSimulation({ settings: { min: 2 } })
		await sim.run(20 * SECOND)
		sim.crash()
		await sim.run(MINUTE)
		expect(sim.platform.callsOf('start')).toHaveLength(2)
		expect(sim.states()).toEqual({ 'runner-0': 'running', 'runner-1': 'running' })
	})

	it.each(['before', 'after'] as const)('makes a start again that died %s the platform took it, under the same generation', async (when) => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.dieIn('start', when)
		expect(sim.at('runner-0')).toMatchObject({ state: 'starting', generation: 1 })
		await sim.run(2 * MINUTE)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 1, failures: 0 })
		expect(sim.platform.running.size).toBe(1)
	})

	it.each(['before', 'after'] as const)('never sends a second SIGTERM when it died %s the first', async (when) => {
		const sim = createSimulation({ settings: { min: 1, killAfterMs: 10 * SECOND } })
		await sim.run(20 * SECOND)
		await sim.pool.scale(0)
		await sim.dieIn('SIGTERM', when)
		await sim.run(MINUTE)
		expect(sim.platform.callsOf('SIGTERM')).toHaveLength(1)
		expect(sim.platform.callsOf('SIGKILL')).toHaveLength(when === 'before' ? 1 : 0)
		expect(sim.states()).toEqual({ 'runner-0': 'stopped' })
	})

	it.each(['before', 'after'] as const)('destroys a wreck again when it died %s the destroy', async (when) => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		await sim.pool.restart('runner-0', { force: true })
		await sim.dieIn('destroy', when)
		await sim.run(2 * MINUTE)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 2 })
		expect(sim.platform.callsOf('destroy')).toHaveLength(2)
	})

	it('refuses a damaged snapshot aloud instead of starting from nothing', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		sim.tamper((state) => ({ ...state, target: 'many' }))
		sim.crash()
		await expect(sim.pool.tick()).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('target') })
		expect(sim.platform.running.size).toBe(1)
	})
})

describe('a store in trouble', () => {
	it('does nothing that it could not save, and goes on from what was saved', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		sim.broken.add('save')
		await expect(sim.pool.tick()).rejects.toThrow('save is out of order')
		expect(sim.platform.calls).toEqual([])
		sim.broken.clear()
		await sim.run(20 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 1 })
	})

	it('fails while it cannot be read and works when it can', async () => {
		const sim = createSimulation()
		sim.broken.add('load')
		await expect(sim.pool.status()).rejects.toThrow('load is out of order')
		sim.broken.clear()
		expect(await sim.pool.status()).toMatchObject({ target: 0, instances: [] })
	})

	it('keeps the pool going without mirror and health history, and catches up', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		sim.broken.add('mirror').add('appendHealthChecks')
		await sim.run(20 * SECOND)
		expect(sim.states()).toEqual({ 'runner-0': 'running' })
		expect([sim.mirror.size, sim.checks.length]).toEqual([0, 0])
		expect(sim.warnings.length).toBeGreaterThan(0)
		sim.broken.clear()
		await sim.run(20 * SECOND)
		expect(sim.mirror.get('runner-0')).toMatchObject({ state: 'running', workerName: 'factory', containerName: 'runner', generation: 1 })
		expect(sim.checks.map(({ isHealthy }) => isHealthy)).toEqual([false, true])
	})

	it('goes on with the last known load while nobody tells it', async () => {
		const sim = createSimulation({ settings: { idleMs: 0, downCooldownMs: 0 } })
		sim.work.queued = 1
		await sim.run(20 * SECOND)
		Object.assign(sim.work, { queued: 0, busy: { 'runner-0': { inFlight: 1, lastHeartbeat: null } } })
		await sim.run(20 * SECOND)
		sim.broken.add('work')
		sim.work.busy = {}
		await sim.run(5 * MINUTE)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', inFlight: 1 })
	})
})
