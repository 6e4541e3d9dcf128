/** The last bytes of a stream, for whoever comes later. */
export function createScrollback(maxBytes: number) {
	let chunks: Uint8Array[] = []
	let size = 0
	return {
		push(chunk: Uint8Array): void {
			chunks.push(chunk)
			size += chunk.byteLength
			while (chunks.length > 1 && size - (chunks[0]?.byteLength ?? 0) >= maxBytes) size -= chunks.shift()?.byteLength ?? 0
		},
		/** All that is kept, oldest first. */
		bytes(): Uint8Array {
			const all = new Uint8Array(size)
			let at = 0
			for (const chunk of chunks) {
				all.set(chunk, at)
				at += chunk.byteLength
			}
			const kept = all.subarray(Math.max(0, size - maxBytes))
			chunks = kept.byteLength === 0 ? [] : [kept]
			size = kept.byteLength
			return kept
		},
	}
}
