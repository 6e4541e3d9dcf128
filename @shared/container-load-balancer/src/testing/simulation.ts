import { expect } from 'vitest'
import { planPool } from '../plan/planPool.ts'
import { createPool } from '../pool/createPool.ts'
import { PoolSettings, PoolState } from '../index.ts'
import { createPlatform } from './platform.ts'
import type { ContainerHealth, ContainerInstance } from '@shared/contracts'
import type { z } from 'zod'
import type { PoolLoad } from '../ports.ts'

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
	let state = seed
	return () => {
		state = (state + 0x6d2b79f5) | 0
		let mixed = Math.imul(state ^ (state >>> 15), state | 1)
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
	}
}

interface SimulationOptions {
	settings?: Partial<z.input<typeof PoolSettings>>
	seed?: number
}

/** A pool on a platform in memory, with a clock that only the test moves. */
export function createSimulation({ settings: some = {}, seed = 1 }: SimulationOptions = {}) {
	const settings = PoolSettings.parse({ workerName: 'factory', containerName: 'runner', startStaggerMs: 0, ...some })
	let clock = 1_000_000
	const now = () => clock
	const random = seededRandom(seed)
	const platform = createPlatform(now)
	const work: { queued: number; busy: Record<string, { inFlight: number; lastHeartbeat: number | null }> } = { queued: 0, busy: {} }

	const timers = new Set<{ at: number; callback: () => void }>()
	const timer = (ms: number, callback: () => void) => {
		const entry = { at: clock + ms, callback }
		timers.add(entry)
		return () => void timers.delete(entry)
	}

	let disk: string | null = null
	const broken = new Set<string>()
	const guard = (name: string) => {
		if (broken.has(name)) throw new Error(`${name} is out of order`)
	}
	const load = async (): Promise<PoolLoad> => {
		guard('work')
		return structuredClone(work)
	}
	const mirror = new Map<string, ContainerInstance>()
	const checks: ContainerHealth[] = []
	const warnings: string[] = []
	const store = {
		async load(): Promise<unknown> {
			guard('load')
			return disk === null ? null : JSON.parse(disk)
		},
		async save(state: PoolState) {
			guard('save')
			disk = JSON.stringify(state)
		},
		async mirror(instances: readonly ContainerInstance[]) {
			guard('mirror')
			for (const instance of instances) mirror.set(instance.instanceId, instance)
		},
		async appendHealthChecks(more: readonly ContainerHealth[]) {
			guard('appendHealthChecks')
			checks.push(...more)
		},
	}
	const open = () => createPool({ driver: platform.driver, store, load, now, random, timer, settings, log: { info: () => undefined, warn: (message) => void warnings.push(message) } })
	let pool = open()

	/** Waits for `started`, and lets time pass for it when it waits for a timer. */
	async function patient<Result>(started: Promise<Result>): Promise<Result> {
		let isSettled = false
		const done = started.finally(() => {
			isSettled = true
		})
		done.catch(() => undefined)
		for (;;) {
			await settleDown(() => isSettled)
			if (isSettled) return await done
			const next = [...timers].sort((a, b) => a.at - b.at)[0]
			if (!next) throw new Error('The pool waits for nothing.')
			timers.delete(next)
			clock = Math.max(clock, next.at)
			next.callback()
		}
	}

	async function settleDown(isDone: () => boolean): Promise<void> {
		for (let turn = 0; turn < 500 && !isDone(); turn++) await Promise.resolve()
	}

	function saved(): PoolState {
		return PoolState.parse(JSON.parse(disk ?? 'null'))
	}

	/** What must hold whenever the pool rests. */
	function checkRest(): void {
		expect(platform.peak()).toBeLessThanOrEqual(settings.max)
		const again = planPool(saved(), work, { settings, now: clock, random })
		expect(again.actions).toEqual([])
		expect(again.state).toEqual(saved())
	}

	async function tick(): Promise<number | null> {
		const { nextWakeAt } = await patient(pool.tick())
		return nextWakeAt
	}

	/** Ticks whenever the pool asks for it, for `ms`. */
	async function run(ms: number): Promise<void> {
		const until = clock + ms
		for (;;) {
			const nextWakeAt = await tick()
			const { hangs, fails } = platform.weather
			if (hangs.size + fails.size + broken.size === 0) checkRest()
			if (nextWakeAt === null || nextWakeAt >= until) break
			expect(nextWakeAt).toBeGreaterThan(clock)
			clock = nextWakeAt
		}
		clock = Math.max(clock, until)
		await tick()
	}

	return {
		platform,
		settings,
		work,
		broken,
		mirror,
		checks,
		warnings,
		now,
		run,
		tick,
		saved,
		/** Forgets what is in memory, as an evicted or crashed orchestrator does. What was under way never goes on. */
		crash() {
			timers.clear()
			pool = open()
		},
		/** Dies within a tick, before or after the driver carried out `call`. */
		async dieIn(call: string, when: 'before' | 'after') {
			const silent = when === 'before' ? platform.weather.hangs : platform.weather.loses
			silent.add(call)
			void pool.tick().catch(() => undefined)
			await settleDown(() => false)
			silent.delete(call)
			this.crash()
		},
		get pool() {
			return pool
		},
		/** Changes what is on disk. */
		tamper(change: (state: PoolState) => unknown) {
			disk = JSON.stringify(change(saved()))
		},
		/** The instance as the pool has saved it. */
		at(instanceId: string) {
			const found = saved().instances.find((each) => each.instanceId === instanceId)
			if (!found) throw new Error(`There is no ${instanceId}.`)
			return found
		},
		states: () => Object.fromEntries(saved().instances.map(({ instanceId, state }) => [instanceId, state])),
	}
}
