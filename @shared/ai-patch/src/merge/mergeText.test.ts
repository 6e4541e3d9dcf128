import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitLines } from '../lines.ts'
import { mergeTriple } from '../testing/mergeTriple.ts'
import { createRandom } from '../testing/random.ts'
import { mergeText } from './mergeText.ts'

describe('mergeText', () => {
	const text = fc.array(fc.constantFrom('a\n', 'b\n', '}\n', '\n', 'c\r\n', '\ufeffd\n', 'e\rf\n', 'open'), { maxLength: 12 }).map((lines) => lines.join(''))

	it('keeps what only one side did', () => {
		fc.assert(
			fc.property(text, text, (base, changed) => {
				expect(mergeText({ base, ours: changed, theirs: base })).toEqual({ kind: 'clean', text: changed })
				expect(mergeText({ base, ours: base, theirs: changed })).toEqual({ kind: 'clean', text: changed })
				expect(mergeText({ base, ours: changed, theirs: changed })).toEqual({ kind: 'clean', text: changed })
			}),
		)
	})

	it('gives the same whichever side is ours, and for texts as for lines', () => {
		const swap = (result: ReturnType<typeof mergeText>) =>
			result.kind === 'clean' ? result : { ...result, hunks: result.hunks.map(({ base, ours, theirs }) => ({ base, ours: theirs, theirs: ours })) }
		fc.assert(
			fc.property(text, text, text, (base, ours, theirs) => {
				const merged = mergeText({ base, ours, theirs })
				expect(swap(mergeText({ base, ours: theirs, theirs: ours }))).toEqual(merged)
				expect(mergeText({ base: splitLines(base), ours: splitLines(ours), theirs: splitLines(theirs) })).toEqual(merged)
			}),
			{ numRuns: 500 },
		)
	})

	it('names in a conflict the lines of all three files, in order and without overlap', () => {
		const random = createRandom(3)
		let seen = 0
		for (let run = 0; run < 400; run += 1) {
			const triple = mergeTriple(random, [40, 120])
			const result = mergeText(triple)
			if (result.kind === 'clean') continue
			expect(result.hunks.length).toBeGreaterThan(0)
			for (const side of ['base', 'ours', 'theirs'] as const) {
				const lines = splitLines(triple[side])
				let free = 1
				for (const { start, end, text: excerpt } of result.hunks.map((hunk) => hunk[side])) {
					expect(start).toBeGreaterThanOrEqual(free)
					expect(lines.slice(start - 1, end).join('')).toBe(excerpt)
					free = end + 1
				}
			}
			seen += 1
		}
		expect(seen).toBeGreaterThan(50)
	})

	it('refuses where equal lines leave open where a change belongs, and the answer matters', () => {
		// Both of these are the base with the two insertions; which of the equal lines are the old ones is anybody's guess.
		const base = 'a\n}\n'
		const result = mergeText({ base, ours: 'a\n}\n}\na\n}\n', theirs: 'a\na\n}\n}\n' })
		expect(result).toMatchObject({ kind: 'conflict', hunks: [{ base: { start: 1, end: 2, text: base } }] })
	})

	const many = 10_000
	const braces = Array.from({ length: many }, (_, at) => (at % 2 === 0 ? '}\n' : '\n'))
	const random = createRandom(9)
	const scattered = () => Array.from({ length: many }, () => random.pick(['}\n', '\n', '\t}\n']))
	const numbered = Array.from({ length: many }, (_, at) => `line ${at}\n`)
	const hostile: [name: string, base: string[], ours: string[], theirs: string[]][] = [
		['alternating lines', braces, ['x\n', ...braces], [...braces, 'y\n']],
		['three kinds of lines, nothing in common', scattered(), scattered(), scattered()],
		['one line again and again', Array(many).fill('}\n'), Array(many - 99).fill('}\n'), Array(many + 99).fill('}\n')],
		['all lines moved', numbered, numbered.toReversed(), numbered.toSorted()],
		['a million lines', Array(1_000_000).fill('\n'), ['x\n', ...Array(1_000_000).fill('\n')], [...Array(1_000_000).fill('\n'), 'y\n']],
	]

	it.each(hostile)('comes to an end: %s', (_, base, ours, theirs) => {
		const result = mergeText({ base, ours, theirs })
		expect(['clean', 'conflict']).toContain(result.kind)
		expect(mergeText({ base, ours: theirs, theirs: ours }).kind).toBe(result.kind)
	})

	it('takes both of two insertions at the ends of ten thousand repeated lines', () => {
		const merged = mergeText({ base: braces, ours: ['x\n', ...braces], theirs: [...braces, 'y\n'] })
		expect(merged).toEqual({ kind: 'clean', text: ['x\n', ...braces, 'y\n'].join('') })
	})
})
