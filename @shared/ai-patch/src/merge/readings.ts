import { markChanges } from './anchors.ts'
import { type Matches, matchesOf, slideDown } from './slide.ts'

/** Lines `aStart` to `aEnd` (exclusive, 0-based) of one text are lines `bStart` to `bEnd` of the other; all else is the same in both. */
export interface Hunk {
	aStart: number
	aEnd: number
	bStart: number
	bEnd: number
}

/**
 * Two texts rarely tell which lines were changed: of three equal lines that became two, any may have gone. `down` has each change as
 * low as it fits, which is how git shows it; `up` is the same search begun from the end of the files.
 */
export interface Readings {
	down: Reading
	up: Reading
}

export interface Reading {
	matches: Matches
	hunks: Hunk[]
}

export function readDown(a: Int32Array, b: Int32Array): Reading {
	return reading(match(a, b), { a: a.length, b: b.length })
}

export function readUp(a: Int32Array, b: Int32Array): Reading {
	const lengths = { a: a.length, b: b.length }
	return reading(mirror(match(a.toReversed(), b.toReversed()), lengths), lengths)
}

/** The changes as wide as both readings together leave them open. */
export function widen({ down, up }: Readings, lengths: { a: number; b: number }): Hunk[] {
	return hunksOf(common(down.matches, up.matches), lengths)
}

function reading(matches: Matches, lengths: { a: number; b: number }): Reading {
	return { matches, hunks: hunksOf(matches, lengths) }
}

function match(a: Int32Array, b: Int32Array): Matches {
	const matches = matchesOf(markChanges(a, b))
	slideDown({ a, b }, matches)
	return matches
}

function mirror({ a, b }: Matches, lengths: { a: number; b: number }): Matches {
	return { a: a.toReversed().map((at) => lengths.a - 1 - at), b: b.toReversed().map((at) => lengths.b - 1 - at) }
}

/** The matches that are in both lists. */
function common(one: Matches, other: Matches): Matches {
	const a: number[] = []
	const b: number[] = []
	let at = 0
	for (let index = 0; index < one.a.length; index += 1) {
		const line = one.a[index] ?? 0
		while (at < other.a.length && (other.a[at] ?? 0) < line) at += 1
		if (other.a[at] !== line || other.b[at] !== one.b[index]) continue
		a.push(line)
		b.push(one.b[index] ?? 0)
	}
	return { a: Int32Array.from(a), b: Int32Array.from(b) }
}

function hunksOf(matches: Matches, lengths: { a: number; b: number }): Hunk[] {
	const hunks: Hunk[] = []
	let [aStart, bStart] = [0, 0]
	for (let index = 0; index <= matches.a.length; index += 1) {
		const aEnd = matches.a[index] ?? lengths.a
		const bEnd = matches.b[index] ?? lengths.b
		if (aEnd > aStart || bEnd > bStart) hunks.push({ aStart, aEnd, bStart, bEnd })
		aStart = aEnd + 1
		bStart = bEnd + 1
	}
	return hunks
}
