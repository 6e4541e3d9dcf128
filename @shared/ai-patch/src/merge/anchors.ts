import { type Marks, markDifferences } from './shortestEdit.ts'

// How far around a frequent line its surroundings are looked at.
const WINDOW = 100

const ABSENT = 0
const KEPT = 1
const FREQUENT = 2

/**
 * What differs between two numbered texts. Lines that the other text does not have cannot match and are left out of the search. So are
 * lines that it has very often where they stand among absent ones: a brace in a block that was rewritten is no reason to believe that
 * it is the brace of another block.
 */
export function markChanges(a: Int32Array, b: Int32Array): Marks {
	let start = 0
	while (start < a.length && start < b.length && a[start] === b[start]) start += 1
	let end = 0
	while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1
	const idCount = 1 + Math.max(highest(a), highest(b))
	const [ofA, ofB] = [countIds(a, idCount), countIds(b, idCount)]
	const keptA = anchors(a, { from: start, to: a.length - end, others: ofB })
	const keptB = anchors(b, { from: start, to: b.length - end, others: ofA })
	const inner = markDifferences(keptA.map((at) => a[at] ?? 0), keptB.map((at) => b[at] ?? 0))
	return {
		a: spread({ length: a.length, from: start, to: a.length - end }, { kept: keptA, marks: inner.a }),
		b: spread({ length: b.length, from: start, to: b.length - end }, { kept: keptB, marks: inner.b }),
	}
}

function highest(ids: Int32Array): number {
	let most = -1
	for (const id of ids) if (id > most) most = id
	return most
}

function countIds(ids: Int32Array, idCount: number): Int32Array {
	const counts = new Int32Array(idCount)
	for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
	return counts
}

/** Indexes of the lines that take part in the search. */
function anchors(ids: Int32Array, { from, to, others }: { from: number; to: number; others: Int32Array }): Int32Array {
	const often = frequentFrom(ids.length)
	const kinds = new Uint8Array(ids.length)
	for (let at = from; at < to; at += 1) {
		const count = others[ids[at] ?? 0] ?? 0
		kinds[at] = count === 0 ? ABSENT : count >= often ? FREQUENT : KEPT
	}
	const kept: number[] = []
	for (let at = from; at < to; at += 1) {
		const kind = kinds[at]
		if (kind === KEPT || (kind === FREQUENT && !isLost(kinds, at, { from, to }))) kept.push(at)
	}
	return Int32Array.from(kept)
}

/** About the square root of the length: a power of two, at most 1024. */
function frequentFrom(length: number): number {
	const bits = length === 0 ? 0 : 32 - Math.clz32(length)
	return Math.min(2 ** Math.ceil(bits / 2), 1024)
}

/** Whether absent lines stand on both sides of a frequent one, and outnumber the frequent ones around it three to one. */
function isLost(kinds: Uint8Array, at: number, range: { from: number; to: number }): boolean {
	const above = survey(kinds, at, { step: -1, limit: Math.max(range.from, at - WINDOW) - 1 })
	if (above.absent === 0) return false
	const below = survey(kinds, at, { step: 1, limit: Math.min(range.to - 1, at + WINDOW) + 1 })
	if (below.absent === 0) return false
	const frequent = above.frequent + below.frequent
	return frequent * 4 < frequent + above.absent + below.absent
}

function survey(kinds: Uint8Array, at: number, { step, limit }: { step: 1 | -1; limit: number }): { absent: number; frequent: number } {
	// The line itself counts once from either side.
	const seen = { absent: 0, frequent: 1 }
	for (let next = at + step; next !== limit && kinds[next] !== KEPT; next += step) {
		if (kinds[next] === ABSENT) seen.absent += 1
		else seen.frequent += 1
	}
	return seen
}

function spread(range: { length: number; from: number; to: number }, inner: { kept: Int32Array; marks: Uint8Array }): Uint8Array {
	const marks = new Uint8Array(range.length).fill(1, range.from, range.to)
	for (let index = 0; index < inner.kept.length; index += 1) marks[inner.kept[index] ?? 0] = inner.marks[index] ?? 0
	return marks
}
