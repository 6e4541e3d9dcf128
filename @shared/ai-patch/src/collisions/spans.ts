import type { AIPatch } from '@shared/contracts'

/** Lines `start` to `end` (exclusive, 0-based) of a base; a place between two lines has `start === end`. */
export interface Span {
	start: number
	end: number
}

/** Where two of the lists share lines or touch. */
export interface Meeting {
	pair: readonly [first: number, second: number]
	span: Span
	isOverlap: boolean
}

// Where nobody knows the length of the base, nothing but another append is near an append.
export function spansOf(operations: readonly AIPatch[], lineCount = Number.MAX_SAFE_INTEGER): Span[] {
	return normalise(operations.map((operation) => spanOf(operation, lineCount)))
}

function spanOf(operation: AIPatch, lineCount: number): Span {
	switch (operation.operation) {
		case 'replace-block':
			return { start: operation.start - 1, end: Math.max(operation.start, operation.end) }
		case 'insert-before':
			return { start: operation.line - 1, end: operation.line - 1 }
		case 'insert-after':
			return { start: operation.line, end: operation.line }
		case 'append':
			return { start: lineCount, end: lineCount }
	}
}

/**
 * The spans in order, those that share a line or a place as one. Of one list no more than three then meet at any place: replaced lines
 * that end there, an insertion, replaced lines that begin there.
 */
export function normalise(spans: readonly Span[]): Span[] {
	const found: Span[] = []
	let last: Span | undefined
	for (const { start, end } of spans.toSorted(byPlace)) {
		if (last !== undefined && overlaps(last, { start, end })) last.end = Math.max(last.end, end)
		else found.push((last = { start, end }))
	}
	return found
}

/** All meetings of spans of different lists, each list normalised. Time goes with the spans and the meetings, not with the pairs of lists. */
export function* meetings(lists: readonly (readonly Span[])[]): Generator<Meeting> {
	const all = lists.flatMap((spans, list) => spans.map((span) => ({ list, span })))
	all.sort((a, b) => byPlace(a.span, b.span))
	let open: typeof all = []
	for (const next of all) {
		const { start, end } = next.span
		open = open.filter(({ span }) => span.end >= start)
		for (const { list, span } of open) {
			if (list === next.list) continue
			const shared = { start: Math.max(span.start, start), end: Math.min(span.end, end) }
			yield { pair: list < next.list ? [list, next.list] : [next.list, list], span: shared, isOverlap: overlaps(span, next.span) }
		}
		open.push(next)
	}
}

/** Two insertions at one place, an insertion within replaced lines, or a line replaced by both. */
function overlaps(one: Span, other: Span): boolean {
	if (one.start === one.end && other.start === other.end) return one.start === other.start
	return one.start < other.end && other.start < one.end
}

function byPlace(a: Span, b: Span): number {
	return a.start - b.start || a.end - b.end
}
