import type { PoolSettings } from '../settings.ts'
import type { InstanceRecord } from '../state.ts'

/** What the rules are applied with. `random` gives numbers in [0, 1). */
export interface Rules {
	settings: PoolSettings
	now: number
	random: () => number
}

/** When an instance that failed may start again. */
export type FailureVerdict = Pick<InstanceRecord, 'failures' | 'failedAt' | 'isExhausted' | 'retryAt'>

/**
 * Exponential backoff with jitter, until the failures within the window exceed the budget: then the instance waits for the oldest of
 * them to leave the window.
 */
export function judgeFailure({ readyAt, failures, failedAt }: InstanceRecord, { settings, now, random }: Rules): FailureVerdict {
	const { backoffMs, maxBackoffMs, restartBudget, restartWindowMs, stableMs } = settings
	const wasStable = readyAt !== null && now - readyAt >= stableMs
	const inARow = wasStable ? 1 : failures + 1
	const recent = [...failedAt.filter((at) => at > now - restartWindowMs), now].slice(-(restartBudget + 1))
	const oldest = recent[0] ?? now
	const delayMs = Math.min(maxBackoffMs, backoffMs * 2 ** (inARow - 1)) * (0.5 + random() / 2)
	const isExhausted = recent.length > restartBudget
	return { failures: inARow, failedAt: recent, isExhausted, retryAt: isExhausted ? oldest + restartWindowMs : now + Math.round(delayMs) }
}
