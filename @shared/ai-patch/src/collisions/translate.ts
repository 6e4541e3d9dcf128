import { splitLines } from '../lines.ts'
import { createLineIds } from '../merge/lineIds.ts'
import { type Hunk, readDown } from '../merge/readings.ts'
import { normalise, type Span } from './spans.ts'

/** What turns `from` into `to`, in order. */
export function hunksBetween(from: string, to: string): Hunk[] {
	const ids = createLineIds()
	return readDown(ids.of(splitLines(from)), ids.of(splitLines(to))).hunks
}

/** Normalised spans of one text in lines of another. A place within changed lines stands for all of them. */
export function translate(spans: readonly Span[], hunks: readonly Hunk[]): Span[] {
	const [startOf, endOf] = [createMover(hunks, 'bStart'), createMover(hunks, 'bEnd')]
	return normalise(spans.map(({ start, end }) => ({ start: startOf(start), end: endOf(end) })))
}

/** Moves places that come in ascending order. */
function createMover(hunks: readonly Hunk[], side: 'bStart' | 'bEnd'): (at: number) => number {
	let next = 0
	let shift = 0
	return (at) => {
		let hunk = hunks[next]
		while (hunk !== undefined && hunk.aEnd <= at && !isInsertionAt(hunk, at)) {
			shift = hunk.bEnd - hunk.aEnd
			next += 1
			hunk = hunks[next]
		}
		if (hunk === undefined) return at + shift
		const isWithin = side === 'bStart' ? hunk.aStart <= at && at < hunk.aEnd : hunk.aStart < at && at < hunk.aEnd
		if (isWithin) return hunk[side]
		// Lines inserted at the place count to what ends there, not to what begins there.
		return side === 'bEnd' && isInsertionAt(hunk, at) ? hunk.bEnd : at + shift
	}
}

function isInsertionAt({ aStart, aEnd }: Hunk, at: number): boolean {
	return aStart === aEnd && aStart === at
}
