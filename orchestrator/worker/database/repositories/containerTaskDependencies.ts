import type { TaskError } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { prepared } from '../prepared.ts'
import { idList, idsIn } from '../idList.ts'
import { logTasks } from './containerTaskLog.ts'

// A dependency is open exactly while the task that it names is, and a task ends once. So `blocked_by` is counted down in the batch
// that ends a task, and by nothing else: no step that is repeated can count an edge twice.

/** One task that waits for another. */
export interface Dependency {
	taskId: string
	dependsOn: string
}

/** Writes down what new tasks wait for; nothing for tasks that were not inserted, because their idempotency key was known. */
export function insertDependencies(dependencies: readonly Dependency[], origin: { workerName: string; at: number }): Statement {
	const field = (name: keyof Dependency) => raw<string>`(value ->> ${raw.lit(name)})`
	return sql
		.insertInto('container_task_dependencies')
		.columns(['task_id', 'depends_on', 'worker_name', 'created_at', 'updated_at'])
		.expression(
			sql
				.selectFrom(raw<{ value: string }>`json_each(${JSON.stringify(dependencies)})`.as('edge'))
				.select([field('taskId').as('task_id'), field('dependsOn').as('depends_on'), raw.val(origin.workerName).as('worker_name'), raw.val(origin.at).as('created_at'), raw.val(origin.at).as('updated_at')])
				.where(raw<boolean>`exists (select 1 from container_tasks where task_id = ${field('taskId')})`),
		)
}

/** The task while nobody runs it; a cancel ends it at once then. */
export const pendingOf = (taskId: string): RawBuilder<string> => raw<string>`(select task_id from container_tasks where task_id = ${taskId} and status = 'pending')`

/** Sets how many of their dependencies new tasks still wait for. */
export function blockStatement(taskIds: readonly string[]): Statement {
	return sql
		.updateTable('container_tasks')
		.set({
			blocked_by: raw<number>`(select count(*) from container_task_dependencies as edge join container_tasks as other on other.task_id = edge.depends_on where edge.task_id = container_tasks.task_id and other.status not in ('completed', 'failed'))`,
		})
		.where('task_id', 'in', idList(taskIds))
}

/** Tasks that fail when these do, near and far. */
const doomedBy = (failed: RawBuilder<string>): RawBuilder<string> => raw<string>`(
	with recursive doomed(task_id) as (
		select task.task_id from container_task_dependencies as edge cross join container_tasks as task on task.task_id = edge.task_id
		where edge.depends_on in ${failed} and task.status = 'pending' and task.on_dependency_failure = 'fail'
		union
		select task.task_id from doomed cross join container_task_dependencies as edge on edge.depends_on = doomed.task_id
		cross join container_tasks as task on task.task_id = edge.task_id
		where task.status = 'pending' and task.on_dependency_failure = 'fail'
	) select task_id from doomed
)`

const CHANGED = ['task_id', 'status', 'blocked_by'] as const

/** Tasks that wait for these are blocked by so many fewer. */
function countDown(ended: RawBuilder<string>, now: number): Statement {
	return sql
		.updateTable('container_tasks')
		.set({
			blocked_by: raw<number>`blocked_by - (select count(*) from container_task_dependencies as edge where edge.task_id = container_tasks.task_id and edge.depends_on in ${ended})`,
			updated_at: now,
		})
		.where('task_id', 'in', raw<string>`(select edge.task_id from container_task_dependencies as edge where edge.depends_on in ${ended})`)
		// The plus keeps the planner off the index by status, which holds all that is pending.
		.where(raw<boolean>`+status = 'pending'`)
		.returning(CHANGED)
}

const countDownCompleted = prepared(({ taskIds, now }: { taskIds: string; now: number }) => countDown(idsIn(taskIds), now))

/** What others make of it that tasks complete, given as a JSON list of ids. In the batch that completes them. */
export const afterCompletions = (taskIds: string, now: number): Statement => countDownCompleted({ taskIds, now })

/**
 * What others make of it that these tasks fail: they fail too, or count it as an end. In the batch that fails them, and before
 * any of them changes. The statements return the tasks that they change.
 */
export const afterFailures = (failed: RawBuilder<string>, now: number): Statement[] =>
	failTogether(failed, raw<string>`(select task_id from ${failed} union select task_id from ${doomedBy(failed)})`, now)

/** The same for new tasks that depend on ones that had failed before, and so were never counted as open. */
export const afterOldFailures = (taskIds: readonly string[], now: number): Statement[] => {
	const failed = failedDependencies(taskIds)
	return failTogether(failed, doomedBy(failed), now)
}

const failedDependencies = (taskIds: readonly string[]): RawBuilder<string> =>
	raw<string>`(select other.task_id from container_task_dependencies as edge join container_tasks as other on other.task_id = edge.depends_on where edge.task_id in ${idList(taskIds)} and other.status = 'failed')`

function failTogether(failed: RawBuilder<string>, ended: RawBuilder<string>, now: number): Statement[] {
	const doomed = doomedBy(failed)
	// Joined, so that it is known whole before the first row changes; a subquery in `set` would be asked again meanwhile.
	const fate = raw<{ doomed_id: string; cause: string }>`(
		select edge.task_id as doomed_id, min(edge.depends_on) as cause from container_task_dependencies as edge
		where edge.task_id in ${doomed} and (edge.depends_on in ${failed} or edge.depends_on in ${doomed}) group by edge.task_id
	)`
	const error: TaskError = { code: 'DEPENDENCY_FAILED', message: '', retryable: false }
	const failDoomed = sql
		.updateTable('container_tasks')
		.from(fate.as('fate'))
		.set({
			status: 'failed',
			outcome: 'error',
			error: raw<string>`json_set(${JSON.stringify(error)}, '$.message', 'The task ' || fate.cause || ' has failed, and this one depends on it. Repair that one and submit both again.')`,
			completed_at: now,
			updated_at: now,
		})
		.whereRef('container_tasks.task_id', '=', 'fate.doomed_id')
		.returning(CHANGED)
	const line = { operation: 'queue.failed', level: 'warn', at: now, details: { outcome: 'error', code: 'DEPENDENCY_FAILED' } } as const
	return [logTasks((where) => where('task_id', 'in', doomed), line), countDown(ended, now), failDoomed]
}
