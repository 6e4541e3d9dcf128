import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { boundLimit } from '../boundLimit.ts'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { prepared } from '../prepared.ts'
import { laneValues, nextClaimableId, oneClaimableId, severalClaimableIds } from './containerTaskChoice.ts'
import type { Claimable, LaneValues } from './containerTaskChoice.ts'
import { lapsedIds } from './containerTaskLapses.ts'
import { logTasks } from './containerTaskLog.ts'
import type { TaskRow } from './containerTasks.ts'
import { countStarts } from './containerTaskShares.ts'

const dueIds = (now: number, limit: number): RawBuilder<number> =>
	raw<number>`(select id from container_tasks indexed by container_tasks_due where status = 'pending' and run_after > 0 and blocked_by = 0 and run_after <= ${now} order by run_after limit ${boundLimit(limit)})`

const rowsOf = (ids: RawBuilder<number>, name: string) => sql.selectFrom(raw<{ id: number }>`${ids}`.as(name)).select(raw<number>`id`.as('id'))

const untidyRows = (now: number) => rowsOf(lapsedIds(now, 1), 'lapsed').unionAll(rowsOf(dueIds(now, 1), 'due'))
const untidy = prepared(({ now }: { now: number }) => untidyRows(now))

/** Returns a row when there are leases that ran out or tasks whose time has come: both have to be tidied before they can be claimed. */
export const untidyQuery = (now: number) => untidy({ now })

/** Returns a row when there is anything that a claim would change; read-only, for waiting. */
export function hasWorkQuery(claimable: Claimable) {
	const ids = claimable.taskId === undefined ? nextClaimableId(laneValues(claimable)) : oneClaimableId(claimable, claimable.taskId)
	return rowsOf(ids, 'ready').unionAll(untidyRows(claimable.now))
}

/** Puts tasks whose time has come among the ready ones; returns their ids. */
export const promoteStatement = (now: number, limit: number) => sql.updateTable('container_tasks').set({ run_after: 0, updated_at: now }).where('id', 'in', dueIds(now, limit)).returning('id')

/** Who claims, and under which lease. Each task's token is `leaseBase.<row id>`: its own, and known to the claimer only. */
export interface Claimer {
	/** Names this claim in the log; no secret. */
	claimId: string
	assignedTo: string
	leaseBase: string
	leaseMs: number
}

interface Claim extends Claimer {
	now: number
	/** How many tasks it may take. */
	limit: number
}

export const logClaim = (ids: RawBuilder<number>, { claimId, assignedTo, now }: { claimId: string; assignedTo: string | RawBuilder<unknown>; now: number }): Statement =>
	logTasks((where) => where('id', 'in', ids), { operation: 'queue.claimed', at: now, details: { claim: claimId, attempt: raw`attempt + 1`, assignedTo } })

type Logged = Pick<Claim, 'claimId' | 'assignedTo' | 'now'> & LaneValues
const logNext = prepared((claim: Omit<Logged, 'limit'>) => logClaim(nextClaimableId(claim), claim))
const logSeveral = prepared((claim: Logged) => logClaim(severalClaimableIds(claim), claim))

/** The lines of this claim. A batch is one transaction, so the newest lines are those that were just written. */
export const isOfClaim = ({ claimId, limit }: Pick<Claim, 'claimId' | 'limit'>): RawBuilder<boolean> =>
	raw<boolean>`operation_logs.id > (select max(id) from operation_logs) - ${limit} and operation = 'queue.claimed' and details ->> 'claim' = ${claimId}`

export const countChosen = prepared((claim: Pick<Claim, 'claimId' | 'limit' | 'now'>) => countStarts(isOfClaim(claim), claim.now))

/** Of a task that was just claimed these are known, so they need not come over the wire. */
const CLAIMED = { status: 'assigned', run_after: 0, blocked_by: 0, started_at: null, completed_at: null } as const
type ClaimedRow = Omit<TaskRow, keyof typeof CLAIMED>
export const RETURNED = [
	'id', 'task_id', 'worker_name', 'target_container', 'target_worker', 'task_type', 'outcome', 'priority', 'command', 'parameters', 'requires', 'execution_id', 'plan_id', 'plan_key',
	'assigned_to', 'assigned_at', 'attempt', 'max_attempts', 'timeout_ms', 'lease_token', 'lease_expires_at', 'output', 'output_key', 'error', 'cancel_reason', 'created_at',
] as const satisfies readonly (keyof ClaimedRow)[]

/** The tasks by what a claim returned. */
export const toClaimedRows = (returned: readonly unknown[]): TaskRow[] => (returned as readonly ClaimedRow[]).map((row) => Object.assign(row, CLAIMED))

/** What a claim makes of a task. */
export const assigned = ({ assignedTo, leaseBase, leaseMs, now }: { assignedTo: string | RawBuilder<string>; leaseBase: string | RawBuilder<string>; leaseMs: number; now: number }) => ({
	status: CLAIMED.status,
	attempt: raw<number>`attempt + 1`,
	assigned_to: assignedTo,
	lease_token: raw<string>`${leaseBase} || '.' || container_tasks.id`,
	lease_expires_at: raw<number>`${now} + min(${leaseMs}, timeout_ms)`,
	run_after: CLAIMED.run_after,
	assigned_at: now,
	started_at: CLAIMED.started_at,
	updated_at: now,
})

const assignChosen = prepared((claim: Claim) =>
	sql
		.updateTable('container_tasks')
		.set(assigned(claim))
		.where('task_id', 'in', raw<string>`(select details ->> 'taskId' from operation_logs where ${isOfClaim(claim)})`)
		.returning(RETURNED),
)

/** A claim: its log, its count, and the update whose rows `toClaimedRows` reads. The tasks are chosen once, by the log; what follows reads the choice from there. */
export function claimStatements(claimable: Claimable, claimer: Claimer): [log: Statement, count: Statement, claim: Statement] {
	const { now, limit, taskId } = claimable
	const claim = { ...claimer, now, limit }
	const [lanes, line] = [laneValues(claimable), { claimId: claimer.claimId, assignedTo: claimer.assignedTo, now }]
	const log = taskId !== undefined ? logClaim(oneClaimableId(claimable, taskId), line) : limit === 1 ? logNext({ ...lanes, ...line }) : logSeveral({ ...lanes, ...line })
	return [log, countChosen(claim), assignChosen(claim)]
}
