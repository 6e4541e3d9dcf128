import { describe, expect, it } from 'vitest'
import { NOW, record, rulesAt } from '../testing/records.ts'
import { observeProbe, observeTime } from './observeProbe.ts'
import type { ProbeResult } from '../ports.ts'
import type { InstanceRecord } from '../state.ts'

const ok: ProbeResult = { kind: 'answered', statusCode: 200, latencyMs: 3 }
const slow: ProbeResult = { kind: 'answered', statusCode: 204, latencyMs: 2_001 }
const ill: ProbeResult = { kind: 'answered', statusCode: 503, latencyMs: 3, detail: 'disk full' }
const silent: ProbeResult = { kind: 'silent', detail: 'timed out' }
const gone: ProbeResult = { kind: 'gone', exitCode: null }
const crashed: ProbeResult = { kind: 'gone', exitCode: 137 }
const refused: ProbeResult = { kind: 'refused', detail: 'no room' }

/** The instance after these probes, one second apart. */
function after(instance: InstanceRecord, results: ProbeResult[]): InstanceRecord {
	return results.reduce((seen, result, index) => observeProbe(seen, result, rulesAt(NOW + index * 1_000)), instance)
}
const starting = record({ state: 'starting', readyAt: null, startedAt: NOW })
const unhealthy = record({ state: 'unhealthy', unhealthySince: NOW })
const draining = record({ state: 'draining', drain: { since: NOW, signalledAt: NOW, killedAt: null, thenRestart: false } })

describe('observeProbe', () => {
	it.each([
		{ what: 'starting, one success', from: starting, results: [ok], state: 'running' },
		{ what: 'starting, silence and "gone" in the grace', from: starting, results: [silent, ill, gone, silent], state: 'starting' },
		{ what: 'starting, an exit code', from: starting, results: [crashed], state: 'failed' },
		{ what: 'starting, no room', from: starting, results: [refused], state: 'stopped' },
		{ what: 'running, fewer failures than fall', from: record(), results: [silent, ill], state: 'running' },
		{ what: 'running, a success between failures', from: record(), results: [silent, silent, ok, silent, silent], state: 'running' },
		{ what: 'running, as many failures as fall', from: record(), results: [silent, ill, silent], state: 'unhealthy' },
		{ what: 'running, gone', from: record(), results: [gone], state: 'failed' },
		{ what: 'running, no room any more', from: record(), results: [refused], state: 'failed' },
		{ what: 'unhealthy, fewer successes than rise', from: unhealthy, results: [ok, silent, ok], state: 'unhealthy' },
		{ what: 'unhealthy, as many successes as rise', from: unhealthy, results: [ok, ok], state: 'running' },
		{ what: 'unhealthy, gone', from: unhealthy, results: [crashed], state: 'failed' },
		{ what: 'draining, answers and failures', from: draining, results: [ok, silent, ill, silent, silent], state: 'draining' },
		{ what: 'draining, gone', from: draining, results: [gone], state: 'stopped' },
		{ what: 'a late answer for one that stopped', from: record({ state: 'stopped' }), results: [ok, crashed], state: 'stopped' },
		{ what: 'a late answer for one that failed', from: record({ state: 'failed' }), results: [ok, crashed], state: 'failed' },
		{ what: 'an external runner', from: record({ isExternal: true }), results: [gone], state: 'running' },
	])('$what: $state', ({ from, results, state }) => {
		expect(after(from, results).state).toBe(state)
	})

	it('calls degraded what is slow again and again, until it is fast again and again', () => {
		expect(after(record(), [slow, slow]).isDegraded).toBe(false)
		const degraded = after(record(), [slow, slow, slow])
		expect(degraded).toMatchObject({ state: 'running', isDegraded: true, detail: 'the health check takes 2001 ms' })
		expect(after(degraded, [ok]).isDegraded).toBe(true)
		expect(after(degraded, [ok, slow, ok]).isDegraded).toBe(true)
		expect(after(degraded, [ok, ok])).toMatchObject({ isDegraded: false, detail: null })
	})

	it('takes a heartbeat of the work for life, but only where there is no answer and only for a while', () => {
		const busy = record({ lastSeenAt: NOW - 50_000 })
		expect(after(busy, [silent, silent, silent, silent])).toMatchObject({ state: 'running', isDegraded: true })
		expect(after(busy, [ill, ill, ill]).state).toBe('unhealthy')
		expect(after(record({ lastSeenAt: NOW - 60_000 }), [silent, silent, silent]).state).toBe('unhealthy')
	})

	it('does not bill what had no room, and closes the bill of what is gone', () => {
		expect(after({ ...starting, billedSince: NOW - 5_000 }, [refused])).toMatchObject({ billedSince: null, usageMs: {} })
		expect(after(record({ billedSince: NOW - 5_000 }), [gone])).toMatchObject({ billedSince: null, usageMs: { basic: 5_000 } })
	})

	it('says why it failed', () => {
		expect(after(starting, [crashed]).detail).toBe('it ended with exit code 137')
		expect(after(record(), [ill, ill, ill]).detail).toBe('the health check answered 503: disk full')
	})
})

describe('observeTime', () => {
	it.each([
		{ what: 'starting within the grace', from: starting, at: NOW + 119_999, state: 'starting' },
		{ what: 'starting beyond the grace', from: starting, at: NOW + 120_000, state: 'failed' },
		{ what: 'unhealthy for a while', from: unhealthy, at: NOW + 29_999, state: 'unhealthy' },
		{ what: 'unhealthy for too long', from: unhealthy, at: NOW + 30_000, state: 'failed' },
		{ what: 'running', from: record(), at: NOW * 10, state: 'running' },
		{ what: 'a silent external runner', from: record({ isExternal: true, lastSeenAt: NOW }), at: NOW + 45_000, state: 'unhealthy' },
		{ what: 'an external runner that has been silent for long', from: record({ isExternal: true, lastSeenAt: NOW }), at: NOW + 135_000, state: 'stopped' },
	])('$what: $state', ({ from, at, state }) => {
		expect(observeTime(from, rulesAt(at)).state).toBe(state)
	})
})
