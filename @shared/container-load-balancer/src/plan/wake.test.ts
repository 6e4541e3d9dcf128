import { describe, expect, it } from 'vitest'
import { emptyPool } from '../state.ts'
import { NOW, record, rulesAt } from '../testing/records.ts'
import { nextWake } from './wake.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

const drain = { since: NOW, signalledAt: null, killedAt: null, thenRestart: false }
const quiet = (some: Partial<InstanceRecord>) => record({ nextProbeAt: null, ...some })
const at = (some: Partial<PoolState>, settings = {}) => nextWake({ ...emptyPool(), ...some }, rulesAt(NOW, { downCooldownMs: 60_000, ...settings }))

describe('nextWake', () => {
	it.each([
		{ what: 'never for an empty pool', state: {}, wake: null },
		{ what: 'never for a time that has passed', state: { instances: [quiet({ nextProbeAt: NOW })], target: 1, manualTarget: 1 }, wake: null },
		{ what: 'the next probe', state: { instances: [quiet({ nextProbeAt: NOW + 7 }), quiet({ nextProbeAt: NOW + 5 })] }, wake: NOW + 5 },
		{ what: 'the next list while something runs', state: { instances: [quiet({})], target: 1, nextListAt: NOW + 9 }, wake: NOW + 9 },
		{ what: 'no list while nothing runs', state: { instances: [quiet({ state: 'stopped' as const })], nextListAt: NOW + 9 }, wake: null },
		{ what: 'the end of the start grace', state: { instances: [quiet({ state: 'starting' as const, startedAt: NOW })], target: 1, manualTarget: 1 }, wake: NOW + 120_000 },
		{ what: 'the repetition of a lost call', state: { instances: [quiet({ state: 'starting' as const, startedAt: NOW, calledAt: NOW })] }, wake: NOW + 30_000 },
		{ what: 'the end of patience with an ailing one', state: { instances: [quiet({ state: 'unhealthy' as const, unhealthySince: NOW })], target: 1, manualTarget: 1 }, wake: NOW + 30_000 },
		{ what: 'the end of a backoff', state: { instances: [quiet({ state: 'failed' as const, retryAt: NOW + 3 })], target: 1, manualTarget: 1 }, wake: NOW + 3 },
		{ what: 'the end of a drain', state: { instances: [quiet({ state: 'draining' as const, drain })] }, wake: NOW + 900_000 },
		{ what: 'SIGKILL', state: { instances: [quiet({ state: 'draining' as const, drain: { ...drain, signalledAt: NOW } })] }, wake: NOW + 15_000 },
		{ what: 'idle time that runs out', state: { instances: [quiet({ idleSince: NOW - 100_000 })], target: 0, manualTarget: 0 }, wake: NOW + 200_000 },
		{ what: 'the cooldown of a rise', state: { queued: 2, target: 1, raisedAt: NOW - 500, instances: [quiet({})] }, wake: NOW + 1_500 },
		{ what: 'the cooldown of a fall', state: { target: 1, lowSince: NOW - 10_000, instances: [quiet({})] }, wake: NOW + 50_000 },
		{ what: 'the stagger', state: { target: 1, manualTarget: 1, lastStartAt: NOW }, wake: NOW + 500 },
		{ what: 'the next try above the cap', state: { target: 1, manualTarget: 1, cap: { limit: 0, retryAt: NOW + 44 } }, wake: NOW + 44 },
		{ what: 'an orphan whose grace ends', state: { orphans: [{ platformName: 'x', firstSeenAt: NOW, calledAt: null }] }, wake: NOW + 30_000 },
		{ what: 'an external runner that may go silent', state: { instances: [quiet({ isExternal: true, lastSeenAt: NOW })] }, wake: NOW + 45_000 },
	])('$what: $wake', ({ state, wake }) => {
		expect(at(state)).toBe(wake)
	})
})
