import { env } from 'cloudflare:workers'
import { PoolSettings } from '@shared/container-load-balancer'
import { expect, it } from 'vitest'
import { createDatabase, sql } from '../../database/client.ts'
import type { Database } from '../../database/client.ts'
import { createContainerPool } from './containerPool.ts'

const RETRY_MS = 10_000

/** A pool of containers that are there at once, with a database and snapshots that can be away. */
function open(workerName: string) {
	const away = { database: false, snapshots: false }
	const clock = { now: 1_000_000 }
	const db = createDatabase(env.DB)
	const shaky = new Proxy<Database>(db, {
		get: (target, name) => (away.database ? () => Promise.reject(new Error('D1 is away')) : (Reflect.get(target, name) as unknown)),
	})
	const running = new Set<string>()
	const kept = new Map<string, string>()
	const shown: number[] = []
	let alarmAt: number | null = null
	const pool = createContainerPool({
		settings: PoolSettings.parse({ workerName, containerName: 'runner', rise: 1, upCooldownMs: 0, startStaggerMs: 0 }),
		except: null,
		capabilities: null,
		driver: {
			start: async ({ platformName }) => void running.add(platformName),
			stop: async () => true,
			destroy: async ({ platformName }) => void running.delete(platformName),
			probe: async () => ({ kind: 'answered', statusCode: 200, latencyMs: 1 }),
			list: async () => [...running],
		},
		db: shaky,
		kept: { get: (key) => kept.get(key), put: (key, value) => void kept.set(key, value) },
		alarm: { get: async () => alarmAt, set: async (at) => void (alarmAt = at) },
		snapshots: {
			write: async ({ instances }) => {
				if (away.snapshots) throw new Error('KV is away')
				shown.push(instances.filter(({ state }) => state === 'running').length)
			},
		},
		now: () => clock.now,
		random: () => 0,
		timer: (ms, callback) => {
			const timeout = setTimeout(callback, ms)
			return () => clearTimeout(timeout)
		},
		log: { info: () => {}, warn: () => {} },
	})
	/** Looks at it as its alarm does, so many times. */
	async function look(times: number): Promise<void> {
		for (let time = 0; time < times; time++) {
			if (alarmAt === null) return expect.unreachable('Nothing would ever look at the pool again.')
			clock.now = Math.max(clock.now, alarmAt)
			alarmAt = null
			await pool.tick()
		}
	}
	const written = async () => ({
		mirror: await db.all(sql.selectFrom('container_instances').select(['instance_id', 'state']).where('worker_name', '=', workerName)),
		targets: (await db.all(sql.selectFrom('operation_logs').select('details').where('worker_name', '=', workerName).where('operation', '=', 'container.target'))).length,
	})
	return { pool, away, running, shown, look, written, nextLookIn: () => (alarmAt ?? Infinity) - clock.now }
}
const stateOf = async ({ pool }: ReturnType<typeof open>) => (await pool.status()).instances.map(({ state }) => state)

it('goes on without the snapshots, tries again soon, and shows itself when they are back', async () => {
	const fixture = open('without-snapshots')
	const { pool, away, shown, look, nextLookIn } = fixture
	away.snapshots = true
	await pool.scale(1)
	await look(4)
	expect(await stateOf(fixture)).toEqual(['running'])
	expect(nextLookIn()).toBeLessThanOrEqual(RETRY_MS)
	away.snapshots = false
	await look(1)
	await look(1)
	expect(shown).toEqual([1])
})

it('goes on without D1, and writes down what it did when that is back', async () => {
	const fixture = open('without-database')
	const { pool, away, running, look, written, nextLookIn } = fixture
	away.database = true
	await pool.scale(1)
	await look(4)
	expect([await stateOf(fixture), [...running]]).toEqual([['running'], ['runner-0']])
	expect(nextLookIn()).toBeLessThanOrEqual(RETRY_MS)
	away.database = false
	expect(await written()).toEqual({ mirror: [], targets: 0 })
	await look(2)
	expect(await written()).toEqual({ mirror: [{ instance_id: 'runner-0', state: 'running' }], targets: 1 })
})
