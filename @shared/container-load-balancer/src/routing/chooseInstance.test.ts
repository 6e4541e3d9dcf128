import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/simulation.ts'
import { chooseInstance } from './chooseInstance.ts'
import type { Routable } from './chooseInstance.ts'

const instance = (instanceId: string, some: Partial<Routable> = {}): Routable => ({ instanceId, state: 'running', isDraining: false, isDegraded: false, inFlight: 0, ...some })
const random = seededRandom(7)
const many = (count: number, inFlight = 0) => Array.from({ length: count }, (_, index) => instance(`runner-${index}`, { inFlight }))

describe('chooseInstance', () => {
	it('takes the one with least to do', () => {
		expect(chooseInstance([instance('a', { inFlight: 2 }), instance('b', { inFlight: 1 }), instance('c', { inFlight: 3 })], { random })?.instanceId).toBe('b')
	})

	it('spreads what is equal', () => {
		const chosen = new Set(Array.from({ length: 50 }, () => chooseInstance(many(4), { random })?.instanceId))
		expect(chosen.size).toBe(4)
	})

	it('takes a degraded one only where there is no other', () => {
		const degraded = instance('slow', { isDegraded: true })
		expect(chooseInstance([degraded, instance('busy', { inFlight: 9 })], { random })?.instanceId).toBe('busy')
		expect(chooseInstance([degraded], { random })).toBe(degraded)
	})

	it('in a large pool takes the better of two, so that the busiest gets nothing while others are free', () => {
		const pool = [...many(40), instance('busy', { inFlight: 5 })]
		const chosen = Array.from({ length: 2_000 }, () => chooseInstance(pool, { random })?.instanceId)
		// Only a draw of the same instance twice can pick it: 1 in 41 x 41.
		expect(chosen.filter((id) => id === 'busy').length).toBeLessThan(10)
		expect(new Set(chosen).size).toBeGreaterThanOrEqual(40)
	})

	it('keeps a key on its instance; when one goes, only its keys move', () => {
		const pool = many(8)
		const keys = Array.from({ length: 400 }, (_, index) => `workspace-${index}`)
		const place = (of: Routable[]) => new Map(keys.map((key) => [key, chooseInstance(of, { random, affinity: key })?.instanceId]))
		const before = place(pool)
		const after = place(pool.map((each) => (each.instanceId === 'runner-3' ? { ...each, isDraining: true } : each)))
		expect(new Set(before.values()).size).toBe(8)
		for (const key of keys) if (before.get(key) !== 'runner-3') expect(after.get(key)).toBe(before.get(key))
		expect([...after.values()]).not.toContain('runner-3')
	})

	it('never takes one that is not running, drains or is excluded, and takes one whenever there is one', () => {
		const routable = fc.record({
			instanceId: fc.uuid(),
			state: fc.constantFrom('starting' as const, 'running' as const, 'unhealthy' as const, 'stopped' as const, 'failed' as const),
			isDraining: fc.boolean(),
			isDegraded: fc.boolean(),
			inFlight: fc.nat(5),
		})
		fc.assert(
			fc.property(fc.array(routable, { maxLength: 40 }), fc.option(fc.string(), { nil: undefined }), fc.integer(), (pool, affinity, seed) => {
				const exclude = pool[0]?.instanceId
				const able = pool.filter(({ instanceId, state, isDraining }) => state === 'running' && !isDraining && instanceId !== exclude)
				const chosen = chooseInstance(pool, { random: seededRandom(seed), affinity, exclude })
				if (chosen) expect(able).toContain(chosen)
				else expect(able).toEqual([])
			}),
		)
	})
})
