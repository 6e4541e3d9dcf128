import { describe, expect, it } from 'vitest'
import { makeObject } from './objects.ts'
import { createObjectCache } from './objectCache.ts'
import { makePack } from './pack.ts'
import type { FetchRequest } from './smartHTTP.ts'

const COMMIT = 'c'.repeat(40)
const blob = await makeObject('blob', new TextEncoder().encode('x'))
const others = ['1', '2', '3'].map((digit) => digit.repeat(40))

function cacheWith(answer: (request: FetchRequest) => Promise<Uint8Array | null>, size = { isLarge: false }) {
	const asked: FetchRequest[] = []
	const fetchPack = (request: FetchRequest) => {
		asked.push(request)
		return answer(request)
	}
	return { cache: createObjectCache({ git: { fetchPack }, size }), asked, size }
}

describe('readAhead', () => {
	it('takes a small repository whole, in one request', async () => {
		const { cache, asked, size } = cacheWith(() => makePack([blob]))
		await cache.readAhead(COMMIT, others)
		expect(asked).toMatchObject([{ wants: [COMMIT], depth: 1 }])
		expect(cache.get('blob', blob.id)?.data).toEqual(blob.data)
		expect(cache.get('tree', blob.id)).toBeUndefined()
		expect(size.isLarge).toBe(false)
	})

	it('takes only the blobs of a large one, and remembers that it is large', async () => {
		const { cache, asked, size } = cacheWith(async ({ depth }) => (depth === undefined ? makePack([blob]) : null))
		await cache.readAhead(COMMIT, [...others, ...others])
		await cache.readAhead(COMMIT, others)
		expect(asked.map(({ wants }) => wants)).toEqual([[COMMIT], others, others])
		expect(size.isLarge).toBe(true)
		expect(cache.get('blob', blob.id)).toBeDefined()
	})

	it('asks nothing for a few blobs of a large one', async () => {
		const { cache, asked } = cacheWith(async () => null, { isLarge: true })
		await cache.readAhead(COMMIT, others.slice(1))
		expect(asked).toEqual([])
	})

	it.each([
		['fails', async () => Promise.reject(new Error('down'))],
		['sends something else', async () => new TextEncoder().encode('x'.repeat(100))],
	])('does not mind a host that %s, and does not ask it for the whole again', async (_name, answer) => {
		const { cache, asked } = cacheWith(answer)
		await cache.readAhead(COMMIT, [])
		await cache.readAhead(COMMIT, [])
		expect(asked).toHaveLength(1)
	})
})
