import { expect, it } from 'vitest'
import { chunksBySize } from './chunks.ts'

it.each([
	{ sizes: [], chunks: [] },
	{ sizes: [1, 2, 3, 4], chunks: [[1, 2, 3], [4]] },
	{ sizes: [9, 1, 6, 9], chunks: [[9], [1], [6], [9]] },
	{ sizes: [0, 0, 6], chunks: [[0, 0, 6]] },
])('splits $sizes into $chunks where 6 is the most', ({ sizes, chunks }) => {
	expect(chunksBySize(sizes, 6, (size) => size)).toEqual(chunks)
})
