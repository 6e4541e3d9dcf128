import { describe, expect, it } from 'vitest'
import { emptyPool } from '../state.ts'
import { NOW, record, rulesAt } from '../testing/records.ts'
import { planPool } from './planPool.ts'
import type { PoolState } from '../state.ts'

const idle = { queued: 0, busy: {} }
const pool = (some: Partial<PoolState>): PoolState => ({ ...emptyPool(), nextListAt: NOW + 60_000, ...some })
const kinds = (state: PoolState, load = idle, rules = rulesAt()) =>
	planPool(state, load, rules).actions.map((action) => ('instance' in action ? `${action.kind} ${action.instance.instanceId}` : action.kind))

describe('planPool', () => {
	it('has nothing to do for an empty pool, and no time to wake', () => {
		expect(planPool(pool({}), idle, rulesAt())).toMatchObject({ actions: [], nextWakeAt: null })
	})

	it('notes a start before it is made, and does not plan it twice', () => {
		const plan = planPool(pool({}), { queued: 1, busy: {} }, rulesAt())
		expect(plan.actions).toMatchObject([{ kind: 'start', instance: { instanceId: 'runner-0', platformName: 'runner-0', generation: 1 } }])
		expect(plan.state.instances).toMatchObject([{ state: 'starting', calledAt: NOW }])
		expect(planPool(plan.state, { queued: 1, busy: {} }, rulesAt()).actions).toEqual([])
		expect(plan.nextWakeAt).toBe(NOW + 1_000)
	})

	it('keeps what is busy and takes first what is worth least', () => {
		const instances = [
			record({ instanceId: 'runner-0', idleSince: NOW - 1_000 }),
			record({ instanceId: 'runner-1', inFlight: 1 }),
			record({ instanceId: 'runner-2', idleSince: NOW - 9_000 }),
			record({ instanceId: 'runner-3', state: 'unhealthy', unhealthySince: NOW }),
		].map((instance) => ({ ...instance, nextProbeAt: NOW + 10_000 }))
		const load = { queued: 0, busy: { 'runner-1': { inFlight: 1, lastHeartbeat: null } } }
		expect(kinds(pool({ instances, target: 3, manualTarget: 3 }), load)).toEqual(['terminate runner-3'])
		expect(kinds(pool({ instances, target: 2, manualTarget: 2 }), load)).toEqual(['terminate runner-2', 'terminate runner-3'])
		expect(kinds(pool({ instances, target: 1, manualTarget: 1 }), load)).toEqual(['terminate runner-0', 'terminate runner-2', 'terminate runner-3'])
		const toNothing = planPool(pool({ instances, target: 0, manualTarget: 0 }), load, rulesAt())
		expect(toNothing.state.instances.map(({ state }) => state)).toEqual(['draining', 'draining', 'draining', 'draining'])
		expect(toNothing.actions.map((action) => 'instance' in action && action.instance.instanceId)).not.toContain('runner-1')
	})

	it('makes a start again that nobody confirmed in time', () => {
		const lost = record({ state: 'starting', readyAt: null, startedAt: NOW, calledAt: NOW, nextProbeAt: NOW + 60_000 })
		const state = pool({ instances: [lost], target: 1, manualTarget: 1 })
		expect(kinds(state, idle, rulesAt(NOW + 29_999))).toEqual([])
		expect(kinds(state, idle, rulesAt(NOW + 30_000))).toEqual(['start runner-0'])
	})

	it('brings back first what is to come back', () => {
		const stopped = record({ state: 'stopped' })
		const instances = [stopped, { ...stopped, instanceId: 'runner-1', restartWanted: true }]
		expect(kinds(pool({ instances, target: 1, manualTarget: 1 }))).toEqual(['start runner-1'])
	})

	it('lets go of one that used up its restarts once it has waited and is not needed', () => {
		const spent = record({ state: 'failed', isExhausted: true, retryAt: NOW })
		const stateAt = (target: number, now: number) => planPool(pool({ instances: [spent], target, manualTarget: target }), idle, rulesAt(now)).state.instances[0]?.state
		expect([stateAt(0, NOW - 1), stateAt(0, NOW), stateAt(1, NOW)]).toEqual(['failed', 'stopped', 'starting'])
	})

	it('repeats a SIGKILL without an answer, but not at once', () => {
		const drain = { since: 0, signalledAt: NOW - 20_000, killedAt: NOW, thenRestart: false }
		const state = pool({ instances: [record({ state: 'draining', drain, nextProbeAt: NOW + 99_000 })] })
		expect(kinds(state, idle, rulesAt(NOW + 29_999))).toEqual([])
		expect(kinds(state, idle, rulesAt(NOW + 30_000))).toEqual(['kill runner-0'])
	})

	it('destroys an instance nobody knows after a grace, but not one that got a record meanwhile', () => {
		const orphans = [{ platformName: 'runner-0', firstSeenAt: NOW, calledAt: null }]
		expect(kinds(pool({ orphans }), idle, rulesAt(NOW + 29_999))).toEqual([])
		expect(kinds(pool({ orphans }), idle, rulesAt(NOW + 30_000))).toEqual(['reap'])
		const claimed = pool({ orphans, target: 1, manualTarget: 1, instances: [record({ nextProbeAt: NOW + 60_000 })] })
		expect(planPool(claimed, idle, rulesAt(NOW + 30_000))).toMatchObject({ actions: [], state: { orphans: [] } })
	})

	it('holds a thousand instances', () => {
		const instances = Array.from({ length: 1000 }, (_, index) => record({ instanceId: `runner-${index}`, nextProbeAt: NOW }))
		const plan = planPool(pool({ instances, target: 1000, manualTarget: 1000 }), idle, rulesAt(NOW, { max: 1000 }))
		expect(plan.actions).toHaveLength(1000)
		expect(plan.nextWakeAt).toBe(NOW + 10_000)
	})
})
