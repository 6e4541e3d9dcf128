import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chooseInstance } from './index.ts'
import { createSimulation } from './testing/simulation.ts'

const SECOND = 1_000
const MINUTE = 60_000
const MAX = 3

type Simulation = ReturnType<typeof createSimulation>
interface Step {
	what: string
	 apply: (sim: Simulation) => Promise<unknown> | void
}

const place = fc.integer({ min: 0, max: MAX - 1 }).map((index) => `runner-${index}`)
const step = (what: string, apply: Step['apply']): Step => ({ what, apply })
/** A person may ask for what is not possible just now; the answer is an error, and the pool stays sound. */
const ask = (asked: Promise<unknown>) => asked.catch((error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/NOT_FOUND|INVALID_INPUT/) }))

const steps = fc.oneof(
	fc.integer({ min: 1, max: 90 }).map((seconds) => step(`pass ${seconds} s`, (sim) => sim.run(seconds * SECOND))),
	fc.integer({ min: 0, max: 6 }).map((queued) => step(`queue ${queued}`, (sim) => void (sim.work.queued = queued))),
	fc.tuple(place, fc.integer({ min: 0, max: 2 })).map(([id, inFlight]) => step(`${id} has ${inFlight}`, (sim) => void (sim.work.busy[id] = { inFlight, lastHeartbeat: sim.now() }))),
	place.map((id) => step(`${id} vanishes`, (sim) => void sim.platform.running.delete(id))),
	place.map((id) =>
		step(`${id} is wedged`, (sim) => {
			const container = sim.platform.running.get(id)
			if (container) container.isWedged = true
		}),
	),
	fc.option(fc.integer({ min: 0, max: MAX })).map((size) => step(`scale ${size}`, (sim) => sim.pool.scale(size))),
	place.map((id) => step(`drain ${id}`, (sim) => ask(sim.pool.drain(id)))),
	fc.tuple(place, fc.boolean()).map(([id, force]) => step(`restart ${id} ${force}`, (sim) => ask(sim.pool.restart(id, { force })))),
	fc.constantFrom(0, 1, 2, 9).map((cap) => step(`the platform gives ${cap}`, (sim) => void (sim.platform.weather.cap = cap))),
	fc.constantFrom(null, 0, 1).map((code) => step(`crash code ${code}`, (sim) => void (sim.platform.weather.crashCode = code))),
	fc.constantFrom(SECOND, 45 * SECOND, 500 * SECOND).map((bootMs) => step(`boots take ${bootMs}`, (sim) => void (sim.platform.weather.bootMs = bootMs))),
	fc.boolean().map((obeys) => step(`obeys SIGTERM ${obeys}`, (sim) => void (sim.platform.weather.obeysTerm = obeys))),
	fc.constant(step('crash', (sim) => sim.crash())),
	fc
		.tuple(fc.constantFrom('start', 'destroy', 'SIGTERM', 'SIGKILL', 'probe', 'list'), fc.constantFrom('before' as const, 'after' as const))
		.map(([call, when]) => step(`die ${when} ${call}`, (sim) => sim.dieIn(call, when))),
)

async function checkRouting(sim: Simulation): Promise<void> {
	const { instances } = await sim.pool.status()
	const chosen = chooseInstance(instances, { random: Math.random })
	const ready = sim.saved().instances.filter(({ state }) => state === 'running')
	if (chosen) expect(ready.map(({ instanceId }) => instanceId)).toContain(chosen.instanceId)
	else expect(ready).toEqual([])
}

it('whatever happens: never more than max, never routed to what drains, and at the target once the platform is well again', { timeout: 60_000 }, async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(steps, { maxLength: 15 }), fc.integer({ min: 0, max: MAX }), fc.integer(), async (sequence, size, seed) => {
			const sim = createSimulation({ seed, settings: { max: MAX, drainMs: 2 * MINUTE, idleMs: 30 * SECOND, downCooldownMs: 10 * SECOND, probeIntervalMs: 20 * SECOND } })
			for (const { apply } of sequence) {
				await apply(sim)
				await sim.tick()
				expect(sim.platform.peak()).toBeLessThanOrEqual(MAX)
				await checkRouting(sim)
			}
			Object.assign(sim.platform.weather, { cap: 9, crashCode: null, bootMs: SECOND, obeysTerm: true })
			await sim.pool.scale(size)
			await sim.run(25 * MINUTE)
			expect(Object.values(sim.states()).filter((state) => state === 'running')).toHaveLength(size)
			expect(sim.platform.running.size).toBe(size)
			await sim.pool.scale(null)
			Object.assign(sim.work, { queued: 0, busy: {} })
			await sim.run(25 * MINUTE)
			expect(sim.platform.running.size).toBe(0)
			expect(await sim.tick()).toBeNull()
		}),
		{ numRuns: 60, verbose: 1 },
	)
})
