import { describe, expect, it } from 'vitest'
import { createGatherer } from './gather.ts'
import type { Gathered, Limits, Ways } from './gather.ts'

const LIMITS: Limits = { largest: 3, patienceMs: 100, lostAfterMs: 1000, heardWithinMs: 5 }

/** A gatherer whose work ends when the test says so, on a clock that only the test moves. */
function createWorld(limits: Partial<Limits> = {}) {
	const gather = createGatherer<string, string>({ ...LIMITS, ...limits })
	const runs: { items: readonly string[]; end: (results?: readonly (string | null)[]) => void; fail: () => void }[] = []
	const sleepers: { at: number; wake: () => void }[] = []
	const clock = { now: 0 }
	const run = (items: readonly string[]) => {
		const { promise, resolve, reject } = Promise.withResolvers<readonly (string | null)[]>()
		runs.push({ items, end: (results = items.map((item) => `${item} of ${items.length}`)) => resolve(results), fail: () => reject(new Error(`no ${items.join()}`)) })
		return promise
	}
	const sleep = (ms: number) => new Promise<void>((wake) => sleepers.push({ at: clock.now + ms, wake }))
	const call = (item: string, more: Partial<Gathered<string>> & Partial<Ways<string, string>> = {}) => {
		const { key = 'k', names = [item], ...ways } = more
		return gather({ item, key, names }, { alone: async () => (await run([item]))[0] ?? '', together: run, waitUntil: () => undefined, now: () => clock.now, sleep, ...ways })
	}
	const settle = () => new Promise<void>((resolve) => setTimeout(resolve))
	const pass = async (ms: number) => {
		clock.now += ms
		for (const { wake } of sleepers.filter(({ at }) => at <= clock.now)) wake()
		await settle()
	}
	/** Ends the newest work, and tells of the work that began then. */
	const next = async () => {
		runs.at(-1)?.end()
		await settle()
		return runs.at(-1)?.items
	}
	return { call, runs, pass, next, settle, itemsOf: () => runs.map(({ items }) => items) }
}

describe('gather', () => {
	it('lets who is alone go at once', async () => {
		const { call, next, itemsOf } = createWorld()
		const answer = call('a')
		expect(itemsOf()).toEqual([['a']])
		await next()
		expect(await answer).toBe('a of 1')
	})

	it('takes together what came while something was under way, as many as a group may have', async () => {
		const { call, next } = createWorld()
		const answers = ['a', 'b', 'c', 'd', 'e'].map((item) => call(item))
		expect([await next(), await next(), await next()]).toEqual([['b', 'c', 'd'], ['e'], ['e']])
		expect(await Promise.all(answers)).toEqual(['a of 1', 'b of 3', 'c of 3', 'd of 3', 'e of 1'])
	})

	it('keeps apart what has another key, and what has the same name', async () => {
		const { call, next } = createWorld()
		const answers = [call('a'), call('b'), call('x', { key: 'other' }), call('again', { names: ['b', 'c'] }), call('c')]
		expect([await next(), await next(), await next()]).toEqual([['b'], ['x'], ['again']])
		expect(await next()).toEqual(['c'])
		await next()
		expect(await Promise.all(answers)).toEqual(['a of 1', 'b of 1', 'x of 1', 'again of 1', 'c of 1'])
	})

	it('lets nobody overtake who has waited longest', async () => {
		const { call, next, pass, runs } = createWorld({ patienceMs: 1000 })
		const answers = [call('a'), call('x', { key: 'other' }), call('b')]
		await pass(500)
		runs[0]?.end()
		const late = call('late')
		expect(runs).toHaveLength(1)
		expect([await next(), await next()]).toEqual([['x'], ['b', 'late']])
		await next()
		expect(await Promise.all([...answers, late])).toEqual(['a of 1', 'x of 1', 'b of 2', 'late of 2'])
	})

	it('does not wait for ever for one that waited and was cut off', async () => {
		const { call, next, pass, runs } = createWorld()
		const cut = { key: 'other', sleep: () => new Promise(() => undefined) }
		let isCut = false
		const first = call('a')
		const gone = call('gone', { ...cut, now: () => (isCut ? expect.unreachable('nobody is there') : 0) })
		isCut = true
		await Promise.all([next(), expect(gone).rejects.toThrow('nobody is there')])
		await first
		await pass(200)
		void call('late')
		expect(runs.at(-1)?.items).toEqual(['late'])
	})

	it('has each do it alone where the group could not, and tells only that one why', async () => {
		const { call, runs, next, settle } = createWorld()
		const answers = [call('a'), call('b'), call('c'), call('d')]
		await next()
		runs[1]?.end(['b of 3', null, 'd of 3'])
		await settle()
		expect(runs[2]?.items).toEqual(['c'])
		const refused = expect(answers[2]).rejects.toThrow('no c')
		runs[2]?.fail()
		await refused
		expect(await Promise.all([answers[0], answers[1], answers[3]])).toEqual(['a of 1', 'b of 3', 'd of 3'])
	})

	it('has all do it alone when the group fails', async () => {
		const { call, runs, next, settle, itemsOf } = createWorld()
		const answers = [call('a'), call('b'), call('c')]
		await next()
		runs[1]?.fail()
		await settle()
		expect(itemsOf().slice(2).toSorted()).toEqual([['b'], ['c']])
		for (const { end } of runs) end()
		expect(await Promise.all(answers)).toEqual(['a of 1', 'b of 1', 'c of 1'])
	})

	it('begins after a while, whatever is under way', async () => {
		const { call, runs, pass, settle, itemsOf } = createWorld()
		const answers = [call('a'), call('b'), call('c')]
		await pass(99)
		expect(itemsOf()).toEqual([['a']])
		await pass(1)
		expect(itemsOf()).toEqual([['a'], ['b', 'c']])
		for (const { end } of runs) end()
		await settle()
		expect(await Promise.all(answers)).toEqual(['a of 1', 'b of 2', 'c of 2'])
	})

	it('does alone what a request took along that was cut off, and does not wait for that for ever', async () => {
		const { call, runs, pass, next, itemsOf } = createWorld()
		const held: Promise<unknown>[] = []
		const first = call('a')
		void call('lost', { waitUntil: (work) => void held.push(work) })
		const taken = call('taken')
		await next()
		expect(itemsOf()).toEqual([['a'], ['lost', 'taken']])
		expect(held).toHaveLength(1)
		await pass(100)
		await pass(999)
		expect(runs).toHaveLength(2)
		await pass(1)
		expect(runs[2]?.items).toEqual(['taken'])
		runs[2]?.end()
		expect(await Promise.all([first, taken])).toEqual(['a of 1', 'taken of 1'])
		void call('late')
		expect(runs[3]?.items).toEqual(['late'])
	})
})
