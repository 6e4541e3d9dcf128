import type { AIPatch } from '@shared/contracts'
import { planEdits } from './edits.ts'
import { joinLines, splitLines } from './lines.ts'

/**
 * The text after all operations on one file. Blocks are taken byte for byte: nothing adds a missing terminator.
 * Order and overlap follow `planEdits`, which throws PATCH_INVALID. Linear in text and operations (plus a sort of a list out of order).
 */
export function applyOperations(base: string | readonly string[], operations: readonly AIPatch[]): string {
	const lines = typeof base === 'string' ? splitLines(base) : base
	const pieces: string[] = []
	let next = 0
	for (const edit of planEdits(lines.length, operations)) {
		copyLines(lines, { from: next, to: edit.start }, pieces)
		pieces.push(edit.text)
		next = edit.end
	}
	copyLines(lines, { from: next, to: lines.length }, pieces)
	return joinLines(pieces)
}

// One by one: spreading a long array into push() overflows the stack.
function copyLines(lines: readonly string[], range: { from: number; to: number }, into: string[]): void {
	for (let at = range.from; at < range.to; at += 1) into.push(lines[at] ?? '')
}
