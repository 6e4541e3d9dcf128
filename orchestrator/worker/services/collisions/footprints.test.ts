import { forecastCollisions } from '@shared/ai-patch'
import type { AIPatch, FileChange, LineSpan } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { footprintsOfScope, footprintsOfTouched, MAX_FILES, pathsInPrompt, rangesOfSet } from './footprints.ts'
import { MAX_LINE, MAX_SPANS, meetSpans } from './lineSpans.ts'
import { append, insertAfter, insertBefore, replace, setOf } from './testing/sets.ts'

describe('rangesOfSet', () => {
	const [A, B] = ['a'.repeat(40), 'b'.repeat(40)]
	const file = (change: FileChange['change'], more: Partial<FileChange> = {}): FileChange => ({ path: 'f', change, mode: '100644', base_blob: A, result_blob: B, ...more })

	it.each<[name: string, files: FileChange[], patches: AIPatch[], expected: object[]]>([
		['replaced lines', [file('modify')], [replace(2, 5)], [{ path: 'f', ranges: [[2, 5]] }]],
		['an insertion before a line', [file('modify')], [insertBefore(3)], [{ path: 'f', ranges: [[3, 2]] }]],
		['an insertion after a line', [file('modify')], [insertAfter(3)], [{ path: 'f', ranges: [[4, 3]] }]],
		['an append', [file('modify')], [append()], [{ path: 'f', ranges: [[8, 7]] }]],
		['an append to what nobody has', [file('modify', { base_blob: B })], [append()], [{ path: 'f', ranges: [[MAX_LINE + 1, MAX_LINE]] }]],
		['operations in any order', [file('modify')], [replace(9, 9), insertAfter(1), replace(4, 4)], [{ path: 'f', ranges: [[2, 1], [4, 4], [9, 9]] }]],
		['a new file', [file('create', { base_blob: null })], [append()], [{ path: 'f', ranges: [[1, 0]] }]],
		['a deleted file', [file('delete', { result_blob: null })], [], [{ path: 'f', ranges: [] }]],
		['a renamed file', [file('rename', { path: 'g', from: 'f' })], [], [{ path: 'g', ranges: [] }, { path: 'f', ranges: [] }]],
		['a mode', [file('mode')], [], []],
		['a path that may not land', [file('delete', { path: '../f' }), file('delete', { path: '.git/config' })], [], []],
		['operations on a file that is not listed', [], [replace(1, 1)], []],
		['lines that end before they start', [file('modify')], [replace(5, 2)], [{ path: 'f', ranges: [[5, 5]] }]],
	])('%s', (_name, files, patches, expected) => {
		expect(rangesOfSet(setOf({ files, patches }), new Map([[A, 7]]))).toEqual(expected)
	})

	it('meets in the lines that the patch engine finds, for each pair of operations', async () => {
		const lines = [1, 2, 3, 4]
		const operations = [...lines.flatMap((start) => lines.filter((end) => end >= start).map((end) => replace(start, end))), ...lines.map(insertAfter), insertBefore(1), append()]
		const seen = new Set<string>()
		for (const one of operations) {
			for (const other of operations) {
				const pair = [setOf({ patches: [one], id: '1' }), setOf({ patches: [other], id: '2' })] as const
				const [[first], [second]] = [rangesOfSet(pair[0]), rangesOfSet(pair[1])]
				const met = meetSpans(first?.ranges ?? [], second?.ranges ?? [])
				const [found] = await forecastCollisions(pair)
				seen.add(found?.kind ?? 'none')
				expect(met, JSON.stringify([one, other])).toEqual(found === undefined ? null : { kind: found.kind, ranges: found.ranges.map(({ start, end }): LineSpan => [start, end]).map(bounded) })
			}
		}
		expect(seen).toEqual(new Set(['overlap', 'adjacent', 'none']))
	})

	it('reads a set of the largest size in one pass', () => {
		const files = Array.from({ length: 10_000 }, (_, index) => file('modify', { path: `f${index}` }))
		const patches = Array.from({ length: 200_000 }, (_, index): AIPatch => ({ ...replace(index + 1, index + 1), file: `f${index % 100}` }))
		const footprints = rangesOfSet(setOf({ files, patches }))
		expect(footprints).toHaveLength(MAX_FILES)
		expect(footprints[0]).toEqual({ path: 'f0', ranges: [] })
	})
})

