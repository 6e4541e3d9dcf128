import { describe, expect, it } from 'vitest'
import { createSimulation } from './testing/simulation.ts'

const SECOND = 1_000
const MINUTE = 60_000

describe('size', () => {
	it('starts what the work needs, keeps it while there is work, and sleeps when idle', async () => {
		const sim = createSimulation({ settings: { max: 4, minWarm: 1, idleMs: 2 * MINUTE, downCooldownMs: MINUTE } })
		sim.work.queued = 2
		await sim.run(30 * SECOND)
		expect(sim.states()).toEqual({ 'runner-0': 'running', 'runner-1': 'running', 'runner-2': 'running' })
		sim.work.queued = 0
		await sim.run(MINUTE + 30 * SECOND)
		expect(sim.platform.running.size).toBe(3)
		await sim.run(2 * MINUTE)
		expect(sim.platform.running.size).toBe(1)
	})

	it('sleeps for good with nothing to do: no wake-up, no call', async () => {
		const sim = createSimulation({ settings: { idleMs: MINUTE } })
		sim.work.queued = 1
		await sim.run(30 * SECOND)
		sim.work.queued = 0
		await sim.run(10 * MINUTE)
		expect(sim.platform.running.size).toBe(0)
		const calls = sim.platform.calls.length
		expect(await sim.tick()).toBeNull()
		expect(sim.platform.calls.length).toBe(calls)
	})

	it('does not stop a busy instance when less is wanted', async () => {
		const sim = createSimulation({ settings: { idleMs: 0, downCooldownMs: 0 } })
		sim.work.queued = 2
		await sim.run(30 * SECOND)
		Object.assign(sim.work, { queued: 0, busy: { 'runner-0': { inFlight: 1, lastHeartbeat: null } } })
		await sim.run(5 * MINUTE)
		expect(sim.states()).toEqual({ 'runner-0': 'running', 'runner-1': 'stopped' })
		expect(sim.platform.callsOf('SIGTERM', 'runner-0')).toEqual([])
	})

	it('starts few at a time, staggered', async () => {
		const sim = createSimulation({ settings: { max: 6, min: 6, maxParallelStarts: 2, startStaggerMs: 700, probeIntervalMs: 1_000 } })
		await sim.run(MINUTE)
		const starts = sim.platform.callsOf('start').map(({ at }) => at)
		expect(starts).toHaveLength(6)
		expect(starts.slice(1).every((at, index) => at - (starts[index] ?? 0) >= 700)).toBe(true)
		expect(starts.every((at, index) => index < 2 || at - (starts[index - 2] ?? 0) >= 2 * SECOND)).toBe(true)
	})

	it('obeys the last of many scale calls at once, and refuses what is no size', async () => {
		const sim = createSimulation({ settings: { max: 5 } })
		await Promise.all([5, 1, 4, 2].map(async (size) => [await sim.pool.scale(size), await sim.pool.tick()]))
		await sim.run(MINUTE)
		expect((await sim.pool.status()).target).toBe(2)
		expect(sim.platform.running.size).toBe(2)
		for (const size of [-1, 6, 1.5, Number.NaN]) await expect(sim.pool.scale(size)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await sim.pool.scale(null)
		await sim.run(20 * MINUTE)
		expect(sim.platform.running.size).toBe(0)
	})
})

describe('trouble', () => {
	it('waits for a slow boot and does not call it a crash', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		sim.platform.weather.bootMs = 45 * SECOND
		await sim.run(40 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'starting', failures: 0 })
		await sim.run(10 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 1 })
		expect(sim.platform.callsOf('start')).toHaveLength(1)
	})

	it('destroys and starts anew one that never gets ready', async () => {
		const sim = createSimulation({ settings: { min: 1, startGraceMs: 20 * SECOND } })
		sim.platform.weather.bootMs = Number.POSITIVE_INFINITY
		await sim.run(21 * SECOND)
		sim.platform.weather.bootMs = SECOND
		await sim.run(20 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 2 })
		expect(sim.platform.callsOf('destroy', 'runner-0')).toHaveLength(1)
	})

	it('forces a wedged instance out and replaces it under the next generation', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		const wedged = sim.platform.running.get('runner-0')
		if (wedged) wedged.isWedged = true
		await sim.run(15 * SECOND)
		expect(sim.states()).toEqual({ 'runner-0': 'unhealthy' })
		await sim.run(MINUTE)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 2 })
		expect(sim.platform.callsOf('SIGTERM')).toEqual([])
		expect(sim.checks.map(({ isHealthy }) => isHealthy)).toEqual([false, true, false, true])
	})

	it('replaces one that vanished without a word', async () => {
		const sim = createSimulation({ settings: { min: 2 } })
		await sim.run(20 * SECOND)
		sim.platform.running.delete('runner-1')
		await sim.run(20 * SECOND)
		expect(sim.at('runner-1')).toMatchObject({ state: 'running', generation: 2, failures: 1 })
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 1 })
	})

	it('stops restarting a crash loop when the budget is used up, and heals by itself', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 1, restartBudget: 3, restartWindowMs: 10 * MINUTE } })
		sim.platform.weather.crashCode = 1
		await sim.run(9 * MINUTE)
		expect(sim.platform.callsOf('start')).toHaveLength(4)
		expect(sim.at('runner-0')).toMatchObject({ state: 'failed', isExhausted: true, detail: 'it ended with exit code 1' })
		expect(sim.mirror.get('runner-0')).toMatchObject({ state: 'failed', detail: 'it ended with exit code 1' })
		sim.platform.weather.crashCode = null
		await sim.run(2 * MINUTE)
		expect(sim.states()).toEqual({ 'runner-0': 'running' })
	})

	it('tries another place when one has used up its restarts, but never more places than max', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 3, restartBudget: 1 } })
		sim.platform.weather.crashCode = 1
		await sim.run(9 * MINUTE)
		expect(Object.keys(sim.states())).toEqual(['runner-0', 'runner-1', 'runner-2'])
		expect(sim.platform.callsOf('start')).toHaveLength(6)
	})

	it('learns how many the platform gives and asks for more now and then', async () => {
		const sim = createSimulation({ settings: { min: 5, max: 5, capRetryMs: 30 * SECOND } })
		sim.platform.weather.cap = 3
		await sim.run(MINUTE)
		expect((await sim.pool.status()).learnedCap).toBe(3)
		expect(sim.platform.running.size).toBe(3)
		expect(sim.platform.callsOf('start').length).toBeLessThan(8)
		expect(Object.values(sim.states()).sort()).toEqual(['running', 'running', 'running', 'stopped'])
		sim.platform.weather.cap = 10
		await sim.run(MINUTE)
		expect(sim.platform.running.size).toBe(5)
		expect((await sim.pool.status()).learnedCap).toBeNull()
	})

	it('is not moved by single failed checks, and restarts one that turns unhealthy again and again', async () => {
		const sim = createSimulation({ settings: { min: 1, maxWobbles: 2, probeIntervalMs: SECOND, fastProbeIntervalMs: SECOND } })
		await sim.run(10 * SECOND)
		const wedge = async (isWedged: boolean, seconds: number) => {
			const container = sim.platform.running.get('runner-0')
			if (container) container.isWedged = isWedged
			await sim.run(seconds * SECOND)
		}
		for (let round = 0; round < 10; round++) {
			await wedge(true, 1)
			await wedge(false, 1)
		}
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 1, wobbles: [] })
		for (let round = 0; round < 3; round++) {
			await wedge(true, 4)
			await wedge(false, 4)
		}
		expect(sim.at('runner-0')).toMatchObject({ generation: 2, failures: 1 })
	})

	it('calls slow degraded, and silent but working alive', async () => {
		const sim = createSimulation({ settings: { min: 1 } })
		await sim.run(20 * SECOND)
		const container = sim.platform.running.get('runner-0')
		if (!container) throw new Error('not running')
		container.slowMs = 5 * SECOND
		await sim.run(40 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', isDegraded: true })
		container.slowMs = 0
		await sim.run(30 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', isDegraded: false, detail: null })
		container.isWedged = true
		for (let minute = 0; minute < 5; minute++) {
			sim.work.busy['runner-0'] = { inFlight: 1, lastHeartbeat: sim.now() }
			await sim.run(50 * SECOND)
		}
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', isDegraded: true, generation: 1 })
		await sim.run(2 * MINUTE)
		expect(sim.at('runner-0').generation).toBe(2)
	})

	it('destroys what nobody knows, and leaves its own alone', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 3 } })
		await sim.run(20 * SECOND)
		sim.platform.running.set('runner-7', { startedAt: 0, terms: 0, isWedged: false, slowMs: 0 })
		await sim.run(3 * MINUTE)
		expect([...sim.platform.running.keys()]).toEqual(['runner-0'])
		expect(sim.saved().orphans).toEqual([])
	})

	it('finds what a lost state left running', async () => {
		const sim = createSimulation()
		sim.platform.running.set('runner-3', { startedAt: 0, terms: 0, isWedged: false, slowMs: 0 })
		await sim.run(2 * MINUTE)
		expect(sim.platform.running.size).toBe(0)
	})

	it('goes on under another name when an instance cannot be destroyed, and reaps the old one later', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 2, callTimeoutMs: 5 * SECOND } })
		await sim.run(20 * SECOND)
		const wedged = sim.platform.running.get('runner-0')
		if (wedged) wedged.isWedged = true
		sim.platform.weather.fails.add('destroy')
		await sim.run(2 * MINUTE)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', platformName: 'runner-0-g2' })
		sim.platform.weather.fails.clear()
		await sim.run(3 * MINUTE)
		expect([...sim.platform.running.keys()]).toEqual(['runner-0-g2'])
	})

	it('does not blame an instance for a start that the platform never answered', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 1 } })
		sim.platform.weather.hangs.add('start')
		await sim.run(MINUTE)
		sim.platform.weather.hangs.clear()
		await sim.run(MINUTE)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 1, failedAt: [] })
	})

	it.each(['start', 'probe', 'list', 'destroy', 'SIGTERM', 'SIGKILL'])('survives a driver whose %s hangs and then heals', async (call) => {
		const sim = createSimulation({ settings: { min: 2, max: 3 } })
		sim.platform.weather.hangs.add(call)
		await sim.run(MINUTE)
		await sim.pool.scale(1)
		await sim.run(2 * MINUTE)
		sim.platform.weather.hangs.clear()
		await sim.pool.scale(2)
		await sim.run(5 * MINUTE)
		expect(sim.platform.running.size).toBe(2)
		expect(Object.values(sim.states()).filter((state) => state === 'running')).toHaveLength(2)
	})
})

