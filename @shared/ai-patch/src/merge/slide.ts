import type { Marks } from './shortestEdit.ts'

/** The matched lines of two texts in order: line `a[k]` is line `b[k]`. Between two matches, and at the ends, is a gap. */
export interface Matches {
	a: Int32Array
	b: Int32Array
}

export function matchesOf(marks: Marks): Matches {
	return { a: unmarked(marks.a), b: unmarked(marks.b) }
}

function unmarked(marks: Uint8Array): Int32Array {
	const indexes: number[] = []
	for (let at = 0; at < marks.length; at += 1) if (marks[at] === 0) indexes.push(at)
	return Int32Array.from(indexes)
}

/**
 * Where a run of changed lines could as well stand further up or down (the line before it equals its last, or the line after it its
 * first), it goes as far down as it can; but into a gap where the other text has changes too, if there is one on the way.
 * Changes `matches` in place.
 */
export function slideDown(texts: { a: Int32Array; b: Int32Array }, matches: Matches): void {
	slideSide(texts.a, matches.a, { matches: matches.b, length: texts.b.length })
	slideSide(texts.b, matches.b, { matches: matches.a, length: texts.a.length })
}

// Runs that meet become one, which starts its slide again; a file made for it could make that quadratic, so there is an end. A run
// that was not slid is right where it is.
const STEPS_PER_LINE = 64

function slideSide(lines: Int32Array, own: Int32Array, other: { matches: Int32Array; length: number }): void {
	const count = own.length
	let steps = STEPS_PER_LINE * (lines.length + 1)
	const before = (gap: number) => (gap === 0 ? -1 : (own[gap - 1] ?? 0))
	const after = (gap: number) => (gap === count ? lines.length : (own[gap] ?? 0))
	const size = (gap: number) => after(gap) - before(gap) - 1
	const isOtherChanged = (gap: number) => {
		const upper = gap === 0 ? -1 : (other.matches[gap - 1] ?? 0)
		return (gap === count ? other.length : (other.matches[gap] ?? 0)) - upper > 1
	}
	const canRise = (gap: number) => gap > 0 && lines[before(gap)] === lines[after(gap) - 1]
	const canFall = (gap: number) => gap < count && lines[after(gap)] === lines[before(gap) + 1]
	const rise = (gap: number) => {
		own[gap - 1] = after(gap) - 1
	}
	const fall = (gap: number) => {
		own[gap] = before(gap) + 1
	}

	for (let gap = 0; gap <= count && steps > 0; gap += 1) {
		if (size(gap) === 0) continue
		let aligned = -1
		let top = gap
		for (let length = -1; length !== size(gap) && steps > 0; ) {
			length = size(gap)
			for (; canRise(gap) && steps > 0; gap -= 1, steps -= 1) rise(gap)
			top = gap
			aligned = isOtherChanged(gap) ? gap : -1
			for (; canFall(gap) && steps > 0; steps -= 1) {
				fall(gap)
				gap += 1
				if (isOtherChanged(gap)) aligned = gap
			}
		}
		if (aligned === -1 || gap === top) continue
		for (; gap > aligned; gap -= 1) rise(gap)
	}
}
