import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { idList } from '../idList.ts'

/**
 * Tasks that ended before `before`, the oldest first. A task of a plan stays while another task of the plan is open, and one that
 * an open task depends on stays with it, so that neither ever looks at half of what it belongs to.
 */
export function archivableQuery(before: number, limit: number) {
	const isOpen = raw`other.status not in ('completed', 'failed')`
	const ids = raw<number>`(
		select task.id from container_tasks as task indexed by container_tasks_closed where task.status in ('completed', 'failed') and task.completed_at < ${before}
		and not exists (select 1 from container_tasks as other where other.plan_id = task.plan_id and ${isOpen})
		and not exists (select 1 from container_task_dependencies as edge cross join container_tasks as other on other.task_id = edge.task_id where edge.depends_on = task.task_id and ${isOpen})
		order by task.completed_at limit ${limit}
	)`
	return sql.selectFrom('container_tasks').selectAll().where('id', 'in', ids)
}

export const evidenceOfTasksQuery = (taskIds: readonly string[]) => sql.selectFrom('container_task_evidence').selectAll().where('task_id', 'in', idList(taskIds)).orderBy('id')

/** Deletes what was archived; never a task that is open, nor anything of one. */
export function deleteArchived(taskIds: readonly string[]): Statement[] {
	const closed: RawBuilder<string> = raw<string>`(select task_id from container_tasks where task_id in ${idList(taskIds)} and status in ('completed', 'failed'))`
	return [
		sql.deleteFrom('container_task_evidence').where('task_id', 'in', closed),
		sql.deleteFrom('container_task_dependencies').where('task_id', 'in', closed),
		sql.deleteFrom('container_tasks').where('task_id', 'in', closed),
	]
}

/** Plans that were submitted before `before` and of which no task is left. */
export const emptyPlansQuery = (before: number, limit: number) =>
	sql
		.selectFrom('container_task_plans')
		.selectAll()
		.where('created_at', '<', before)
		.where(raw<boolean>`not exists (select 1 from container_tasks where plan_id = container_task_plans.plan_id)`)
		.orderBy('created_at')
		.limit(limit)

export const deletePlans = (planIds: readonly string[]): Statement => sql.deleteFrom('container_task_plans').where('plan_id', 'in', idList(planIds))