describe('drain', () => {
	const busy = (inFlight: number) => ({ 'runner-0': { inFlight, lastHeartbeat: null } })

	it('waits for the work, sends one SIGTERM, and takes a replacement meanwhile', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 2 } })
		sim.work.busy = busy(1)
		await sim.run(20 * SECOND)
		expect(await sim.pool.drain('runner-0')).toMatchObject({ state: 'running', isDraining: true })
		await sim.run(5 * MINUTE)
		expect(sim.platform.callsOf('SIGTERM')).toEqual([])
		expect(sim.states()).toEqual({ 'runner-0': 'draining', 'runner-1': 'running' })
		sim.work.busy = {}
		await sim.run(MINUTE)
		expect(sim.states()).toEqual({ 'runner-0': 'stopped', 'runner-1': 'running' })
		expect(sim.platform.callsOf('SIGTERM')).toHaveLength(1)
		expect(sim.platform.callsOf('SIGKILL')).toEqual([])
	})

	it('does not wait for ever, neither for the work nor for the SIGTERM to be obeyed', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 1, drainMs: MINUTE, killAfterMs: 10 * SECOND } })
		sim.platform.weather.obeysTerm = false
		await sim.run(20 * SECOND)
		sim.work.busy = busy(1)
		await sim.pool.scale(0)
		const asked = sim.now()
		await sim.run(5 * MINUTE)
		expect(sim.platform.callsOf('SIGTERM').map(({ at }) => at - asked)).toEqual([MINUTE])
		expect(sim.platform.callsOf('SIGKILL').map(({ at }) => at - asked)).toEqual([MINUTE + 10 * SECOND])
		expect(sim.states()).toEqual({ 'runner-0': 'stopped' })
	})

	it('restarts by hand: after the work, or at once by force, and on no budget', async () => {
		const sim = createSimulation({ settings: { min: 1, max: 2, restartBudget: 0 } })
		sim.work.busy = busy(1)
		await sim.run(20 * SECOND)
		await sim.pool.restart('runner-0')
		await sim.run(MINUTE)
		expect(sim.states()).toEqual({ 'runner-0': 'draining' })
		sim.work.busy = {}
		await sim.run(20 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 2 })
		sim.work.busy = busy(1)
		await sim.pool.restart('runner-0', { force: true })
		await sim.run(20 * SECOND)
		expect(sim.at('runner-0')).toMatchObject({ state: 'running', generation: 3, isExhausted: false })
		expect(sim.platform.callsOf('destroy', 'runner-0')).toHaveLength(1)
	})
})

it('bills from start to end, by instance type', async () => {
	const sim = createSimulation({ settings: { max: 2, instanceType: 'basic' } })
	await sim.pool.scale(1)
	await sim.run(100 * SECOND)
	await sim.pool.scale(0)
	await sim.run(100 * SECOND)
	const { basic = 0 } = (await sim.pool.status()).usageSeconds
	expect(basic).toBeGreaterThanOrEqual(100)
	expect(basic).toBeLessThan(105)
})