// The engine puts an append to a file of unknown length further back than any line that is kept.
const bounded = ([first, last]: LineSpan): LineSpan => [Math.min(first, MAX_LINE + 1), Math.min(last, MAX_LINE)]

describe('footprintsOfScope', () => {
	it.each([
		['a file', [{ path: 'a.ts' }], [{ path: 'a.ts', ranges: [] }]],
		['lines', [{ path: 'a.ts', start: 2, end: 5 }], [{ path: 'a.ts', ranges: [[2, 5]] }]],
		['two parts of one file', [{ path: 'a.ts', start: 7, end: 9 }, { path: 'a.ts', start: 2, end: 5 }], [{ path: 'a.ts', ranges: [[2, 5], [7, 9]] }]],
		['lines of a file that is named whole', [{ path: 'a.ts', start: 7, end: 9 }, { path: 'a.ts' }, { path: 'a.ts', start: 1, end: 2 }], [{ path: 'a.ts', ranges: [] }]],
		['patterns', [{ path: 'src/**' }, { path: '*.md' }, { path: 'a?.ts' }], []],
		['odd paths', ['/etc/passwd', '../x', 'a//b', 'a/./b', 'a\0b', '.git/hooks/x', '\ud800', 'C:\\x', `${'x'.repeat(256)}`].map((path) => ({ path })), []],
		['the names that objects have from birth', [{ path: '__proto__' }, { path: 'constructor' }], [{ path: '__proto__', ranges: [] }, { path: 'constructor', ranges: [] }]],
	])('%s', (_name, scope, expected) => {
		expect(footprintsOfScope(scope)).toEqual(expected)
	})
})

describe('footprintsOfTouched', () => {
	it('keeps as many files and places as it may', () => {
		const spans = (count: number) => Array.from({ length: count }, (_, index): LineSpan => [index * 3 + 1, index * 3 + 1])
		const footprints = footprintsOfTouched(Array.from({ length: 10_000 }, (_, index) => ({ path: `f${index}`, ranges: spans(index === 0 ? MAX_SPANS + 1 : 2) })))
		expect(footprints).toHaveLength(MAX_FILES)
		expect(footprints[0]?.ranges).toEqual([])
		expect(footprints[1]?.ranges).toEqual([[1, 1], [4, 4]])
	})

	it('joins ten thousand reports on one file', () => {
		expect(footprintsOfTouched(Array.from({ length: 10_000 }, (_, index) => ({ path: 'f', ranges: [[index + 1, index + 2]] })))).toEqual([{ path: 'f', ranges: [[1, 10_001]] }])
	})
})

describe('pathsInPrompt', () => {
	it.each([
		['a path in a sentence', 'Fix the adder in src/math/add.ts.', ['src/math/add.ts']],
		['a name in backticks', 'Rename it in `add.ts`, please', ['add.ts']],
		['a path with a line', 'see src/add.ts:12:3 and lib/x.py#L3-L5', ['src/add.ts', 'lib/x.py']],
		['a path from here', 'open ./src/add.ts', ['src/add.ts']],
		['the same path twice', '`src/a.ts` and src/a.ts', ['src/a.ts']],
		['a URL', 'as in https://example.com/a/b.html', []],
		['a name without backticks', 'use Node.js, e.g. version 1.2', []],
		['code in backticks', 'call `add()` or `a.b.c + 1`', []],
		['a folder', 'all of src/math/', []],
		['a fraction or a choice', 'and/or 1/2.5', []],
		['a way out', 'read ../../etc/passwd.txt, /etc/x.conf and a/.git/x.y', []],
		['an option', '`--config.file`', []],
		['nothing', '', []],
	])('%s', (_name, prompt, expected) => {
		expect(pathsInPrompt(prompt)).toEqual(expected)
	})

	it('takes few, and looks at the beginning of a long prompt only', () => {
		expect(pathsInPrompt(Array.from({ length: 100 }, (_, index) => `src/f${index}.ts`).join(' '))).toHaveLength(20)
		expect(pathsInPrompt(`${'x'.repeat(20_000)} src/a.ts`)).toEqual([])
		expect(pathsInPrompt(`${'a/'.repeat(10_000)}${'.'.repeat(10_000)}`)).toEqual([])
	})
})

