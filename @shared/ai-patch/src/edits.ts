import { type AIPatch, AppError } from '@shared/contracts'

/** Base lines `start` (inclusive) to `end` (exclusive), 0-based, give way to `text`; an insertion has `start === end`. */
export interface Edit {
	start: number
	end: number
	text: string
}

/** `index`: which of the operations it is. */
export interface PlacedEdit extends Edit {
	index: number
	rank: number
}

/**
 * The operations on one file as edits in file order. They may come in any order; all count in lines of the base.
 *
 * Between two lines (or at an end of the file) everything inserted after the upper line comes first, then everything inserted
 * before the lower line, then everything appended; within each of the three, list order. A replacement may touch an insertion
 * at its edge, but two replacements may not share a line, and nothing may be inserted between two lines that one replacement
 * takes away. Throws PATCH_INVALID with details.rule `operation`, `line-number`, `out-of-range` or `overlap`.
 */
export function planEdits(lineCount: number, operations: readonly AIPatch[]): PlacedEdit[] {
	const placed = operations.map((operation, index) => place(operation, lineCount, index))
	// A machine-made list is in order already; sort() is stable, so list order decides among equals.
	if (!isSorted(placed)) placed.sort(byPlace)
	let free = 0
	for (const edit of placed) {
		if (edit.start < free) {
			const file = operations[0]?.file
			throw invalid('overlap', `Two operations on ${file} overlap near line ${edit.start + 1} of the base.`, { file, line: edit.start + 1 })
		}
		free = edit.end
	}
	return placed
}

const AFTER = 0
const BEFORE = 1
const APPEND = 2
const REPLACE = 3

function place(operation: AIPatch, lineCount: number, index: number): PlacedEdit {
	const { block: text } = operation
	switch (operation.operation) {
		case 'replace-block': {
			const start = line(operation, operation.start, lineCount)
			const end = line(operation, operation.end, lineCount)
			if (start > end) throw outOfRange(operation, `starts at line ${start} but ends at line ${end}`)
			return { start: start - 1, end, text, index, rank: REPLACE }
		}
		case 'insert-before': {
			const at = line(operation, operation.line, lineCount) - 1
			return { start: at, end: at, text, index, rank: BEFORE }
		}
		case 'insert-after': {
			const at = line(operation, operation.line, lineCount)
			return { start: at, end: at, text, index, rank: AFTER }
		}
		case 'append':
			return { start: lineCount, end: lineCount, text, index, rank: APPEND }
		default:
			return unknownOperation(operation)
	}
}

function line(operation: AIPatch, value: number, lineCount: number): number {
	if (!Number.isSafeInteger(value) || value < 1) {
		throw invalid('line-number', `The ${operation.operation} on ${operation.file} has the line number ${value}; lines count from 1.`, {
			file: operation.file,
		})
	}
	if (value > lineCount) throw outOfRange(operation, `names line ${value} of a file with ${lineCount} lines`)
	return value
}

function outOfRange(operation: AIPatch, problem: string): AppError {
	return invalid('out-of-range', `The ${operation.operation} on ${operation.file} ${problem}.`, { file: operation.file })
}

// The compiler knows four operations; a list that came around the schema may hold anything.
function unknownOperation(operation: never): never {
	throw invalid('operation', `Unknown operation in the patch ${JSON.stringify(operation).slice(0, 200)}.`, {})
}

function invalid(rule: string, message: string, details: Record<string, unknown>): AppError {
	return new AppError('PATCH_INVALID', `${message} Make the patch again from its base.`, { rule, ...details })
}

function isSorted(placed: readonly PlacedEdit[]): boolean {
	let last: PlacedEdit | undefined
	for (const edit of placed) {
		if (last !== undefined && byPlace(last, edit) > 0) return false
		last = edit
	}
	return true
}

function byPlace(a: PlacedEdit, b: PlacedEdit): number {
	return a.start - b.start || a.rank - b.rank
}
