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

const logClaim = (ids: RawBuilder<number>, { claimId, assignedTo, now }: Pick<Claim, 'claimId' | 'assignedTo' | 'now'>): Statement =>
	logTasks((where) => where('id', 'in', ids), { operation: 'queue.claimed', at: now, details: { claim: claimId, attempt: raw`attempt + 1`, assignedTo } })

type Logged = Pick<Claim, 'claimId' | 'assignedTo' | 'now'> & LaneValues
const logNext = prepared((claim: Omit<Logged, 'limit'>) => logClaim(nextClaimableId(claim), claim))
const logSeveral = prepared((claim: Logged) => logClaim(severalClaimableIds(claim), claim))

/** The tasks that the log of this claim names. A batch is one transaction, so the newest lines are those that were just written. */
const chosen = ({ claimId, limit }: Pick<Claim, 'claimId' | 'limit'>): RawBuilder<string> =>
	raw<string>`(select details ->> 'taskId' from operation_logs where id > (select max(id) from operation_logs) - ${limit} and operation = 'queue.claimed' and details ->> 'claim' = ${claimId})`

const countChosen = prepared((claim: Pick<Claim, 'claimId' | 'limit' | 'now'>) => countStarts(chosen(claim), claim.now))

const assignChosen = prepared((claim: Claim) =>
	sql
		.updateTable('container_tasks')
		.set({
			status: 'assigned',
			attempt: raw<number>`attempt + 1`,
			assigned_to: claim.assignedTo,
			lease_token: raw<string>`${claim.leaseBase} || '.' || id`,
			lease_expires_at: raw<number>`${claim.now} + min(${claim.leaseMs}, timeout_ms)`,
			run_after: 0,
			assigned_at: claim.now,
			started_at: null,
			updated_at: claim.now,
		})
		.where('task_id', 'in', chosen(claim))
		.returningAll(),
)

/** A claim: its log, its count, and the update that returns the rows. The tasks are chosen once, by the log; what follows reads the choice from there. */
export function claimStatements(claimable: Claimable, claimer: Claimer): [log: Statement, count: Statement, claim: Statement] {
	const { now, limit, taskId } = claimable
	const claim = { ...claimer, now, limit }
	const [lanes, line] = [laneValues(claimable), { claimId: claimer.claimId, assignedTo: claimer.assignedTo, now }]
	const log = taskId !== undefined ? logClaim(oneClaimableId(claimable, taskId), line) : limit === 1 ? logNext({ ...lanes, ...line }) : logSeveral({ ...lanes, ...line })
	return [log, countChosen(claim), assignChosen(claim)]
}
