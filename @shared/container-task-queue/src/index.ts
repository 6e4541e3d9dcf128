// The rules of the container task queue, without a database: which state may follow which, how long a lease
// lasts, when work that failed is tried again, and how a task ends. The orchestrator applies them to D1.
export { FAILURE_BACKOFF_MS, LAPSE_BACKOFF_MS, MAX_RETRY_DELAY_MS, retryDelayMs } from './backoff.ts'
export { attemptDeadline, heartbeatEveryMs, isLeaseHeld, leaseUntil } from './lease.ts'
export type { LeaseState } from './lease.ts'
export { afterFailure, afterLapse, RUNNER_LOST, TIMED_OUT } from './outcome.ts'
export type { AttemptState, CancelReason, Verdict } from './outcome.ts'
export { isClosed, isLeased, nextStatus, TRANSITIONS } from './states.ts'
export type { TaskEvent } from './states.ts'
