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
 * The patch set that wrote each line of the text now, in the order of the lines; null for a line that none of them wrote. `steps` come
 * in the order they landed, oldest first, and are let go of one by one: a long history of a large file does not fit into memory. What
 * changed between two steps, or after the last one, belongs to nobody.
 */
export async function blameLines(steps: Iterable<BlameStep> | AsyncIterable<BlameStep>, current?: string): Promise<(string | null)[]> {
	let text: string | null = null
	let lines: string[] = []
	let writers: (string | null)[] = []
	const move = (next: string, writer: string | null) => {
		if (next === text) return
		const nextLines = splitLines(next)
		// Numbers of their own for each two texts: a table for all of them would make every step as dear as the whole history.
		const ids = createLineIds()
		writers = text === null ? nextLines.map(() => null) : carry(writers, { hunks: readDown(ids.of(lines), ids.of(nextLines)).hunks, writer })
		text = next
		lines = nextLines
	}
	for await (const { patchSetId, base, result } of steps) {
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
