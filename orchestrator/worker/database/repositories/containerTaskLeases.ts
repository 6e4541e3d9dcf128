import type { ContainerTaskOutcome } from '@shared/contracts'
import type { CancelReason } from '@shared/container-task-queue'
import { sql as raw } from 'kysely'
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { sql } from '../client.ts'
import type { Schema, Statement } from '../client.ts'
import { logProgress, logTasks } from './containerTaskLog.ts'
import type { ProgressLine, TaskLogLine } from './containerTaskLog.ts'

/** A claim to speak for a task, at a time. */
export interface LeaseClaim {
	taskId: string
	leaseToken: string
	now: number
}

type Builder = ExpressionBuilder<Schema, 'container_tasks'>

// The rule `isLeaseHeld` as SQL.
const isHeld = (lease: LeaseClaim) => (where: Builder): Expression<SqlBool> =>
	where.and([
		where('task_id', '=', lease.taskId),
		where('lease_token', '=', lease.leaseToken),
		where('status', 'in', ['assigned', 'running']),
		where('lease_expires_at', '>', lease.now),
	])

/** Lengthens the lease, never past the attempt's time; a heartbeat that was overtaken by a later one does not shorten it. Returns the row, or none when the lease is lost. */
export function heartbeatStatement(lease: LeaseClaim, leaseMs: number) {
	return sql
		.updateTable('container_tasks')
		.set({
			status: 'running',
			started_at: raw<number>`coalesce(started_at, ${lease.now})`,
			lease_expires_at: raw<number>`max(lease_expires_at, min(${lease.now} + ${leaseMs}, assigned_at + timeout_ms))`,
			updated_at: lease.now,
		})
		.where(isHeld(lease))
		.returningAll()
}

/** The line of the first heartbeat: assigned becomes running. */
export const logStart = (lease: LeaseClaim): Statement =>
	logTasks((where) => where.and([isHeld(lease)(where), where('status', '=', 'assigned')]), { operation: 'queue.running', at: lease.now })

export const logProgressUnderLease = (lease: LeaseClaim, lines: readonly ProgressLine[]): Statement => logProgress(isHeld(lease), lines, lease.now)

export const logUnderLease = (lease: LeaseClaim, line: TaskLogLine): Statement => logTasks(isHeld(lease), line)

/**
 * Fails its whole batch when the lease is not held. It stands first in the batch that settles a task: D1 has no
 * transaction to ask in, but a batch is one, and an error in it undoes all of it. So no statement after it needs a
 * condition of its own. `json()` raises on text that is not JSON.
 */
export function leaseGuard(lease: LeaseClaim): Statement {
	const held = sql.selectFrom('container_tasks').select('id').where(isHeld(lease))
	return sql.selectNoFrom((select) => raw<string>`json(case when ${select.exists(held)} then '1' else 'lease is not held' end)`.as('held'))
}

/** How an attempt fails by the report of its lease's holder: for good, or back to the queue. */
export interface Settlement {
	status: 'failed' | 'pending'
	outcome: ContainerTaskOutcome | null
	error: string | null
	output: string | null
	outputKey: string | null
	runAfter?: number
}

/** Keeps the lease token, so that the same report a second time is known for what it is. */
export function settleStatement(lease: LeaseClaim, end: Settlement) {
	return sql
		.updateTable('container_tasks')
		.set({
			status: end.status,
			outcome: end.outcome,
			error: end.error,
			output: end.output,
			output_key: end.outputKey,
			run_after: end.runAfter ?? 0,
			started_at: raw<number>`coalesce(started_at, assigned_at)`,
			completed_at: end.status === 'pending' ? null : lease.now,
			lease_expires_at: null,
			updated_at: lease.now,
		})
		.where(isHeld(lease))
		.returningAll()
}

/** Asks for an end. Nobody holds a pending task, so it is closed at once; a leased one only gets the reason. The first reason stays. */
export function cancelStatement(cancel: { taskId: string; reason: CancelReason; now: number }) {
	const isPending = raw<boolean>`status = 'pending'`
	return sql
		.updateTable('container_tasks')
		.set({
			cancel_reason: raw<string>`coalesce(cancel_reason, ${JSON.stringify(cancel.reason)})`,
			outcome: raw<string | null>`case when ${isPending} then 'cancelled' else outcome end`,
			error: raw<string | null>`case when ${isPending} then ${JSON.stringify({ ...cancel.reason, retryable: false })} else error end`,
			completed_at: raw<number | null>`case when ${isPending} then ${cancel.now} else completed_at end`,
			status: raw<string>`case when ${isPending} then 'failed' else status end`,
			updated_at: cancel.now,
		})
		.where('task_id', '=', cancel.taskId)
		.where('status', 'in', ['pending', 'assigned', 'running'])
		.returningAll()
}

export function logCancel(cancel: { taskId: string; reason: CancelReason; now: number }): Statement {
	return logTasks(
		(where) => where.and([where('task_id', '=', cancel.taskId), where('status', 'in', ['pending', 'assigned', 'running']), where('cancel_reason', 'is', null)]),
		{
			operation: 'queue.cancelled',
			at: cancel.now,
			details: { code: cancel.reason.code, reason: cancel.reason.message, was: raw`status` },
		},
	)
}
