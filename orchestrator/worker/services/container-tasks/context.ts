import { AppError, isAppError } from '@shared/contracts'
import type { ContainerTask, LogEntry } from '@shared/contracts'
import { createLogger } from '@shared/worker-base'
import type { Database } from '../../database/client.ts'
import { findContainerTask } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import type { Ids } from '../ids.ts'
import type { OutputStore } from './outputStore.ts'
import type { TaskListener } from './taskListener.ts'

const log = createLogger()

export interface TaskQueueDeps {
	db: Database
	now: () => number
	ids: Ids
	leaseMs: number
	outputs: OutputStore
	listener: TaskListener
	sleep: (ms: number) => Promise<void>
	/** Keeps work alive whose request was cut off. */
	waitUntil?: (work: Promise<unknown>) => void
	/** Takes known secrets out of a text that a runner sent. Patch sets do not pass through it: they have a check of their own. */
	redact?: (text: string) => string
	/** How many tasks of one Worker may run at once where nobody set another number. */
	maxRunning?: number
}

/** Which task, and for whom: only tasks of the Worker `owner` exist for it; absent means all. */
export interface TaskRef {
	taskId: string
	owner?: string | undefined
}

/** A task exists for the Worker that submitted it, and for the one whose runners it is meant for. */
export const isVisible = ({ workerName, targetWorker }: ContainerTask, owner: string | undefined): boolean => owner === undefined || workerName === owner || targetWorker === owner

/** Throws CONTAINER_TASK_NOT_FOUND; the same for a task of another Worker, so that ids tell nothing. */
export async function mustFind(db: Database, ref: TaskRef): Promise<TaskRecord> {
	const record = await findContainerTask(db, ref.taskId)
	return record && isVisible(record.task, ref.owner) ? record : notFound(ref)
}

export function notFound({ taskId, owner }: TaskRef): never {
	throw new AppError('CONTAINER_TASK_NOT_FOUND', `There is no container task ${taskId.slice(0, 40)}${owner === undefined ? '' : ` of ${owner}`}.`)
}

/** Code and text of anything thrown; an error that nobody named keeps its text to itself. */
export function describe(error: unknown): { code: string; message: string; retryable: boolean } {
	if (isAppError(error)) return { code: error.code, message: error.message.slice(0, 4000), retryable: error.retryable }
	return { code: 'INTERNAL', message: 'Something failed inside the orchestrator. Its log has the details.', retryable: true }
}

/** Writes down that the queue's own work around a task failed. Never throws: the task's state is what counts. */
export async function noteTrouble(deps: Pick<TaskQueueDeps, 'db' | 'now'>, task: ContainerTask, trouble: { operation: string; level: LogEntry['level']; error: unknown }): Promise<void> {
	log.error(trouble.operation, { taskId: task.taskId, error: trouble.error })
	const line = appendLog({
		source: 'orchestrator.queue',
		operation: trouble.operation,
		level: trouble.level,
		executionId: task.executionId,
		details: { taskId: task.taskId, error: describe(trouble.error) },
		workerName: task.workerName,
		at: deps.now(),
	})
	await deps.db.run(line).catch((error: unknown) => log.error('log line lost', { taskId: task.taskId, error }))
}

/** Tells the listener about ended tasks. What it throws is logged and goes no further. */
export async function announce(deps: TaskQueueDeps, tasks: readonly ContainerTask[]): Promise<void> {
	await Promise.all(
		tasks.map(async (task) => {
			try {
				await deps.listener.settled(task)
			} catch (error) {
				await noteTrouble(deps, task, { operation: 'queue.listener-failed', level: 'error', error })
			}
		}),
	)
}
