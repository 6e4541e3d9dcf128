import type { ContainerTaskOutcome, TaskError } from '@shared/contracts'
import { FAILURE_BACKOFF_MS, LAPSE_BACKOFF_MS, retryDelayMs } from './backoff.ts'
import { attemptDeadline } from './lease.ts'

/** Why a task is to stop; the runner hears it with its next heartbeat. */
export interface CancelReason {
	code: string
	message: string
}

/** One attempt as the rules see it. `attempt` counts claims from 1; times are Unix ms. */
export interface AttemptState {
	attempt: number
	maxAttempts: number
	assignedAt: number
	timeoutMs: number
	cancel: CancelReason | null
}

/** What becomes of a task: back in the queue from `runAfter` on, or closed with an outcome. The error is kept either way. */
export type Verdict =
	| { status: 'pending'; runAfter: number; error: TaskError }
	| { status: 'failed'; outcome: ContainerTaskOutcome; error: TaskError }

export const RUNNER_LOST: TaskError = {
	code: 'RUNNER_LOST',
	message: 'The runner stopped sending heartbeats and its lease lapsed. Look at the log of the container that held the task.',
	retryable: true,
}

export const TIMED_OUT: TaskError = {
	code: 'AGENT_TIMEOUT',
	message: 'The attempt took longer than the task allows (timeoutMs). Give it more time or make the task smaller.',
	retryable: false,
}

/** The verdict on a lease that ran out. A cancelled task and a too long attempt are not tried again. */
export function afterLapse(task: AttemptState, now: number): Verdict {
	if (task.cancel) return { status: 'failed', outcome: 'cancelled', error: { ...task.cancel, retryable: false } }
	if (now >= attemptDeadline(task.assignedAt, task.timeoutMs)) return { status: 'failed', outcome: 'timeout', error: TIMED_OUT }
	if (task.attempt >= task.maxAttempts) return { status: 'failed', outcome: 'dead', error: RUNNER_LOST }
	return { status: 'pending', runAfter: now + retryDelayMs(LAPSE_BACKOFF_MS, task.attempt), error: RUNNER_LOST }
}

/** The verdict on a failure that the holder of the lease reported. */
export function afterFailure(task: AttemptState, error: TaskError, now: number): Verdict {
	if (task.cancel) return { status: 'failed', outcome: 'cancelled', error }
	if (!error.retryable || task.attempt >= task.maxAttempts) return { status: 'failed', outcome: 'error', error }
	return { status: 'pending', runAfter: now + retryDelayMs(FAILURE_BACKOFF_MS, task.attempt, error.retryAfterMs), error }
}
