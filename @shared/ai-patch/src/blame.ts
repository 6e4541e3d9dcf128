import { splitLines } from './lines.ts'
import { createLineIds } from './merge/lineIds.ts'
import { type Hunk, readDown } from './merge/readings.ts'

/** One landing of a patch set on a file: the text before and after. */
export interface BlameStep {
	patchSetId: string
	base: string
	result: string
}

/**
 * The patch set that wrote each line of the text now, in the order of the lines; null for a line that none of them wrote. `steps` are
 * in the order they landed, oldest first. What changed between two steps, or after the last one, belongs to nobody.
 */
export function blameLines(steps: readonly BlameStep[], current?: string): (string | null)[] {
	let text = steps[0]?.base ?? current ?? ''
	let lines = splitLines(text)
	let writers: (string | null)[] = lines.map(() => null)
	const move = (next: string, writer: string | null) => {
		if (next === text) return
		// Numbers of their own for each two texts: a table for all of them would make every step as dear as the whole history.
		const ids = createLineIds()
		const nextLines = splitLines(next)
		writers = carry(writers, { hunks: readDown(ids.of(lines), ids.of(nextLines)).hunks, writer })
		text = next
		lines = nextLines
	}
	for (const { patchSetId, base, result } of steps) {
		move(base, null)
		move(result, patchSetId)
	}
	if (current !== undefined) move(current, null)
	return writers
}

function carry(writers: readonly (string | null)[], { hunks, writer }: { hunks: readonly Hunk[]; writer: string | null }): (string | null)[] {
	const carried: (string | null)[] = []
	let next = 0
	const copyTo = (end: number) => {
		for (; next < end; next += 1) carried.push(writers[next] ?? null)
	}
	for (const { aStart, aEnd, bStart, bEnd } of hunks) {
		copyTo(aStart)
		for (let at = bStart; at < bEnd; at += 1) carried.push(writer)
		next = aEnd
	}
	copyTo(writers.length)
	return carried
}
