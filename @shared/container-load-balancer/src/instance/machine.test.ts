import { allowedEvents } from '@shared/ai-utils/fsm'
import { describe, expect, it } from 'vitest'
import { NOW, record } from '../testing/records.ts'
import { advance, instanceMachine } from './machine.ts'

describe('instanceMachine', () => {
	it.each([
		{ state: 'stopped' as const, takes: 'start join' },
		{ state: 'starting' as const, takes: 'start started ready fail recycle refuse drain join' },
		{ state: 'running' as const, takes: 'started fall fail recycle drain stop join' },
		{ state: 'unhealthy' as const, takes: 'started ready fail recycle drain stop join' },
		{ state: 'draining' as const, takes: 'started recycle signal kill stop join' },
		{ state: 'failed' as const, takes: 'start recycle destroyed destroyFailed retire join' },
	])('$state takes: $takes', ({ state, takes }) => {
		expect(allowedEvents(instanceMachine, state).join(' ')).toBe(takes)
	})

	it('starts a failed instance only once it has been destroyed, under the next generation', () => {
		const wreck = record({ state: 'failed', needsDestroy: true })
		expect(() => advance(wreck, { type: 'start', at: NOW, nextProbeAt: NOW })).toThrow('refused in failed by its guard')
		const clean = advance(wreck, { type: 'destroyed', at: NOW })
		expect(advance(clean, { type: 'start', at: NOW, nextProbeAt: NOW + 1 })).toMatchObject({ state: 'starting', generation: 2, calledAt: NOW, startedAt: NOW, billedSince: NOW })
	})

	it('bills a wreck until it has been destroyed', () => {
		const wreck = record({ state: 'failed', needsDestroy: true, billedSince: NOW - 7_000 })
		expect(advance(wreck, { type: 'destroyed', at: NOW })).toMatchObject({ billedSince: null, usageMs: { basic: 7_000 } })
	})

	it('sends no second SIGTERM', () => {
		const draining = advance(record(), { type: 'drain', at: NOW, thenRestart: false, detail: 'test' })
		const told = advance(draining, { type: 'signal', at: NOW })
		expect(told.drain).toMatchObject({ signalledAt: NOW })
		expect(() => advance(told, { type: 'signal', at: NOW + 1 })).toThrow('guard')
	})

	it('never lets the driver touch an external runner', () => {
		const external = record({ isExternal: true })
		expect(() => advance(external, { type: 'recycle', at: NOW, detail: '' })).toThrow('guard')
		expect(() => advance({ ...external, state: 'stopped' }, { type: 'start', at: NOW, nextProbeAt: NOW })).toThrow('guard')
	})
})
