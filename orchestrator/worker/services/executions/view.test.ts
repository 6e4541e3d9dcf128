import { expect, it } from 'vitest'
import { fallsBack, outcomeOf, toFailure } from './failures.ts'
import { phaseDurations } from './view.ts'
import { AppError } from '@shared/contracts'

it('measures each phase until the next one starts, and leaves the open one out', () => {
	expect(phaseDurations({ queued: 100, wait: 400, workspace: 150, settled: 1000 })).toEqual({ queued: 50, workspace: 250, wait: 600 })
	expect(phaseDurations({ queued: 100 })).toEqual({})
})

it('hands a failure on as a value when no retry can help, and on the last try', async () => {
	const stale = new AppError('PATCH_STALE', 'moved')
	const upstream = new AppError('GIT_UPSTREAM', 'down')
	const throwing = (error: unknown) => () => Promise.reject(error)
	expect(await outcomeOf(false, throwing(stale))).toMatchObject({ ok: false, failure: { code: 'PATCH_STALE' } })
	await expect(outcomeOf(false, throwing(upstream))).rejects.toBe(upstream)
	expect(await outcomeOf(true, throwing(upstream))).toMatchObject({ ok: false, failure: { code: 'GIT_UPSTREAM' } })
	expect(await outcomeOf(true, throwing(new Error('secret')))).toMatchObject({ ok: false, failure: { code: 'INTERNAL', message: expect.not.stringContaining('secret') } })
	expect(await outcomeOf(false, async () => 7)).toEqual({ ok: true, value: 7 })
})

it('falls back for the provider\'s faults only', () => {
	for (const code of ['PROVIDER_AUTH_FAILED', 'PROVIDER_RATE_LIMITED', 'AGENT_STALLED', 'NO_CHANGES']) expect(fallsBack(code)).toBe(true)
	for (const code of ['PATCH_STALE', 'PATCH_POLICY', 'VALIDATION_FAILED', 'BUDGET_EXCEEDED', 'EXECUTION_CANCELLED', 'INTERNAL']) expect(fallsBack(code)).toBe(false)
	expect(toFailure(new AppError('PATCH_STALE', 'm', { a: 1 }))).toEqual({ code: 'PATCH_STALE', message: 'm', details: { a: 1 } })
})
