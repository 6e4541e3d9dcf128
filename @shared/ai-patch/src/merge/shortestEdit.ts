// Myers' linear-space search ("An O(ND) difference algorithm and its variations", 1986): the middle of a shortest path splits a box
// into two, until nothing is left to match. A box whose path costs more than MAX_COST edits from either end is split at the furthest
// point reached instead; when MAX_WORK steps have been made, what is left of the boxes counts as changed from end to end. Either makes
// the result longer than the shortest, never wrong, and bounds the time for a file of any shape.

/** Lines of the two sequences that have no partner in the other are set to 1. */
export interface Marks {
	a: Uint8Array
	b: Uint8Array
}

interface Box {
	aFrom: number
	aTo: number
	bFrom: number
	bTo: number
}

const MAX_COST = 256
const MAX_WORK = 2_000_000

/** Marks what differs; the lines left unmarked on both sides are equal in number and pairwise equal. */
export function markDifferences(a: Int32Array, b: Int32Array): Marks {
	const marks: Marks = { a: new Uint8Array(a.length), b: new Uint8Array(b.length) }
	const work = { left: MAX_WORK }
	const findSplit = createSplitter(a, b, work)
	const boxes: Box[] = [{ aFrom: 0, aTo: a.length, bFrom: 0, bTo: b.length }]
	for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
		shrink(a, b, box)
		const { aFrom, aTo, bFrom, bTo } = box
		if (aFrom === aTo) marks.b.fill(1, bFrom, bTo)
		else if (bFrom === bTo) marks.a.fill(1, aFrom, aTo)
		else if (work.left <= 0) {
			marks.a.fill(1, aFrom, aTo)
			marks.b.fill(1, bFrom, bTo)
		} else {
			const { x, y } = findSplit(box)
			boxes.push({ aFrom: x, aTo, bFrom: y, bTo }, { aFrom, aTo: x, bFrom, bTo: y })
		}
	}
	return marks
}

function shrink(a: Int32Array, b: Int32Array, box: Box): void {
	while (box.aFrom < box.aTo && box.bFrom < box.bTo && a[box.aFrom] === b[box.bFrom]) {
		box.aFrom += 1
		box.bFrom += 1
	}
	while (box.aFrom < box.aTo && box.bFrom < box.bTo && a[box.aTo - 1] === b[box.bTo - 1]) {
		box.aTo -= 1
		box.bTo -= 1
	}
}

interface Point {
	x: number
	y: number
}

/** Diagonals of one search, `low` to `high` in steps of two; `reach` holds the furthest x on each. */
interface Front {
	low: number
	high: number
	reach: Int32Array
}

/** A diagonal is x - y; index `diagonal + shift` of the arrays, with room for a neighbour at either end. */
function createSplitter(a: Int32Array, b: Int32Array, work: { left: number }): (box: Box) => Point {
	const shift = b.length + 1
	const size = a.length + b.length + 3
	const [forwardReach, backwardReach] = [new Int32Array(size), new Int32Array(size)]

	return (box) => {
		const first = box.aFrom - box.bFrom
		const last = box.aTo - box.bTo
		const isOdd = ((first - last) & 1) !== 0
		const bounds = { low: box.aFrom - box.bTo, high: box.aTo - box.bFrom, shift }
		const forward: Front = { low: first, high: first, reach: forwardReach }
		const backward: Front = { low: last, high: last, reach: backwardReach }
		forwardReach[first + shift] = box.aFrom
		backwardReach[last + shift] = box.aTo
		const search: Search = { a, b, box, shift, work }
		for (let cost = 1; ; cost += 1) {
			widen(forward, bounds, -1)
			const ahead = stepForward(search, forward, isOdd ? backward : null)
			if (ahead !== null) return ahead
			widen(backward, bounds, 2 ** 31 - 1)
			const behind = stepBackward(search, backward, isOdd ? null : forward)
			if (behind !== null) return behind
			if (cost >= MAX_COST || work.left <= 0) return furthest(box, shift, { forward, backward })
		}
	}
}

// A diagonal outside of the box is not entered; the one beside the outermost gets a reach that is never the better one.
function widen(front: Front, bounds: { low: number; high: number; shift: number }, worst: number): void {
	if (front.low > bounds.low) {
		front.low -= 1
		front.reach[front.low - 1 + bounds.shift] = worst
	} else front.low += 1
	if (front.high < bounds.high) {
		front.high += 1
		front.reach[front.high + 1 + bounds.shift] = worst
	} else front.high -= 1
}

interface Search {
	a: Int32Array
	b: Int32Array
	box: Box
	shift: number
	work: { left: number }
}

function stepForward({ a, b, box, shift, work }: Search, front: Front, other: Front | null): Point | null {
	const { reach } = front
	for (let diagonal = front.high; diagonal >= front.low; diagonal -= 2) {
		const at = diagonal + shift
		const below = reach[at - 1] ?? 0
		const above = reach[at + 1] ?? 0
		const from = below >= above ? below + 1 : above
		let x = from
		while (x < box.aTo && x - diagonal < box.bTo && a[x] === b[x - diagonal]) x += 1
		work.left -= 1 + x - from
		reach[at] = x
		if (other !== null && diagonal >= other.low && diagonal <= other.high && (other.reach[at] ?? 0) <= x) return { x, y: x - diagonal }
	}
	return null
}

function stepBackward({ a, b, box, shift, work }: Search, front: Front, other: Front | null): Point | null {
	const { reach } = front
	for (let diagonal = front.high; diagonal >= front.low; diagonal -= 2) {
		const at = diagonal + shift
		const below = reach[at - 1] ?? 0
		const above = reach[at + 1] ?? 0
		const from = below < above ? below : above - 1
		let x = from
		while (x > box.aFrom && x - diagonal > box.bFrom && a[x - 1] === b[x - 1 - diagonal]) x -= 1
		work.left -= 1 + from - x
		reach[at] = x
		if (other !== null && diagonal >= other.low && diagonal <= other.high && x <= (other.reach[at] ?? 0)) return { x, y: x - diagonal }
	}
	return null
}

/** The point that one of the searches has brought furthest from its corner. */
function furthest(box: Box, shift: number, { forward, backward }: { forward: Front; backward: Front }): Point {
	let ahead = { gain: -1, x: box.aFrom, y: box.bFrom }
	for (let diagonal = forward.high; diagonal >= forward.low; diagonal -= 2) {
		const x = Math.min(forward.reach[diagonal + shift] ?? 0, box.aTo, box.bTo + diagonal)
		const gain = x + x - diagonal - box.aFrom - box.bFrom
		if (gain > ahead.gain) ahead = { gain, x, y: x - diagonal }
	}
	let behind = { gain: -1, x: box.aTo, y: box.bTo }
	for (let diagonal = backward.high; diagonal >= backward.low; diagonal -= 2) {
		const x = Math.max(backward.reach[diagonal + shift] ?? 0, box.aFrom, box.bFrom + diagonal)
		const gain = box.aTo + box.bTo - (x + x - diagonal)
		if (gain > behind.gain) behind = { gain, x, y: x - diagonal }
	}
	return ahead.gain > behind.gain ? ahead : behind
}
