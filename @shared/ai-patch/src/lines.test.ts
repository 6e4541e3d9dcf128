import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countLines, joinLines, splitLines } from './lines.ts'

describe('splitLines', () => {
	it('ends a line at a line feed only and keeps it', () => {
		expect(splitLines('a\r\nb\rc\u2028d\fe\u0085\n\nlast')).toEqual(['a\r\n', 'b\rc\u2028d\fe\u0085\n', '\n', 'last'])
		expect(splitLines('')).toEqual([])
		expect(splitLines('\n')).toEqual(['\n'])
	})

	it('is undone by joinLines and counted by countLines', () => {
		const text = fc.array(fc.constantFrom('\n', '\r\n', '\r', 'a', '\u2028', '')).map((parts) => parts.join(''))
		fc.assert(
			fc.property(text, (each) => {
				const lines = splitLines(each)
				expect(joinLines(lines)).toBe(each)
				expect(countLines(each)).toBe(lines.length)
				expect(lines.slice(0, -1).every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
			}),
		)
	})
})
