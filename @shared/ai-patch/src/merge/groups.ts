import type { Hunk } from './readings.ts'

/** Lines `start` to `end` (exclusive, 0-based) of one of the three texts. */
export interface Range {
	start: number
	end: number
}

/** A stretch of the base that at least one side changed, and what it is on either side. */
export interface Group {
	base: Range
	ours: Range
	theirs: Range
	side: 'ours' | 'theirs' | 'both'
}

/** Changes of the two sides that overlap or touch are one group; between two groups is at least one line that both sides kept. */
export function groupHunks(ours: readonly Hunk[], theirs: readonly Hunk[]): Group[] {
	const groups: Group[] = []
	let [o, t] = [0, 0]
	const shift = { ours: 0, theirs: 0 }
	while (o < ours.length || t < theirs.length) {
		const base = { start: Math.min(ours[o]?.aStart ?? Infinity, theirs[t]?.aStart ?? Infinity), end: -1 }
		base.end = base.start
		const grown = { ours: 0, theirs: 0 }
		let [hasOurs, hasTheirs] = [false, false]
		for (;;) {
			const [own, other] = [ours[o], theirs[t]]
			if (own !== undefined && own.aStart <= base.end) {
				base.end = Math.max(base.end, own.aEnd)
				grown.ours += growth(own)
				hasOurs = true
				o += 1
			} else if (other !== undefined && other.aStart <= base.end) {
				base.end = Math.max(base.end, other.aEnd)
				grown.theirs += growth(other)
				hasTheirs = true
				t += 1
			} else break
		}
		const side = hasOurs && hasTheirs ? 'both' : hasOurs ? 'ours' : 'theirs'
		groups.push({ base, side, ours: moved(base, shift.ours, grown.ours), theirs: moved(base, shift.theirs, grown.theirs) })
		shift.ours += grown.ours
		shift.theirs += grown.theirs
	}
	return groups
}

function growth({ aStart, aEnd, bStart, bEnd }: Hunk): number {
	return bEnd - bStart - (aEnd - aStart)
}

function moved(base: Range, shift: number, grown: number): Range {
	return { start: base.start + shift, end: base.end + shift + grown }
}
