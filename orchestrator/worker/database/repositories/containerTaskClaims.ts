import type { ClaimRequest } from '@shared/contracts'
import { LAPSE_BACKOFF_MS, RUNNER_LOST, TIMED_OUT } from '@shared/container-task-queue'
import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { logTasks } from './containerTaskLog.ts'

/** Which pending tasks a runner may take now. `owner` and `taskId` narrow it to one Worker's tasks or to one task. */
export interface Claimable {
	taskTypes: ClaimRequest['taskTypes']
	capabilities: readonly string[]
	containerName: string
	now: number
	limit: number
	owner?: string | undefined
	taskId?: string | undefined
}

// Both queries name their partial index: the planner has no statistics and would rather search by status and sort, which
// costs a pass over all pending tasks. A partial index fits only when the status words stand there as literals.

/**
 * Ids in the order of the index `container_tasks_claim`, so that a claim reads the rows that it takes, passes over those that
 * are not for this runner, and never sorts.
 */
export function claimableIds(claimable: Claimable): RawBuilder<number> {
	const { capabilities, containerName, owner, taskId } = claimable
	const able = capabilities.length > 0 ? raw`(requires is null or requires in (${raw.join(capabilities)}))` : raw`requires is null`
	const conditions = [
		raw`status = 'pending'`,
		raw`run_after <= ${claimable.now}`,
		raw`task_type in (${raw.join(claimable.taskTypes)})`,
		able,
		raw`(target_container is null or target_container = ${containerName})`,
		...(owner === undefined ? [] : [raw`worker_name = ${owner}`]),
		...(taskId === undefined ? [] : [raw`task_id = ${taskId}`]),
	]
	const index = taskId === undefined ? raw`indexed by container_tasks_claim` : raw``
	return raw<number>`(select id from container_tasks ${index} where ${raw.join(conditions, raw` and `)} order by priority desc, id limit ${claimable.limit})`
}

/** Ids of leases that ran out, the oldest first. */
export function lapsedIds(now: number, limit: number): RawBuilder<number> {
	return raw<number>`(select id from container_tasks indexed by container_tasks_lapse where status in ('assigned', 'running') and lease_expires_at <= ${now} order by lease_expires_at, id limit ${limit})`
}

/** Returns a row when there is anything that a claim would change; read-only, for waiting. */
export function hasWorkQuery(claimable: Claimable) {
	const ids = (query: RawBuilder<number>, name: string) => sql.selectFrom(raw<{ id: number }>`${query}`.as(name)).select(raw<number>`id`.as('id'))
	return ids(claimableIds({ ...claimable, limit: 1 }), 'ready').unionAll(ids(lapsedIds(claimable.now, 1), 'lapsed'))
}

/** Who claims, and under which lease. Each task's token is `leaseBase.<row id>`: its own, and known to the claimer only. */
export interface Claimer {
	assignedTo: string
	leaseBase: string
	leaseMs: number
}

export function claimStatement(claimable: Claimable, claimer: Claimer) {
	const { now } = claimable
	return sql
		.updateTable('container_tasks')
		.set({
			status: 'assigned',
			attempt: raw<number>`attempt + 1`,
			assigned_to: claimer.assignedTo,
			lease_token: raw<string>`${claimer.leaseBase} || '.' || id`,
			lease_expires_at: raw<number>`${now} + min(${claimer.leaseMs}, timeout_ms)`,
			assigned_at: now,
			started_at: null,
			updated_at: now,
		})
		.where('id', 'in', claimableIds(claimable))
		.returningAll()
}

export function logClaim(claimable: Claimable, claimer: Claimer): Statement {
	return logTasks((where) => where('id', 'in', claimableIds(claimable)), {
		operation: 'queue.claimed',
		at: claimable.now,
		details: { attempt: raw`attempt + 1`, assignedTo: claimer.assignedTo },
	})
}

// The rule `afterLapse` as SQL, from the same constants; a test holds the two together.
function lapseVerdict(now: number) {
	const tooLong = raw<boolean>`${now} >= assigned_at + timeout_ms`
	const pick = <T>(value: Record<'cancelled' | 'timeout' | 'dead' | 'again', RawBuilder<T>>) =>
		raw<T>`case when cancel_reason is not null then ${value.cancelled} when ${tooLong} then ${value.timeout} when attempt >= max_attempts then ${value.dead} else ${value.again} end`
	const word = (text: string) => raw<string>`${raw.lit(text)}`
	const none = raw<null>`null`
	const failed = word('failed')
	const at = raw<number>`${now}`
	const last = LAPSE_BACKOFF_MS.length
	const steps = raw.join(
		LAPSE_BACKOFF_MS.map((waitMs, step) => raw`when ${raw.lit(step + 1)} then ${raw.lit(waitMs)}`),
		raw` `,
	)
	const lost = raw<string>`${JSON.stringify(RUNNER_LOST)}`
	return {
		status: pick({ cancelled: failed, timeout: failed, dead: failed, again: word('pending') }),
		outcome: pick<string | null>({ cancelled: word('cancelled'), timeout: word('timeout'), dead: word('dead'), again: none }),
		error: pick({
			cancelled: raw<string>`json_set(cancel_reason, '$.retryable', json('false'))`,
			timeout: raw<string>`${JSON.stringify(TIMED_OUT)}`,
			dead: lost,
			again: lost,
		}),
		completedAt: pick<number | null>({ cancelled: at, timeout: at, dead: at, again: none }),
		runAfter: raw<number>`${now} + case min(attempt, ${raw.lit(last)}) ${steps} end`,
	}
}

/** Gives lapsed tasks back to the queue or closes them; returns all columns of those it changed. */
export function lapseStatement(now: number, limit: number) {
	const verdict = lapseVerdict(now)
	return sql
		.updateTable('container_tasks')
		.set({
			status: verdict.status,
			outcome: verdict.outcome,
			error: verdict.error,
			run_after: verdict.runAfter,
			completed_at: verdict.completedAt,
			lease_token: null,
			lease_expires_at: null,
			updated_at: now,
		})
		.where('id', 'in', lapsedIds(now, limit))
		.returningAll()
}

export function logLapse(now: number, limit: number): Statement {
	const verdict = lapseVerdict(now)
	return logTasks((where) => where('id', 'in', lapsedIds(now, limit)), {
		operation: 'queue.lapsed',
		level: 'warn',
		at: now,
		details: { assignedTo: raw`assigned_to`, status: verdict.status, outcome: verdict.outcome, leaseExpiredAt: raw`lease_expires_at` },
	})
}
