import { createPool } from '@shared/container-load-balancer'
import type { ContainerDriver, PoolLoad, PoolLog, PoolSettings, Timer } from '@shared/container-load-balancer'
import type { PoolStatus } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { POOL_LOG_SOURCE } from '../../database/repositories/containerInstances.ts'
import { countWaiting, listBusy } from '../../database/repositories/containerPoolLoad.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import type { PoolObject } from './poolObject.ts'
import type { PoolSnapshots } from './poolSnapshots.ts'
import { createPoolStore } from './poolStore.ts'
import type { KeptValues } from './poolStore.ts'

export interface ContainerPoolDeps {
	settings: PoolSettings
	/** Workers with pools of their own, when this pool does the work of all others; else null. */
	except: readonly string[] | null
	/** What its runners can do; null: everything. */
	capabilities: readonly string[] | null
	driver: ContainerDriver
	db: Database
	kept: KeptValues
	alarm: { get(): Promise<number | null>; set(at: number): Promise<void> }
	snapshots: Pick<PoolSnapshots, 'write'>
	now: () => number
	random: () => number
	timer: Timer
	log: PoolLog
}

/** A burst of submits is one look at the pool. */
const REST_MS = 250
/** After a look that failed: alarms that throw are given up after a few tries, and a pool must never be. */
const RETRY_MS = 10_000
const LOGGED_SIZE = 'loggedSize'
const EMPTY_SIZE = JSON.stringify({ target: 0, manualTarget: null, learnedCap: null })

/** A Worker's pool inside its object: every change is followed by an alarm, and only the alarm ticks. */
export function createContainerPool(deps: ContainerPoolDeps) {
	const { settings, driver, db, alarm, now, random, timer, log } = deps
	const { workerName } = settings
	const store = createPoolStore({ kept: deps.kept, db, settings, now })
	const pool = createPool({ driver, store, load, now, random, timer, settings, log })
	let lastTickAt = 0
	let lastSnapshot = ''

	async function load(): Promise<PoolLoad> {
		const countTo = Math.max(1, settings.max * settings.workPerInstance)
		const [queued, busy] = await Promise.all([countWaiting(db, { now: now(), workerName, except: deps.except, capabilities: deps.capabilities }, countTo), listBusy(db, workerName, now())])
		return { queued, busy: Object.fromEntries(busy.map(({ containerName, inFlight, lastHeartbeat }) => [containerName, { inFlight, lastHeartbeat }])) }
	}

	async function wakeAt(at: number): Promise<void> {
		const set = await alarm.get()
		if (set === null || set > at) await alarm.set(at)
	}
	const wake = () => wakeAt(Math.max(now(), lastTickAt + REST_MS))

	/** Lets others see the pool without asking it. Written when something changed that a watcher cares for. */
	async function publish(): Promise<void> {
		const status = await pool.status()
		await logSize(status)
		const news = JSON.stringify([status.target, status.manualTarget, status.instances.map(({ instanceId, state, isDegraded, isDraining }) => [instanceId, state, isDegraded, isDraining])])
		if (news === lastSnapshot) return
		await deps.snapshots.write(status)
		lastSnapshot = news
	}

	async function logSize({ target, manualTarget, learnedCap }: PoolStatus): Promise<void> {
		const size = JSON.stringify({ target, manualTarget, learnedCap })
		const before = deps.kept.get(LOGGED_SIZE) ?? EMPTY_SIZE
		if (size === before) return
		await db.run(appendLog({ source: POOL_LOG_SOURCE, operation: 'container.target', details: { target, manualTarget, learnedCap, from: JSON.parse(String(before)) as unknown }, workerName, at: now() }))
		deps.kept.put(LOGGED_SIZE, size)
	}

	/** Does something to the pool, and looks at it soon. */
	async function after<Answer>(change: Promise<Answer>): Promise<Answer> {
		const answer = await change
		await wake()
		return answer
	}

	return {
		status: pool.status,
		healthCheck: pool.healthCheck,
		platformNameOf: pool.platformNameOf,
		scale: (instances: number | null) => after(pool.scale(instances)),
		restart: (instanceId: string, options: Parameters<PoolObject['restart']>[2]) => after(pool.restart(instanceId, options)),
		drain: (instanceId: string) => after(pool.drain(instanceId)),
		register: (runner: Parameters<PoolObject['register']>[1]) => after(pool.registerExternal(runner)),
		async heartbeat(instanceId: string, heartbeat: Parameters<PoolObject['heartbeat']>[2]) {
			const beat = pool.heartbeat(instanceId, heartbeat)
			// A beat moves nothing but the time of the last one; a good-bye does.
			return heartbeat.isLeaving === true ? after(beat) : beat
		},
		nudge: wake,
		async tick(): Promise<void> {
			lastTickAt = now()
			try {
				const { nextWakeAt } = await pool.tick()
				if (nextWakeAt !== null) await wakeAt(nextWakeAt)
			} catch (error) {
				log.warn('The pool could not be looked after and will be again.', { error: String(error).slice(0, 500) })
				await wakeAt(now() + RETRY_MS)
				return
			}
			await publish().catch(async (error: unknown) => {
				log.warn('The pool could not show itself to others and will try again.', { error: String(error).slice(0, 500) })
				await wakeAt(now() + RETRY_MS)
			})
		},
	}
}
export type ContainerPoolService = ReturnType<typeof createContainerPool>
