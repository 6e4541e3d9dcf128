import { LAPSE_BACKOFF_MS, RUNNER_LOST, TIMED_OUT } from '@shared/container-task-queue'
import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { boundLimit } from '../boundLimit.ts'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { logTasks } from './containerTaskLog.ts'

/** Row ids of leases that ran out, the oldest first. */
export function lapsedIds(now: number, limit: number): RawBuilder<number> {
	return raw<number>`(select id from container_tasks indexed by container_tasks_lapse where status in ('assigned', 'running') and lease_expires_at <= ${now} order by lease_expires_at, id limit ${boundLimit(limit)})`
}

/** Of those, the tasks that are not tried again. */
export function closingLapses(now: number, limit: number): RawBuilder<string> {
	return raw<string>`(select task_id from container_tasks where id in ${lapsedIds(now, limit)} and ${lapseVerdict(now).status} = 'failed')`
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
