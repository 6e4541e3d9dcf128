// For tests and benches: numbers that a seed determines.
export interface Random {
	/** 0 to below `limit`. */
	below(limit: number): number
	chance(probability: number): boolean
	pick<T>(values: readonly [T, ...T[]]): T
	shuffle<T>(values: readonly T[]): T[]
}

export function createRandom(seed: number): Random {
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
		chance: (probability) => next() < probability,
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
