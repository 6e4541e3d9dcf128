import { expect, it } from 'vitest'
import { remember } from './remember.ts'

it('loads once for readers at once, and again after a failure', async () => {
	const known = new Map<string, Promise<number>>()
	let loads = 0
	const load = async () => {
		loads += 1
		if (loads === 1) throw new Error('not yet')
		return loads
	}
	const both = await Promise.allSettled([remember(known, 'a', load), remember(known, 'a', load)])
	expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
	expect(await Promise.all([remember(known, 'a', load), remember(known, 'a', load)])).toEqual([2, 2])
	expect(await remember(known, 'b', load)).toBe(3)
})
