import { containerTasksOfIdsQuery, toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { ringBell } from './bell.ts'
import { announce } from './context.ts'
import type { TaskQueueDeps } from './context.ts'

/** Rows are read with all they hold, so few at a time. */
const READ_AT_ONCE = 50

/** Of tasks that changed because others ended: wakes who waits for those that are free now, and tells the listener of those that failed. */
export async function announceDependents(deps: TaskQueueDeps, rows: readonly unknown[]): Promise<void> {
	const changed = rows as readonly { task_id: string; status: string; blocked_by: number }[]
	if (changed.some(({ status, blocked_by }) => status === 'pending' && blocked_by === 0)) ringBell()
	const failed = changed.flatMap(({ task_id, status }) => (status === 'failed' ? [task_id] : []))
	for (let from = 0; from < failed.length; from += READ_AT_ONCE) {
		const read = await deps.db.all(containerTasksOfIdsQuery(failed.slice(from, from + READ_AT_ONCE)))
		await announce(
			deps,
			toTaskRecords(read).map((record) => record.task),
		)
	}
}
