import { describe, expect, it } from 'vitest'
import { afterFailure, afterSuccess, beginProbe, HEALTHY, kindOf, PROBE_MS, viewCircuit } from './circuitBreaker.ts'
import type { CircuitRecord } from './circuitBreaker.ts'

const MINUTE = 60_000
const fail = (record: CircuitRecord, code: string, now: number, retryAt?: number) => afterFailure(record, { code, now, retryAt })

/** Fails probe after probe from the third fault on; returns for how many minutes each opens the circuit. */
function ladder(probes: number): number[] {
	let record = HEALTHY
	let now = 0
	for (let fault = 0; fault < 3; fault++) record = fail(record, 'PROVIDER_ERROR', now)
	const minutes: number[] = []
	for (let probe = 0; probe < probes; probe++) {
		minutes.push(((record.parkedUntil ?? 0) - now) / MINUTE)
		now = record.parkedUntil ?? 0
		record = fail(beginProbe(record, now) ?? record, 'PROVIDER_ERROR', now)
		// The probe's own window must not count as time parked.
		expect(record.circuit).toBe('open')
	}
	return minutes
}

describe('the circuit of a provider', () => {
	it('opens at the third fault in a row and longer with each probe that fails', () => {
		expect(fail(fail(HEALTHY, 'PROVIDER_ERROR', 0), 'AGENT_STALLED', 1)).toEqual({ circuit: 'closed', consecutiveFailures: 2, parkedUntil: null })
		expect(ladder(7)).toEqual([2, 5, 10, 20, 60, 60, 60])
	})

	it('starts anew after a success in between', () => {
		const twice = fail(fail(HEALTHY, 'PROVIDER_ERROR', 0), 'PROVIDER_ERROR', 1)
		expect(fail(afterSuccess(twice, 2), 'PROVIDER_ERROR', 3)).toMatchObject({ circuit: 'closed', consecutiveFailures: 1 })
	})

	it('is not held open longer by runs that were under way when it opened', () => {
		const open = { circuit: 'open', consecutiveFailures: 3, parkedUntil: 2 * MINUTE } as const
		expect(fail(open, 'PROVIDER_ERROR', MINUTE)).toEqual(open)
	})

	it('lets one task try it when its time is over, and closes when that goes well', () => {
		const open = { circuit: 'open', consecutiveFailures: 3, parkedUntil: 100 } as const
		expect(viewCircuit(open, 99)).toEqual({ circuit: 'open', isOpen: true, canProbe: false, parkedUntil: 100 })
		expect(beginProbe(open, 99)).toBeNull()
		expect(viewCircuit(open, 100)).toEqual({ circuit: 'half-open', isOpen: false, canProbe: true, parkedUntil: null })
		const probing = beginProbe(open, 100)
		expect(probing).toEqual({ circuit: 'half-open', consecutiveFailures: 3, parkedUntil: 100 + PROBE_MS })
		if (!probing) return
		expect(beginProbe(probing, 101)).toBeNull()
		expect(viewCircuit(probing, 101)).toMatchObject({ circuit: 'half-open', isOpen: true, canProbe: false })
		expect(afterSuccess(probing, 200)).toEqual(HEALTHY)
		expect(fail(probing, 'NO_CHANGES', 200)).toEqual(HEALTHY)
		// Its runner died: nothing was learned, the next task may try at once.
		expect(viewCircuit(fail(probing, 'RUNNER_LOST', 200), 200)).toMatchObject({ canProbe: true })
		// It met a rate limit: nothing was learned either, and the limit holds.
		expect(fail(probing, 'PROVIDER_RATE_LIMITED', 200)).toEqual({ circuit: 'open', consecutiveFailures: 3, parkedUntil: 60_200 })
		// It never reported at all.
		expect(viewCircuit(probing, 100 + PROBE_MS)).toMatchObject({ canProbe: true })
	})

	it('parks for as long as a rate limit says, without counting it', () => {
		expect(fail(HEALTHY, 'PROVIDER_RATE_LIMITED', 1000, 9000)).toEqual({ circuit: 'closed', consecutiveFailures: 0, parkedUntil: 9000 })
		expect(fail(HEALTHY, 'PROVIDER_RATE_LIMITED', 1000)).toMatchObject({ parkedUntil: 61_000 })
		expect(fail({ ...HEALTHY, parkedUntil: 9000 }, 'PROVIDER_RATE_LIMITED', 1000, 2000)).toMatchObject({ parkedUntil: 9000 })
		expect(fail(HEALTHY, 'PROVIDER_RATE_LIMITED', 0, 1e15).parkedUntil).toBe(7 * 24 * 60 * MINUTE)
		const parked = fail(HEALTHY, 'PROVIDER_RATE_LIMITED', 1000, 9000)
		expect(viewCircuit(parked, 8999)).toMatchObject({ circuit: 'closed', isOpen: true, canProbe: false })
		expect(viewCircuit(parked, 9000)).toMatchObject({ circuit: 'closed', isOpen: false })
		expect(afterSuccess(parked, 2000)).toEqual(parked)
	})

	it('opens at once when a key is refused', () => {
		expect(fail(HEALTHY, 'PROVIDER_AUTH_FAILED', 0)).toEqual({ circuit: 'open', consecutiveFailures: 3, parkedUntil: 60 * MINUTE })
	})

	it.each([
		['PROVIDER_ERROR', 'fault'],
		['PROVIDER_UNREACHABLE', 'fault'],
		['PROVIDER_OUTPUT_INVALID', 'fault'],
		['AGENT_STALLED', 'fault'],
		['PROVIDER_RATE_LIMITED', 'rate-limit'],
		['PROVIDER_AUTH_FAILED', 'auth'],
		['PROVIDER_REFUSED', 'alive'],
		['NO_CHANGES', 'alive'],
		['PATCH_STALE', 'alive'],
		['VALIDATION_FAILED', 'alive'],
		['RUNNER_LOST', 'unrelated'],
		['BUDGET_EXCEEDED', 'unrelated'],
		['EXECUTION_CANCELLED', 'unrelated'],
		['NO_PROVIDER_AVAILABLE', 'unrelated'],
		['toString', 'unrelated'],
	])('%s is %s', (code, kind) => {
		expect(kindOf(code)).toBe(kind)
	})
})
