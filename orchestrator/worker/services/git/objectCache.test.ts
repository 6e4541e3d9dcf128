import { describe, expect, it } from 'vitest'
import { makeObject } from './objects.ts'
import { createObjectCache } from './objectCache.ts'
import type { RepositoryMemory } from './objectCache.ts'
import { makePack } from './pack.ts'
import type { FetchRequest } from './smartHTTP.ts'

const COMMIT = 'c'.repeat(40)
const blob = await makeObject('blob', new TextEncoder().encode('x'))
const others = ['1', '2', '3'].map((digit) => digit.repeat(40))

function cacheWith(answer: (request: FetchRequest) => Promise<Uint8Array | null>, memory: RepositoryMemory = { isLarge: false }) {
	const asked: FetchRequest[] = []
	const fetchPack = (request: FetchRequest) => {
		asked.push(request)
		return answer(request)
	}
	return { cache: createObjectCache({ git: { fetchPack }, memory }), asked, memory }
}

describe('readAhead', () => {
	it('takes a small repository whole, in one request', async () => {
		const { cache, asked, memory } = cacheWith(() => makePack([blob]))
		await cache.readAhead(COMMIT, others)
		expect(asked).toMatchObject([{ wants: [COMMIT], depth: 1 }])
		expect(cache.get('blob', blob.id)?.data).toEqual(blob.data)
		expect(cache.get('tree', blob.id)).toBeUndefined()
		expect(memory.isLarge).toBe(false)
	})

	it('asks for the same commit once an isolate, and for another one anew', async () => {
		const { cache, asked, memory } = cacheWith(() => makePack([blob]))
		await cache.readAhead(COMMIT, [])
		const later = cacheWith(() => makePack([blob]), memory)
		await later.cache.readAhead(COMMIT, [])
		expect(later.cache.get('blob', blob.id)?.data).toEqual(blob.data)
		expect([asked.length, later.asked.length]).toEqual([1, 0])
		await later.cache.readAhead('d'.repeat(40), [])
		expect(later.asked).toHaveLength(1)
	})

	it('does not keep more than an isolate can afford', async () => {
		const big = await makeObject('blob', new Uint8Array(1_100_000).map((_, index) => (index * 2654435761) >>> 24))
		const { cache, memory } = cacheWith(() => makePack([big]))
		await cache.readAhead(COMMIT, [])
		expect(memory.whole).toBeUndefined()
	})

	it('takes only the blobs of a large one, and remembers that it is large', async () => {
		const { cache, asked, memory } = cacheWith(async ({ depth }) => (depth === undefined ? makePack([blob]) : null))
		await cache.readAhead(COMMIT, [...others, ...others])
		await cache.readAhead(COMMIT, others)
		expect(asked.map(({ wants }) => wants)).toEqual([[COMMIT], others, others])
		expect(memory.isLarge).toBe(true)
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
