import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { sql } from '../client.ts'
import type { Database } from '../client.ts'

/** Whose work a pool does. `except` makes it the shared pool: it also does that of every Worker but these, which have pools of their own. */
export interface PoolClients {
	workerName: string
	except: readonly string[] | null
	/** What the runners can do; null: everything. A task that they cannot take must not keep them up. */
	capabilities: readonly string[] | null
}

export interface BusyRunner {
	containerName: string
	inFlight: number
	lastHeartbeat: number
}

const ready = raw`status = 'pending' and run_after = 0 and blocked_by = 0`

/**
 * How many tasks could start now if the pool had a runner for each; counts to `countTo` and no further. Its pool is the one a task
 * names, else that of its Worker. A task for one container by name waits for that one, whoever starts it. What has lapsed or fallen due
 * counts too: it is put back by the next claim, and without a runner there is none.
 */
export function waitingQuery({ workerName, except, capabilities, now }: PoolClients & { now: number }, countTo: number) {
	const isDoable = capabilities === null ? raw`target_container is null` : raw`target_container is null and (requires is null or requires in (select value from json_each(${JSON.stringify(capabilities)})))`
	const isOurs = except === null ? raw`worker_name = ${workerName}` : raw`worker_name not in (select value from json_each(${JSON.stringify(except)}))`
	const from = (index: string, where: RawBuilder<unknown>) => raw`select * from (select 1 as one from container_tasks indexed by ${raw.ref(index)} where ${where} and ${isDoable} limit ${countTo})`
	const isOfPool = raw`(target_worker = ${workerName} or (target_worker is null and ${isOurs}))`
	const parts = [
		from('container_tasks_claim', raw`${ready} and target_worker = ${workerName}`),
		from(except === null ? 'container_tasks_of_worker_status' : 'container_tasks_claim', raw`${ready} and target_worker is null and ${isOurs}`),
		from('container_tasks_lapse', raw`status in ('assigned', 'running') and lease_expires_at <= ${now} and ${isOfPool}`),
		from('container_tasks_due', raw`status = 'pending' and run_after > 0 and run_after <= ${now} and blocked_by = 0 and ${isOfPool}`),
	]
	return sql.selectFrom(raw<{ one: number }>`(${raw.join(parts, raw` union all `)})`.as('waiting')).select(({ fn }) => fn.countAll<number>().as('count'))
}

/** What the runners of a pool hold leases for. Read from the leases that run, of all pools: few beside what waits or has ended. */
export function busyQuery(workerName: string, now: number) {
	// `assigned_to` is `worker:container`, and `;` is the character after `:`.
	const own = raw`assigned_to >= ${`${workerName}:`} and assigned_to < ${`${workerName};`}`
	const leased = raw`select assigned_to, updated_at from container_tasks indexed by container_tasks_lapse where status in ('assigned', 'running') and lease_expires_at > ${now} and ${own}`
	return sql
		.selectFrom(raw<{ assigned_to: string; updated_at: number }>`(${leased})`.as('leased'))
		.select(({ fn }) => ['assigned_to as assignedTo', fn.countAll<number>().as('inFlight'), fn.max('updated_at').as('lastHeartbeat')])
		.groupBy('assigned_to')
}

export async function countWaiting(db: Database, clients: PoolClients & { now: number }, countTo: number): Promise<number> {
	return (await db.first(waitingQuery(clients, countTo)))?.count ?? 0
}

export async function listBusy(db: Database, workerName: string, now: number): Promise<BusyRunner[]> {
	const rows = await db.all(busyQuery(workerName, now))
	return rows.map(({ assignedTo, inFlight, lastHeartbeat }) => ({ containerName: assignedTo.slice(workerName.length + 1), inFlight, lastHeartbeat }))
}
