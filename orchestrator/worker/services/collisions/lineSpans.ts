import type { LineSpan } from '@shared/contracts'

/** More places than these, and the whole file stands for them. */
export const MAX_SPANS = 200
/** Behind every line. What is appended to a file of unknown length goes here. */
export const MAX_LINE = 2 ** 31 - 1

/** Lines `start` to `end` (exclusive, 0-based); a place between two lines has `start === end`. */
interface Span {
	start: number
	end: number
}

/** The spans in file order, with those that share lines joined; none (the whole file) where there are too many. */
export function normaliseSpans(spans: readonly LineSpan[]): LineSpan[] {
	const joined: Span[] = []
	for (const span of spans.map(toSpan).sort((a, b) => a.start - b.start || a.end - b.end)) {
		const last = joined.at(-1)
		if (last !== undefined && (span.start < last.end || (span.start === last.start && span.end === last.end))) last.end = Math.max(last.end, span.end)
		else joined.push(span)
	}
	return joined.length > MAX_SPANS ? [] : joined.map(toLines)
}

/**
 * Where two lists of normalised spans of one base meet: `overlap` when both change a line, insert at one place, or one inserts
 * into what the other replaces; `adjacent` when they only touch; null when a line lies between them.
 */
export function meetSpans(first: readonly LineSpan[], second: readonly LineSpan[]): { kind: 'overlap' | 'adjacent'; ranges: LineSpan[] } | null {
	const others = second.map(toSpan)
	const ranges: LineSpan[] = []
	let isOverlap = false
	let from = 0
	for (const one of first.map(toSpan)) {
		while ((others[from]?.end ?? Infinity) < one.start) from += 1
		for (let at = from; (others[at]?.start ?? Infinity) <= one.end; at += 1) {
			const other = others[at]
			if (other === undefined) break
			ranges.push(toLines({ start: Math.max(one.start, other.start), end: Math.min(one.end, other.end) }))
			isOverlap ||= overlaps(one, other)
		}
	}
	return ranges.length === 0 ? null : { kind: isOverlap ? 'overlap' : 'adjacent', ranges: ranges.slice(0, MAX_SPANS) }
}

function overlaps(one: Span, other: Span): boolean {
	if (one.start === one.end && other.start === other.end) return one.start === other.start
	return one.start < other.end && other.start < one.end
}

const toSpan = ([first, last]: LineSpan): Span => ({ start: Math.min(first - 1, MAX_LINE), end: Math.min(last, MAX_LINE) })
const toLines = ({ start, end }: Span): LineSpan => [start + 1, end]
