import { describe, expect, it } from 'vitest'
import { NOW, record, rulesAt } from '../testing/records.ts'
import { retarget, wantedSize } from './target.ts'

describe('wantedSize', () => {
	it.each([
		{ what: 'nothing to do', queued: 0, instances: [], settings: {}, wanted: 0 },
		{ what: 'the minimum', queued: 0, instances: [], settings: { min: 2 }, wanted: 2 },
		{ what: 'the maximum', queued: 99, instances: [], settings: { max: 7 }, wanted: 7 },
		{ what: 'several pieces an instance', queued: 5, instances: [], settings: { workPerInstance: 4 }, wanted: 2 },
		{ what: 'warm ones above the work', queued: 1, instances: [record({ inFlight: 1 })], settings: { minWarm: 1 }, wanted: 3 },
		{ what: 'no replacement for the work of one that drains', queued: 0, instances: [record({ state: 'draining', inFlight: 3 })], settings: {}, wanted: 0 },
		{ what: 'external runners first', queued: 3, instances: [record({ isExternal: true }), record({ isExternal: true, state: 'unhealthy' })], settings: {}, wanted: 2 },
	])('$what: $wanted', ({ queued, instances, settings, wanted }) => {
		expect(wantedSize(queued, instances, rulesAt(NOW, settings).settings)).toBe(wanted)
	})
})

describe('retarget', () => {
	const size = { target: 2, manualTarget: null, raisedAt: NOW - 1_000, lowSince: null }
	const at = (now: number, some = {}) => rulesAt(now, { upCooldownMs: 2_000, downCooldownMs: 60_000, max: 5, ...some })

	it('rises at once, and again after the cooldown', () => {
		expect(retarget({ ...size, raisedAt: null }, 3, at(NOW))).toMatchObject({ target: 3, raisedAt: NOW })
		expect(retarget(size, 3, at(NOW))).toMatchObject({ target: 2, raisedAt: NOW - 1_000 })
		expect(retarget(size, 3, at(NOW + 1_000))).toMatchObject({ target: 3, raisedAt: NOW + 1_000 })
	})

	it('falls only when less has been wanted all the while', () => {
		const low = retarget(size, 1, at(NOW))
		expect(low).toMatchObject({ target: 2, lowSince: NOW })
		expect(retarget(low, 2, at(NOW + 30_000))).toMatchObject({ target: 2, lowSince: null })
		expect(retarget(low, 0, at(NOW + 59_999))).toMatchObject({ target: 2 })
		expect(retarget(low, 0, at(NOW + 60_000))).toMatchObject({ target: 0, lowSince: null })
	})

	it('follows a person at once, within the maximum', () => {
		expect(retarget({ ...size, manualTarget: 0 }, 5, at(NOW))).toMatchObject({ target: 0 })
		expect(retarget({ ...size, manualTarget: 9 }, 1, at(NOW))).toMatchObject({ target: 5 })
	})

	it('follows changed bounds at once', () => {
		expect(retarget({ ...size, target: 5 }, 1, at(NOW, { max: 3 }))).toMatchObject({ target: 3 })
		expect(retarget({ ...size, target: 0 }, 2, at(NOW, { min: 2 }))).toMatchObject({ target: 2 })
	})
})
