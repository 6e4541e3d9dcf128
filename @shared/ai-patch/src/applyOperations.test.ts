import type { AIPatch } from '@shared/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyOperations } from './applyOperations.ts'
import { splitLines } from './lines.ts'
import { append, insertAfter, insertBefore, replaceBlock } from './testing/patchSet.ts'

describe('applyOperations', () => {
	// The slow and obvious way: collect what belongs to each gap and each line, then read the file off.
	function model(base: string, operations: AIPatch[]): string {
		const lines = splitLines(base)
		const gaps = Array.from({ length: lines.length + 1 }, () => ({ after: '', before: '', append: '' }))
		const kept: (string | undefined)[] = [...lines]
		const gap = (at: number) => gaps[at] ?? { after: '', before: '', append: '' }
		for (const operation of operations) {
			if (operation.operation === 'append') gap(lines.length).append += operation.block
			else if (operation.operation === 'insert-after') gap(operation.line).after += operation.block
			else if (operation.operation === 'insert-before') gap(operation.line - 1).before += operation.block
			else for (let at = operation.start; at <= operation.end; at += 1) kept[at - 1] = at === operation.start ? operation.block : ''
		}
		return gaps.map(({ after, before, append: end }, at) => after + before + end + (kept[at] ?? '')).join('')
	}

	const block = fc.constantFrom('', 'x\n', 'y\r\nz\n', 'open')
	const plan = fc.array(fc.tuple(fc.constantFrom('keep', 'replace', 'long', 'before', 'after', 'append'), block), { maxLength: 12 })
	const shuffled = plan.chain((steps) => fc.tuple(fc.constant(steps.length), fc.shuffledSubarray(operationsOf(steps), { minLength: operationsOf(steps).length })))

	function operationsOf(steps: [string, string][]): AIPatch[] {
		return steps.flatMap(([kind, text], index): AIPatch[] => {
			const line = index * 2 + 1
			if (kind === 'replace') return [replaceBlock('f', [line, line], text), insertAfter('f', line, `after ${text}`)]
			if (kind === 'long') return [replaceBlock('f', [line, line + 1], text), insertBefore('f', line, `before ${text}`)]
			if (kind === 'before') return [insertBefore('f', line, text), insertBefore('f', line + 1, 'twin\n')]
			if (kind === 'after') return [insertAfter('f', line, text), insertBefore('f', line + 1, 'mate\n')]
			return kind === 'append' ? [append('f', text)] : []
		})
	}

	it('equals the obvious way, in whatever order the list comes', () => {
		fc.assert(
			fc.property(shuffled, fc.constantFrom('', 'last'), ([count, operations], last) => {
				const base = Array.from({ length: count * 2 }, (_, at) => `${at + 1}\n`).join('') + last
				expect(applyOperations(base, operations)).toBe(model(base, operations))
			}),
		)
	})

	it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1.5, 2 ** 53])('refuses the line number %d', (line) => {
		for (const operation of [insertAfter('f', line, 'x'), insertBefore('f', line, 'x'), replaceBlock('f', [line, line], 'x')]) {
			expect(() => applyOperations('a\nb\n', [operation])).toThrow(expect.objectContaining({ code: 'PATCH_INVALID', details: { rule: 'line-number', file: 'f' } }))
		}
	})

	it('finishes a million operations out of order, and a million at one place', () => {
		const count = 1_000_000
		const base = 'x\n'.repeat(count)
		const everywhere = Array.from({ length: count }, (_, at) => replaceBlock('f', [count - at, count - at], 'y\n'))
		expect(applyOperations(base, everywhere)).toBe('y\n'.repeat(count))
		const onePlace = Array.from({ length: count }, () => insertBefore('f', 2, 'z\n'))
		expect(applyOperations('1\n2\n', onePlace)).toBe(`1\n${'z\n'.repeat(count)}2\n`)
	}, 120_000)
})
