import { describe, expect, it } from 'vitest'
import { afterFailure, afterLapse } from './outcome.ts'

const first = { attempt: 1, maxAttempts: 3, assignedAt: 1000, timeoutMs: 60_000, cancel: null }
const cancel = { code: 'BUDGET_EXCEEDED', message: 'spent' }

describe('afterLapse', () => {
	it.each([
		{ name: 'first: again at once', task: first, now: 31_000, to: { status: 'pending', runAfter: 31_000 } },
		{ name: 'second: after a wait', task: { ...first, attempt: 2 }, now: 31_000, to: { status: 'pending', runAfter: 36_000 } },
		{ name: 'last: dead', task: { ...first, attempt: 3 }, now: 31_000, to: { status: 'failed', outcome: 'dead' } },
		{ name: 'over its time: timeout', task: first, now: 61_000, to: { status: 'failed', outcome: 'timeout' } },
		{ name: 'a moment before: again', task: first, now: 60_999, to: { status: 'pending' } },
		{ name: 'cancelled: not again', task: { ...first, cancel }, now: 31_000, to: { status: 'failed', outcome: 'cancelled', error: cancel } },
	])('$name', ({ task, now, to }) => {
		expect(afterLapse(task, now)).toMatchObject(to)
	})
})

describe('afterFailure', () => {
	const error = { code: 'PROVIDER_RATE_LIMITED', message: 'slow down', retryable: true, retryAfterMs: 7_000 }
	it.each([
		{ name: 'retryable: after what it asked for', task: first, error, to: { status: 'pending', runAfter: 9_000, error } },
		{ name: 'no attempts left', task: { ...first, attempt: 3 }, error, to: { status: 'failed', outcome: 'error', error } },
		{ name: 'not retryable', task: first, error: { ...error, retryable: false }, to: { status: 'failed', outcome: 'error' } },
		{ name: 'a cancel was asked for', task: { ...first, cancel }, error, to: { status: 'failed', outcome: 'cancelled', error } },
	])('$name', ({ task, error: reported, to }) => {
		expect(afterFailure(task, reported, 2_000)).toMatchObject(to)
	})
})
