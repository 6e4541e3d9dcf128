/** One patch and the file it has to land on. */
export interface PatchCase {
	name: string
	/** What the agent saw, and what it made of it. */
	base: string
	target: string
	/** The file on the branch by now. */
	current: string
	/** The right result, or null where refusing is right. */
	truth: string | null
}

export interface Corpus {
	name: string
	/** How the cases were chosen, for the reader of the table. */
	about: string
	cases: PatchCase[]
}

/** Numbers that a seed determines. */
export function createRandom(seed: number): { below: (limit: number) => number; pick: <T>(values: readonly [T, ...T[]]) => T; shuffle: <T>(values: readonly T[]) => T[] } {
	let state = seed >>> 0
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0
		let mixed = Math.imul(state ^ (state >>> 15), state | 1)
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
	}
	const below = (limit: number) => Math.floor(next() * limit)
	return {
		below,
		pick: (values) => values[below(values.length)] ?? values[0],
		shuffle(values) {
			const shuffled = [...values]
			for (let at = shuffled.length - 1; at > 0; at -= 1) {
				const other = below(at + 1)
				const [one, two] = [shuffled[at], shuffled[other]]
				if (one !== undefined && two !== undefined) [shuffled[at], shuffled[other]] = [two, one]
			}
			return shuffled
		},
	}
}
