import type { ContainerTask } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Compilable } from 'kysely'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { prepared } from '../prepared.ts'
import { afterCompletions } from './containerTaskDependencies.ts'
import { idsIn } from '../idList.ts'
import { logTasks } from './containerTaskLog.ts'
import { countEndsOf } from './containerTaskShares.ts'

/** A result under the lease that it was made under; either column is null. */
export interface Result {
	taskId: string
	leaseToken: string
	output: string | null
	outputKey: string | null
}

const guard = prepared(({ leases, count, now }: { leases: string; count: number; now: number }) => {
	const held = raw<number>`(
		select count(*) from json_each(${leases}) as lease cross join container_tasks as task on task.task_id = lease.value ->> 0
		where task.lease_token = lease.value ->> 1 and task.status in ('assigned', 'running') and task.lease_expires_at > ${now}
	)`
	return sql.selectNoFrom(raw<string>`json(case when ${held} = ${count} then '1' else 'a lease is not held' end)`.as('held'))
})

/** As `leaseGuard`, for several leases of different tasks: fails its whole batch unless all are held. */
export const leasesGuard = (completions: readonly Result[], now: number): Statement =>
	guard({ leases: JSON.stringify(completions.map(({ taskId, leaseToken }) => [taskId, leaseToken])), count: completions.length, now })

const logEnds = prepared(({ taskIds, now }: { taskIds: string; now: number }) => logTasks((where) => where('task_id', 'in', idsIn(taskIds)), { operation: 'queue.completed', at: now, details: { outcome: null } }))

/** What is written before tasks complete: their lines, their Workers' counts, and what others make of it, which is the last. */
export function beforeCompletions(tasks: readonly Pick<ContainerTask, 'taskId' | 'workerName'>[], now: number): Statement[] {
	const taskIds = JSON.stringify(tasks.map(({ taskId }) => taskId))
	const workerNames = tasks.map(({ workerName }) => workerName)
	return [logEnds({ taskIds, now }), countEndsOf(workerNames, now), afterCompletions(taskIds, now)]
}

const complete = prepared(({ reports, now }: { reports: string; now: number }) =>
	sql
		.updateTable('container_tasks')
		.from(raw<{ value: string }>`json_each(${reports})`.as('report'))
		.set({
			status: 'completed',
			outcome: null,
			error: null,
			output: raw<string | null>`report.value ->> 1`,
			output_key: raw<string | null>`report.value ->> 2`,
			run_after: 0,
			started_at: raw<number>`coalesce(started_at, assigned_at)`,
			completed_at: now,
			lease_expires_at: null,
			updated_at: now,
		})
		.where(raw<boolean>`container_tasks.task_id = report.value ->> 0`)
		.returning(['task_id', 'started_at']),
)

/** What a completion returns: all that whoever completes the task may not know. */
export interface Completed {
	task_id: string
	started_at: number | null
}

/** Completes tasks whose leases a guard has looked at; returns what became of them, in no order. */
export const completeStatement = (completions: readonly Result[], now: number): Compilable<Completed> => complete({ reports: JSON.stringify(completions.map(({ taskId, output, outputKey }) => [taskId, output, outputKey])), now })
