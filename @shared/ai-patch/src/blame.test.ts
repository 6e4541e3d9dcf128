import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blameLines } from './blame.ts'
import { splitLines } from './lines.ts'

describe('blameLines', () => {
	it('tells which set wrote each line, and which none did', async () => {
		const steps = [
			{ patchSetId: 'one', base: 'a\nb\nc\n', result: 'a\nB\nc\nd\n' },
			{ patchSetId: 'two', base: 'a\nB\nc\nd\n', result: '0\na\nB\nd\n' },
		]
		expect(await blameLines(steps)).toEqual(['two', null, 'one', 'one'])
	})

	it('gives to nobody what changed between two landings or after the last', async () => {
		const steps = [
			{ patchSetId: 'one', base: 'a\n', result: 'a\nb\n' },
			{ patchSetId: 'two', base: 'hand\na\nb\n', result: 'hand\na\nb\nc\n' },
		]
		expect(await blameLines(steps, 'hand\na\nb\nc\nlast\n')).toEqual([null, null, 'one', 'two', null])
	})

	it('takes a line that was written over from the set that wrote it first', async () => {
		const steps = [
			{ patchSetId: 'one', base: 'a\n', result: 'b\n' },
			{ patchSetId: 'two', base: 'b\n', result: 'c\n' },
		]
		expect(await blameLines(steps)).toEqual(['two'])
		expect(await blameLines(steps, 'a\n')).toEqual([null])
	})

	it('has nothing to tell of no steps', async () => {
		expect(await blameLines([])).toEqual([])
		expect(await blameLines([], 'a\nb')).toEqual([null, null])
	})

	it('has one answer a line, for any texts', async () => {
		const text = fc.array(fc.constantFrom('a\n', 'b\n', '\n', 'open'), { maxLength: 10 }).map((lines) => lines.join(''))
		await fc.assert(
			fc.asyncProperty(fc.array(fc.record({ patchSetId: fc.constantFrom('p', 'q'), base: text, result: text }), { minLength: 1, maxLength: 4 }), text, async (steps, current) => {
				expect(await blameLines(steps)).toHaveLength(splitLines(steps.at(-1)?.result ?? '').length)
				expect(await blameLines(steps, current)).toHaveLength(splitLines(current).length)
			}),
		)
	})
})
