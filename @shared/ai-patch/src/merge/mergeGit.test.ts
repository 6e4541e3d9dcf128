import { describe, expect, it } from 'vitest'
import { gitMergeFiles } from '../testing/gitMergeFile.ts'
import { mergeTriple } from '../testing/mergeTriple.ts'
import { createRandom } from '../testing/random.ts'
import { mergeText } from './mergeText.ts'

const LENGTHS = [4, 15, 40, 120, 300] as const
const LONG = [3000, 6000] as const

describe('mergeText beside git merge-file', () => {
	const runs = [
		{ seed: 1, count: 500, longest: LENGTHS },
		{ seed: 20_260_101, count: 500, longest: LENGTHS },
		{ seed: 77, count: 500, longest: LENGTHS },
		{ seed: 4, count: 400, longest: LENGTHS },
		{ seed: 5, count: 100, longest: LONG },
	]

	it.each(runs)('gives the same bytes or refuses (seed $seed)', { timeout: 120_000 }, ({ seed, count, longest }) => {
		const random = createRandom(seed)
		const triples = Array.from({ length: count }, () => mergeTriple(random, longest))
		const tally = { clean: 0, conflict: 0, refused: 0 }
		for (const [index, expected] of gitMergeFiles(triples).entries()) {
			const triple = triples[index] ?? { base: '', ours: '', theirs: '' }
			const result = mergeText(triple)
			// A refusal of what git takes is allowed, and counted; a clean result has to be git's.
			if (result.kind === 'clean') expect(result.text, JSON.stringify({ seed, triple })).toBe(expected)
			tally[result.kind === 'clean' ? 'clean' : expected === null ? 'conflict' : 'refused'] += 1
		}
		expect(Math.min(tally.clean, tally.conflict)).toBeGreaterThan(count / 50)
		expect(tally.refused).toBeLessThan(count / 20)
	})
})
