import type { Database } from '../../database/client.ts'
import { findExecution } from '../../database/repositories/executions.ts'
import { addFollowup } from '../../database/repositories/followups.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { UNCLAIMED_OPERATION, unclaimedTasks } from '../../database/repositories/unclaimedTasks.ts'

/** Finds container tasks that no runner takes, and tells a person why, once a task. */
export function createUnclaimed({ db, now }: { db: Database; now: () => number }) {
	return {
		/** Reports tasks pending for longer than `idleMs` of which nobody was told; returns how many (at most 50 a call). */
		async report(idleMs: number): Promise<number> {
			const tasks = await unclaimedTasks(db, now() - idleMs, 50)
			for (const task of tasks) {
				const execution = task.execution_id === null ? undefined : await findExecution(db, task.execution_id)
				const wanted = [task.requires && `with the capability ${task.requires}`, task.target_container && `named ${task.target_container}`].filter(Boolean).join(' and ')
				const note = `Container task ${task.task_id} (${task.task_type}) has been waiting for a runner${wanted ? ` ${wanted}` : ''}. Start one, or cancel the ${execution === undefined ? 'task' : 'execution'}.`
				const at = now()
				const ids = { orderId: execution?.orderId ?? null, taskId: execution?.taskId ?? null, workerName: task.worker_name, at }
				await db.batch([
					addFollowup({ ...ids, type: 'blocked', note, data: { containerTaskId: task.task_id, executionId: task.execution_id, waitingSince: task.created_at } }),
					appendLog({ ...ids, source: 'orchestrator.sweeper', operation: UNCLAIMED_OPERATION, level: 'warn', executionId: task.execution_id, details: { containerTaskId: task.task_id, requires: task.requires }, onceKey: task.task_id }),
				])
			}
			return tasks.length
		},
	}
}
