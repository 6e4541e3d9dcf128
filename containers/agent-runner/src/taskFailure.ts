import { isAppError } from '@shared/contracts'
import type { TaskError } from '@shared/contracts'

/** A task that ends as failed, with what was made before the failure. */
export class TaskFailure extends Error {
	readonly error: TaskError
	readonly output: Record<string, unknown> | undefined

	constructor(error: TaskError, output?: Record<string, unknown>) {
		super(error.message)
		this.name = 'TaskFailure'
		this.error = error
		this.output = output
	}
}

/**
 * Codes after which the same task on another runner, or a little later, can well succeed. What an agent or its provider did
 * is not among them: whether and where to try that again is decided by the execution, not by the task queue.
 */
const RETRYABLE = new Set(['RUNNER_LOST', 'RUNNER_DISK_FULL', 'GIT_UPSTREAM', 'UNAVAILABLE', 'INTERNAL'])

export function taskFailure(code: string, message: string, output?: Record<string, unknown>): TaskFailure {
	return new TaskFailure({ code, message: clip(message, 4000), retryable: RETRYABLE.has(code) }, output)
}

export function toTaskFailure(error: unknown): TaskFailure {
	if (error instanceof TaskFailure) return error
	if (isAppError(error)) return taskFailure(error.code, error.message)
	if (isDiskFull(error)) return taskFailure('RUNNER_DISK_FULL', `The disk of the runner is full: ${error.message}. It takes no more work until it has room.`)
	return taskFailure('INTERNAL', `The runner failed: ${error instanceof Error ? error.message : String(error)}`)
}

const isDiskFull = (error: unknown): error is Error => error instanceof Error && ['ENOSPC', 'EDQUOT'].includes(String(Reflect.get(error, 'code')))

export function clip(text: string, maxLength: number): string {
	return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`
}
