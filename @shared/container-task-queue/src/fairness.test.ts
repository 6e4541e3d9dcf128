import { describe, expect, it } from 'vitest'
import { chooseFairly, servedAfter, virtualClock } from './fairness.ts'
import type { Candidate, Share } from './fairness.ts'

const share = (change: Partial<Share> = {}): Share => ({ running: 0, maxRunning: 1000, served: 0, ...change })
const flood = (workerName: string, count: number, firstId: number, priority = 0): Candidate[] =>
	Array.from({ length: count }, (_, n) => ({ id: firstId + n, workerName, priority }))

/** Claims one after the other, as the queue does, and says whose tasks were taken. */
function serve(candidates: Candidate[], shares: Map<string, Share>, { claims, limit }: { claims: number; limit: number }): string {
	let left = candidates
	let order = ''
	for (let claim = 0; claim < claims; claim++) {
		const clock = virtualClock([...shares.values()])
		const taken = chooseFairly(left, shares, limit).flatMap((id) => left.filter((candidate) => candidate.id === id))
		for (const name of new Set(taken.map(({ workerName }) => workerName))) {
			const before = shares.get(name) ?? share()
			const count = taken.filter(({ workerName }) => workerName === name).length
			shares.set(name, { ...before, served: servedAfter(before, clock, count) })
		}
		left = left.filter((candidate) => !taken.includes(candidate))
		order += `${taken.map(({ workerName }) => workerName).join('')} `
	}
	return order.trim()
}

describe('chooseFairly', () => {
	it.each([
		{ name: 'one at a time', claims: 6, limit: 1, order: 'a b a b a b' },
		{ name: 'three at a time', claims: 4, limit: 3, order: 'aba bab aba bab' },
		{ name: 'fifty at a time', claims: 1, limit: 50, order: 'ab'.repeat(25) },
	])('lets a flood leave every second claim to another: $name', ({ claims, limit, order }) => {
		expect(serve([...flood('a', 500, 1), ...flood('b', 100, 1000)], new Map(), { claims, limit })).toBe(order)
	})

	it('does not let a Worker save up claims while it has nothing to do', () => {
		const shares = new Map([['a', share({ served: 5000 })], ['b', share({ served: 3 })]])
		expect(serve([...flood('a', 10, 1), ...flood('b', 10, 100)], shares, { claims: 6, limit: 1 })).toBe('b a b a b a')
	})

	it('does not hold against a Worker what it was given while it was alone', () => {
		const shares = new Map<string, Share>()
		const alone = flood('a', 60, 1)
		expect(serve(alone.slice(0, 50), shares, { claims: 1, limit: 50 })).toBe('a'.repeat(50))
		expect(serve([...alone.slice(50), ...flood('b', 10, 1000)], shares, { claims: 4, limit: 1 })).toBe('b a b a')
	})

	it('puts priority before fairness, and within a Worker the older before the newer', () => {
		expect(chooseFairly([...flood('a', 2, 1), ...flood('a', 2, 10, 5), ...flood('b', 1, 20)], new Map(), 5)).toEqual([10, 11, 20, 1, 2])
	})

	it('takes no more of a Worker than may run', () => {
		const shares = new Map([['a', share({ running: 3, maxRunning: 5 })], ['b', share({ running: 9, maxRunning: 9 })]])
		expect(chooseFairly([...flood('a', 9, 1), ...flood('b', 9, 100)], shares, 50)).toEqual([1, 2])
	})
})
