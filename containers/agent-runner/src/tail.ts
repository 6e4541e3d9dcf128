/** The last `maxBytes` of a stream, as text. */
export interface Tail {
	push(chunk: Buffer): void
	text(): string
}

export function createTail(maxBytes: number): Tail {
	let parts: Buffer[] = []
	let size = 0
	let isCut = false
	const compact = (): Buffer => {
		const all = Buffer.concat(parts)
		const kept = all.length > maxBytes ? all.subarray(all.length - maxBytes) : all
		isCut ||= kept.length < all.length
		parts = [kept]
		size = kept.length
		return kept
	}
	return {
		push(chunk) {
			parts.push(chunk)
			size += chunk.length
			if (size > 2 * maxBytes) compact()
		},
		text() {
			const text = compact().toString('utf8')
			return isCut ? text.replace(/^\uFFFD+/, '') : text
		},
	}
}
