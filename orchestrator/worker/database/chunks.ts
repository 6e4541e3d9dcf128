/** Splits a list, in its order, into parts whose sizes add up to `most` at most; what is larger by itself is a part of its own. */
export function chunksBySize<Item>(items: readonly Item[], most: number, sizeOf: (item: Item) => number): Item[][] {
	const chunks: Item[][] = []
	let room = 0
	for (const item of items) {
		const size = sizeOf(item)
		if (size > room || chunks.length === 0) {
			chunks.push([])
			room = most
		}
		chunks.at(-1)?.push(item)
		room -= size
	}
	return chunks
}
