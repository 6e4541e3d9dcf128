import { sql as raw } from 'kysely'
import { sql } from '../client.ts'
import type { Database } from '../client.ts'

export const UNCLAIMED_OPERATION = 'sweeper.unclaimed'
/** However long the queue is, no more of it is looked at. */
const LOOK_AT = 1000

/** Tasks that have waited since before `before`, could have been claimed, and have no line in the log that says so; oldest first. */
export function unclaimedTasksQuery(before: number, limit: number) {
	const oldest = sql
		.selectFrom('container_tasks')
		.select('id')
		.where('status', '=', 'pending')
		.where('run_after', '<', before)
		.where('blocked_by', '=', 0)
		.where('created_at', '<', before)
		.orderBy('id')
		.limit(LOOK_AT)
	return sql
		.selectFrom('container_tasks as task')
		.select(['task_id', 'task_type', 'requires', 'target_container', 'execution_id', 'worker_name', 'created_at'])
		.where('id', 'in', oldest)
		.where(raw<boolean>`not exists (select 1 from operation_logs as line where line.execution_id is task.execution_id and line.operation = ${UNCLAIMED_OPERATION} and line.trace_id = task.task_id)`)
		.orderBy('id')
		.limit(limit)
}

export const unclaimedTasks = (db: Database, before: number, limit: number) => db.all(unclaimedTasksQuery(before, limit))
