import { describe, expect, it } from 'vitest'
import { createLineSplitter } from './lineSplitter.ts'

function split(chunks: (string | Buffer)[], maxLineBytes = 100): { lines: string[]; dropped: number[] } {
	const lines: string[] = []
	const dropped: number[] = []
	const splitter = createLineSplitter({ maxLineBytes, onLine: (line) => lines.push(line), onDropped: (count) => dropped.push(count) })
	for (const chunk of chunks) splitter.push(Buffer.from(chunk))
	splitter.end()
	return { lines, dropped }
}

describe('createLineSplitter', () => {
	it('joins what chunks cut apart, inside of a character too', () => {
		const bytes = Buffer.from('eins\nzwölf\r\nlast')
		for (let cut = 0; cut <= bytes.length; cut++) {
			expect(split([bytes.subarray(0, cut), bytes.subarray(cut)]).lines).toEqual(['eins', 'zwölf', 'last'])
		}
	})

	it('drops a line that is too long and goes on after it', () => {
		expect(split(['ok\n', 'x'.repeat(60), 'x'.repeat(60), '\nnext\n'])).toEqual({ lines: ['ok', 'next'], dropped: [120] })
		expect(split(['x'.repeat(100), '\n'])).toEqual({ lines: ['x'.repeat(100)], dropped: [] })
	})

	it('makes no line of nothing', () => {
		expect(split(['\n\n', '']).lines).toEqual([])
	})
})
