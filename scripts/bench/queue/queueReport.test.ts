import { expect, it } from 'vitest'
import { makeReport } from './queueReport.ts'

const ADD = 'add one by one'
const IDLE = 'pick up when idle'

it('compares each peer with the faster of our paths', () => {
	const { ratios, targets } = makeReport([
		{ engine: 'vibehq over REST', case: ADD, perSecond: 50 },
		{ engine: 'vibehq over RPC', case: ADD, perSecond: 200 },
		{ engine: 'pg-boss', case: ADD, perSecond: 100 },
		{ engine: 'BullMQ (fsync always)', case: ADD, perSecond: 400 },
		{ engine: 'vibehq over RPC', case: IDLE, p50Ms: 4 },
		{ engine: 'pg-boss', case: IDLE, p50Ms: 2 },
	])
	expect(ratios).toEqual({ [`pg-boss/vibehq ${ADD}`]: 0.5, [`BullMQ (fsync always)/vibehq ${ADD}`]: 2, [`vibehq/pg-boss ${IDLE}`]: 2 })
	expect(targets).toEqual([
		{ name: `pg-boss/vibehq ${ADD}`, target: 1, value: 0.5, met: true },
		{ name: `vibehq/pg-boss ${IDLE}`, target: 1, value: 2, met: false },
		{ name: `vibehq over RPC: ${IDLE}, p50 ms`, target: 5, value: 4, met: true },
	])
})

it('compares our batches with the fastest that BullMQ has', () => {
	const { targets } = makeReport([
		{ engine: 'vibehq over RPC', case: 'process in batches, concurrency 1', perSecond: 1000 },
		{ engine: 'BullMQ (fsync always)', case: 'process, concurrency 1', perSecond: 500 },
		{ engine: 'BullMQ (fsync always)', case: 'process, concurrency 16', perSecond: 1500 },
	])
	expect(targets).toEqual([{ name: 'BullMQ at its fastest/vibehq in batches', target: 1, value: 1.5, met: false }])
})

it('says how a peer stands to a call that does nothing, which is no target', () => {
	const { ratios, targets } = makeReport([
		{ engine: 'vibehq over RPC', case: 'process, concurrency 16', perSecond: 500 },
		{ engine: 'an RPC call that does nothing', case: 'process, concurrency 16', perSecond: 1000 },
		{ engine: 'graphile-worker', case: 'process, concurrency 16', perSecond: 2000 },
	])
	expect(ratios).toEqual({ 'graphile-worker/vibehq process, concurrency 16': 4, 'graphile-worker/an RPC call that does nothing, process, concurrency 16': 2 })
	expect(targets).toEqual([{ name: 'graphile-worker/vibehq process, concurrency 16', target: 1, value: 4, met: false }])
})

it('misses a target where there is no figure, and names what was skipped', () => {
	const { rows, targets } = makeReport([
		{ engine: 'vibehq over REST', case: 're-run after SIGKILL', seconds: null, note: 'ran 2 times' },
		{ engine: 'pg-boss', case: 'skipped', note: 'postgres is missing' },
	])
	expect(targets).toEqual([{ name: 'vibehq over REST: re-run after SIGKILL, seconds', target: 5, value: Infinity, met: false }])
	expect(rows).toContainEqual({ engine: 'pg-boss', case: 'skipped', note: 'postgres is missing' })
})

it('misses a target against a peer that was measured alone', () => {
	expect(makeReport([{ engine: 'pg-boss', case: ADD, perSecond: 100 }]).targets).toEqual([{ name: `pg-boss/vibehq ${ADD}`, target: 1, value: Infinity, met: false }])
})
