import type { LineSpan } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { MAX_LINE, MAX_SPANS, meetSpans, normaliseSpans } from './lineSpans.ts'

const at = (line: number): LineSpan => [line, line - 1]

describe('normaliseSpans', () => {
	it.each<[name: string, spans: LineSpan[], expected: LineSpan[]]>([
		['sorts', [[9, 9], [1, 2]], [[1, 2], [9, 9]]],
		['joins lines in common', [[1, 4], [3, 8]], [[1, 8]]],
		['keeps lines that touch apart', [[1, 2], [3, 4]], [[1, 2], [3, 4]]],
		['takes an insertion into the lines around it', [[2, 5], at(4)], [[2, 5]]],
		['keeps an insertion at the edge', [at(6), [2, 5]], [[2, 5], at(6)]],
		['drops what is there twice', [at(3), at(3), [7, 7], [7, 7]], [at(3), [7, 7]]],
		['bounds line numbers', [[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]], [[MAX_LINE + 1, MAX_LINE]]],
		['takes as many as it may', Array.from({ length: MAX_SPANS }, (_, index): LineSpan => [index * 2 + 1, index * 2 + 1]), Array.from({ length: MAX_SPANS }, (_, index): LineSpan => [index * 2 + 1, index * 2 + 1])],
		['takes the whole file for too many', Array.from({ length: MAX_SPANS + 1 }, (_, index): LineSpan => [index * 2 + 1, index * 2 + 1]), []],
	])('%s', (_name, spans, expected) => {
		expect(normaliseSpans(spans)).toEqual(expected)
		expect(normaliseSpans(normaliseSpans(spans))).toEqual(expected)
	})
})

describe('meetSpans', () => {
	it.each<[name: string, first: LineSpan[], second: LineSpan[], expected: object | null]>([
		['the same line', [[3, 3]], [[3, 3]], { kind: 'overlap', ranges: [[3, 3]] }],
		['lines in common', [[2, 5]], [[4, 8]], { kind: 'overlap', ranges: [[4, 5]] }],
		['lines that touch', [[2, 3]], [[4, 4]], { kind: 'adjacent', ranges: [[4, 3]] }],
		['a line between', [[2, 3]], [[5, 5]], null],
		['insertions at a place', [at(3)], [at(3)], { kind: 'overlap', ranges: [[3, 2]] }],
		['insertions at neighbouring places', [at(3)], [at(4)], null],
		['an insertion within replaced lines', [[2, 5]], [at(4)], { kind: 'overlap', ranges: [[4, 3]] }],
		['an insertion before replaced lines', [[2, 5]], [at(2)], { kind: 'adjacent', ranges: [[2, 1]] }],
		['an insertion behind replaced lines', [[2, 5]], [at(6)], { kind: 'adjacent', ranges: [[6, 5]] }],
		['two new files', [[1, 0]], [[1, 0]], { kind: 'overlap', ranges: [[1, 0]] }],
		['two appends of unknown place', [[MAX_LINE + 1, MAX_LINE]], [[MAX_LINE + 1, MAX_LINE]], { kind: 'overlap', ranges: [[MAX_LINE + 1, MAX_LINE]] }],
		['lines and an insertion behind them, against the same insertion', [[3, 5], at(6)], [at(6)], { kind: 'overlap', ranges: [[6, 5], [6, 5]] }],
		['several places', [[1, 1], [9, 9]], [[1, 1], [5, 5], [9, 9]], { kind: 'overlap', ranges: [[1, 1], [9, 9]] }],
		['nothing', [[1, 1]], [], null],
	])('%s', (_name, first, second, expected) => {
		expect(meetSpans(first, second)).toEqual(expected)
		expect(meetSpans(second, first)).toEqual(expected)
	})
})
