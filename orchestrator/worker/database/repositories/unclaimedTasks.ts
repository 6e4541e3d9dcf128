import { sql } from '../client.ts'
import type { Database } from '../client.ts'

/** Tasks that have waited since before `before` and could have been claimed, oldest first. */
export const unclaimedTasksQuery = (before: number, limit: number) =>
	sql
		.selectFrom('container_tasks')
		.select(['task_id', 'task_type', 'requires', 'target_container', 'execution_id', 'worker_name', 'created_at'])
		.where('status', '=', 'pending')
		.where('run_after', '<', before)
		.where('blocked_by', '=', 0)
		.where('created_at', '<', before)
		.orderBy('id')
		.limit(limit)

export const unclaimedTasks = (db: Database, before: number, limit: number) => db.all(unclaimedTasksQuery(before, limit))
