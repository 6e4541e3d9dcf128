import { describe, expect, it } from 'vitest'
import { refOf } from '../ports.ts'
import { emptyPool } from '../state.ts'
import { NOW, record, rulesAt } from '../testing/records.ts'
import { destroyed, errorText, listed, notDestroyed, notStarted, probed, reaped, started, stopped } from './outcomes.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

const pool = (...instances: InstanceRecord[]): PoolState => ({ ...emptyPool(), instances })
const starting = record({ state: 'starting', readyAt: null, startedAt: NOW - 1_000, calledAt: NOW - 1_000, nextProbeAt: NOW + 1_000 })
const wreck = record({ state: 'failed', needsDestroy: true, calledAt: NOW })
const draining = record({ state: 'draining', drain: { since: 0, signalledAt: 1, killedAt: 2, thenRestart: true } })

describe('outcomes', () => {
	it.each([
		{ what: 'a start', from: starting, outcome: started },
		{ what: 'a failed start', from: starting, outcome: (ref: ReturnType<typeof refOf>) => notStarted(ref, new Error('boom')) },
		{ what: 'a stop', from: draining, outcome: stopped },
		{ what: 'a destroy', from: wreck, outcome: destroyed },
		{ what: 'a failed destroy', from: wreck, outcome: (ref: ReturnType<typeof refOf>) => notDestroyed(ref, new Error('boom')) },
		{ what: 'a crash', from: record(), outcome: (ref: ReturnType<typeof refOf>) => probed(ref, { kind: 'gone', exitCode: 1 }) },
	])('$what changes its instance, but not the next generation nor one that has moved on', ({ from, outcome }) => {
		const apply = outcome(refOf(from))
		expect(apply(pool(from), rulesAt())).not.toEqual(pool(from))
		const later = pool({ ...from, generation: 2 })
		expect(apply(later, rulesAt())).toEqual(later)
		const still = pool({ ...from, state: 'stopped' })
		expect(apply(still, rulesAt())).toEqual(still)
		expect(apply(pool(), rulesAt())).toEqual(pool())
	})

	it('learns the cap from a start without room, and blames nobody', () => {
		const noRoom = notStarted(refOf(starting), new Error('Maximum number of running container instances exceeded'))
		const busy = record({ instanceId: 'runner-1' })
		expect(noRoom(pool(starting, busy), rulesAt())).toMatchObject({
			cap: { limit: 1, retryAt: NOW + 30_000 },
			instances: [{ state: 'stopped', failures: 0, failedAt: [] }, { state: 'running' }],
		})
	})

	it('remembers after a stop that the instance is to come back', () => {
		expect(stopped(refOf(draining))(pool(draining), rulesAt()).instances).toMatchObject([{ state: 'stopped', restartWanted: true, drain: null }])
	})

	it('keeps trying to destroy, and at the third failure gives the name up', () => {
		const fail = notDestroyed(refOf(wreck), new Error('no'))
		const twice = fail(fail(pool(wreck), rulesAt()), rulesAt())
		expect(twice.instances).toMatchObject([{ needsDestroy: true, destroyFailures: 2, platformName: 'runner-0', calledAt: NOW }])
		expect(fail(twice, rulesAt()).instances).toMatchObject([{ needsDestroy: false, platformName: 'runner-0-g2' }])
	})

	it('looks at once at what is missing on a list, unless it may be too new for it', () => {
		const settled = record({ instanceId: 'runner-1', nextProbeAt: NOW + 9_000 })
		const fresh = record({ instanceId: 'runner-2', startedAt: NOW, nextProbeAt: NOW + 9_000 })
		const after = listed([], NOW)(pool(starting, settled, fresh), rulesAt())
		expect(after.instances.map(({ nextProbeAt }) => nextProbeAt)).toEqual([NOW + 1_000, NOW, NOW + 9_000])
		expect(after.instances.map(({ state }) => state)).toEqual(['starting', 'running', 'running'])
	})

	it('keeps since when an orphan is known, and drops what is not listed any more', () => {
		const first = listed(['a', 'b', 'runner-0'], NOW)(pool(record()), rulesAt(NOW))
		expect(first.orphans).toEqual(['a', 'b'].map((platformName) => ({ platformName, firstSeenAt: NOW, calledAt: null })))
		const second = listed(['b', 'c'], NOW + 5)(first, rulesAt(NOW + 5))
		expect(second.orphans.map(({ platformName, firstSeenAt }) => [platformName, firstSeenAt])).toEqual([['b', NOW], ['c', NOW + 5]])
		expect(reaped('b')(second, rulesAt()).orphans.map(({ platformName }) => platformName)).toEqual(['c'])
	})

	it('cuts what a platform says', () => {
		expect(errorText(new Error('x'.repeat(9_999)))).toHaveLength(500)
		expect(errorText('plain')).toBe('plain')
	})
})
