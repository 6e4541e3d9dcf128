import { describe, expect, it } from 'vitest'
import { NOW, record, rulesAt } from '../testing/records.ts'
import { judgeFailure } from './failure.ts'

const FRESH = { readyAt: null }

describe('judgeFailure', () => {
	it.each([
		{ failures: 0, waitMs: 1_000 },
		{ failures: 1, waitMs: 2_000 },
		{ failures: 4, waitMs: 16_000 },
		{ failures: 60, waitMs: 120_000 },
	])('after $failures failures in a row waits $waitMs ms, or down to half by jitter', ({ failures, waitMs }) => {
		const failed = record({ ...FRESH, failures })
		expect(judgeFailure(failed, rulesAt())).toMatchObject({ retryAt: NOW + waitMs, failures: failures + 1, isExhausted: false })
		expect(judgeFailure(failed, { ...rulesAt(), random: () => 0 })).toMatchObject({ retryAt: NOW + waitMs / 2 })
	})

	it('forgets the failures of one that was ready for long', () => {
		expect(judgeFailure(record({ failures: 5, readyAt: NOW - 60_000 }), rulesAt())).toMatchObject({ failures: 1, retryAt: NOW + 1_000 })
		expect(judgeFailure(record({ failures: 5, readyAt: NOW - 59_999 }), rulesAt())).toMatchObject({ failures: 6 })
	})

	it('waits until the oldest failure leaves the window when the budget is used up', () => {
		const settings = { restartBudget: 2, restartWindowMs: 600_000 }
		const failedAt = [NOW - 700_000, NOW - 500_000, NOW - 100_000]
		expect(judgeFailure(record({ ...FRESH, failedAt }), rulesAt(NOW, settings))).toMatchObject({
			isExhausted: true,
			failedAt: [NOW - 500_000, NOW - 100_000, NOW],
			retryAt: NOW + 100_000,
		})
		expect(judgeFailure(record({ ...FRESH, failedAt: failedAt.slice(0, 2) }), rulesAt(NOW, settings))).toMatchObject({ isExhausted: false })
	})

	it('never retries within the window on a budget of nothing', () => {
		expect(judgeFailure(record(FRESH), rulesAt(NOW, { restartBudget: 0 }))).toMatchObject({ isExhausted: true, retryAt: NOW + 600_000 })
	})
})
