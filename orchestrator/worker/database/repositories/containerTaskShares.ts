import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'
import { prepared } from '../prepared.ts'

/** The rule `virtualClock` as SQL. */
export const virtualClock: RawBuilder<number> = raw<number>`max(0, coalesce((select max(served) from container_task_shares), 0) - 1)`

/** Tasks start to run, one a line of the log that `isStart` picks: counted to the Workers they are of, by the rule `servedAfter`. */
export function countStarts(isStart: RawBuilder<boolean>, now: number): Statement {
	const started = sql
		.selectFrom('operation_logs')
		.select(['worker_name', raw<number>`count(*)`.as('running'), raw<number>`${virtualClock} + count(*)`.as('served'), raw.val(now).as('created_at'), raw.val(now).as('updated_at')])
		.where(isStart)
		.groupBy('worker_name')
	return sql
		.insertInto('container_task_shares')
		.columns(['worker_name', 'running', 'served', 'created_at', 'updated_at'])
		.expression(started)
		.onConflict((conflict) =>
			conflict.column('worker_name').doUpdateSet({
				running: raw<number>`container_task_shares.running + excluded.running`,
				// `excluded.served - excluded.running` is the clock as it stood before the first of these rows was written.
				served: raw<number>`max(container_task_shares.served, excluded.served - excluded.running) + excluded.running`,
				updated_at: now,
			}),
		)
}

const countEachEnd = prepared(({ ends, now }: { ends: string; now: number }) =>
	sql
		.updateTable('container_task_shares')
		.from(raw<{ key: string; value: number }>`json_each(${ends})`.as('ended'))
		.set({ running: raw<number>`max(0, running - ended.value)`, updated_at: now })
		.where(raw<boolean>`worker_name = ended.key`),
)

/** One task of each of these Workers ends its run; a Worker may be named several times. */
export function countEndsOf(workerNames: readonly string[], now: number): Statement {
	const ends = new Map<string, number>()
	for (const name of workerNames) ends.set(name, (ends.get(name) ?? 0) + 1)
	return countEachEnd({ ends: JSON.stringify(Object.fromEntries(ends)), now })
}

/** One task of the Worker ends its run. */
export const countEnd = (workerName: string, now: number): Statement =>
	sql
		.updateTable('container_task_shares')
		.set({ running: raw<number>`max(0, running - 1)`, updated_at: now })
		.where('worker_name', '=', workerName)

/** The tasks with these row ids end their runs. It stands before they change. */
export function countEnds(ids: RawBuilder<number>, now: number): Statement {
	const ended = raw<number>`(select count(*) from container_tasks as ended where ended.id in ${ids} and ended.worker_name = container_task_shares.worker_name)`
	return sql
		.updateTable('container_task_shares')
		.set({ running: raw<number>`max(0, running - ${ended})`, updated_at: now })
		.where('worker_name', 'in', raw<string>`(select worker_name from container_tasks where id in ${ids})`)
}

/** Counts anew what runs. The counts change together with the tasks; this repairs them where rows were changed by hand. */
export function recountStatement(now: number): Statement {
	const running = raw<number>`(select count(*) from container_tasks indexed by container_tasks_lapse where status in ('assigned', 'running') and worker_name = container_task_shares.worker_name)`
	return sql
		.updateTable('container_task_shares')
		.set({ running, updated_at: now })
		.where(raw<boolean>`running <> ${running}`)
}

/** How many tasks of the Worker may run at once; null = the default. */
export const limitStatement = (limit: { workerName: string; maxRunning: number | null; now: number }): Statement =>
	sql
		.insertInto('container_task_shares')
		.values({ worker_name: limit.workerName, max_running: limit.maxRunning, created_at: limit.now, updated_at: limit.now })
		.onConflict((conflict) => conflict.column('worker_name').doUpdateSet({ max_running: limit.maxRunning, updated_at: limit.now }))

export interface ShareRow {
	workerName: string
	running: number
	maxRunning: number | null
}

/** Shares of one Worker or of all; of all, those that were served last. */
export async function listShares(db: Database, workerName: string | undefined, limit: number): Promise<ShareRow[]> {
	const all = sql.selectFrom('container_task_shares').select(['worker_name as workerName', 'running', 'max_running as maxRunning']).orderBy('served', 'desc').limit(limit)
	return db.all(workerName === undefined ? all : all.where('worker_name', '=', workerName))
}
