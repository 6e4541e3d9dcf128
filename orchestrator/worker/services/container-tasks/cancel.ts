import { AppError } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import { isClosed } from '@shared/container-task-queue'
import { cancelStatement, logCancel } from '../../database/repositories/containerTaskLeases.ts'
import { afterFailures, pendingOf } from '../../database/repositories/containerTaskDependencies.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { announce, mustFind, notFound } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { announceDependents } from './dependents.ts'
import { redacted } from './redact.ts'

const MAX_REASON_CHARS = 1000

/**
 * Closes a pending task; of a leased one it asks the runner to stop, which hears it with its next heartbeat. A task that was
 * cancelled before stays so; one that ended otherwise throws CONTAINER_TASK_CLOSED.
 */
export async function cancelTask(deps: TaskQueueDeps, ref: TaskRef, reason: string): Promise<ContainerTask> {
	const { taskId } = ref
	const before = await mustFind(deps.db, ref)
	if (ref.owner !== undefined && before.task.workerName !== ref.owner) notFound(ref)
	const cancel = { taskId, reason: { code: 'EXECUTION_CANCELLED', message: redacted(deps, reason).slice(0, MAX_REASON_CHARS) }, now: deps.now() }
	const others = afterFailures(pendingOf(taskId), cancel.now)
	const rows = isClosed(before.task.status) ? [] : await deps.db.batch([logCancel(cancel), ...others, cancelStatement(cancel)])
	const changed = rows.at(-1) ?? []
	const [record = await mustFind(deps.db, ref)] = toTaskRecords(changed)
	const { task } = record
	if (changed.length > 0 && isClosed(task.status)) await announce(deps, [task])
	await announceDependents(deps, rows.slice(1, -1).flat())
	if (isClosed(task.status) && task.outcome !== 'cancelled') {
		throw new AppError('CONTAINER_TASK_CLOSED', `Container task ${taskId} is ${task.status} already; there is nothing to cancel.`)
	}
	return task
}
