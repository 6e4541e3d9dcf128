import { describe, expect, it } from 'vitest'
import { FAILURE_BACKOFF_MS, LAPSE_BACKOFF_MS, MAX_RETRY_DELAY_MS, retryDelayMs } from './backoff.ts'

describe('retryDelayMs', () => {
	it.each([
		{ ladder: LAPSE_BACKOFF_MS, attempt: 1, asked: 0, ms: 0 },
		{ ladder: LAPSE_BACKOFF_MS, attempt: 2, asked: 0, ms: 5_000 },
		{ ladder: LAPSE_BACKOFF_MS, attempt: 9, asked: 0, ms: 60_000 },
		{ ladder: FAILURE_BACKOFF_MS, attempt: 1, asked: 0, ms: 1_000 },
		{ ladder: FAILURE_BACKOFF_MS, attempt: 1, asked: 700, ms: 1_000 },
		{ ladder: FAILURE_BACKOFF_MS, attempt: 1, asked: 9_000, ms: 9_000 },
		{ ladder: FAILURE_BACKOFF_MS, attempt: 2, asked: 1e12, ms: MAX_RETRY_DELAY_MS },
		{ ladder: FAILURE_BACKOFF_MS, attempt: 0, asked: 0, ms: 1_000 },
	])('attempt $attempt, asked $asked: $ms', ({ ladder, attempt, asked, ms }) => {
		expect(retryDelayMs(ladder, attempt, asked)).toBe(ms)
	})
})
