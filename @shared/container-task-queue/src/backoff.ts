/** Wait before attempt 2, 3, ... of a task whose runner went silent. The first is immediate: the fault was the runner's. */
export const LAPSE_BACKOFF_MS: readonly number[] = [0, 5_000, 20_000, 60_000]

/** Wait before attempt 2, 3, ... of a task that reported a retryable failure. */
export const FAILURE_BACKOFF_MS: readonly number[] = [1_000, 5_000, 20_000, 60_000]

/** No report may park a task for longer than this. */
export const MAX_RETRY_DELAY_MS = 3_600_000

/** The wait after attempt number `attempt` (from 1): the step of the ladder, or what the failure asked for if that is longer. */
export function retryDelayMs(ladder: readonly number[], attempt: number, askedMs = 0): number {
	const step = ladder[Math.min(Math.max(attempt, 1), ladder.length) - 1] ?? 0
	return Math.min(Math.max(step, askedMs), MAX_RETRY_DELAY_MS)
}
