import type { Edit } from './edits.ts'
import { splitLines } from './lines.ts'

const CONTEXT_LINES = 3

/** The hunks of a unified diff, for edits in file order as `planEdits` gives them. */
export function writeHunks(base: readonly string[], edits: readonly Edit[]): string {
	const pieces: string[] = []
	let shift = 0
	for (const group of groupEdits(wholeLines(base, edits))) {
		const hunk = writeHunk(base, group)
		const oldStart = hunk.oldCount === 0 ? hunk.start : hunk.start + 1
		const newStart = hunk.newCount === 0 ? hunk.start + shift : hunk.start + shift + 1
		pieces.push(`@@ -${oldStart},${hunk.oldCount} +${newStart},${hunk.newCount} @@\n`, hunk.body)
		shift += hunk.newCount - hunk.oldCount
	}
	return pieces.join('')
}

/**
 * A diff knows whole lines only. Blocks are verbatim, so one without a terminator runs into the line that follows, and an
 * insertion behind an unterminated last line runs into that: such an edit takes in the line it changes. Touching edits become one.
 */
function wholeLines(base: readonly string[], edits: readonly Edit[]): Edit[] {
	const whole: Edit[] = []
	let open: Edit | undefined
	for (const edit of edits) {
		if (edit.start === edit.end && edit.text === '') continue
		if (open !== undefined && edit.start > open.end) takeInNextLine(base, open)
		if (open !== undefined && edit.start <= open.end) {
			open.text += edit.text
			open.end = Math.max(open.end, edit.end)
			continue
		}
		open = takeInLastLine(base, edit)
		whole.push(open)
	}
	if (open !== undefined) takeInNextLine(base, open)
	return whole
}

function takeInNextLine(base: readonly string[], edit: Edit): void {
	const next = base[edit.end]
	if (edit.text === '' || edit.text.endsWith('\n') || next === undefined) return
	edit.text += next
	edit.end += 1
}

function takeInLastLine(base: readonly string[], { start, end, text }: Edit): Edit {
	const last = start === base.length ? base[start - 1] : undefined
	if (last === undefined || last.endsWith('\n')) return { start, end, text }
	return { start: start - 1, end, text: last + text }
}

function groupEdits(edits: readonly Edit[]): Edit[][] {
	const groups: Edit[][] = []
	let group: Edit[] = []
	let last: Edit | undefined
	for (const edit of edits) {
		if (last === undefined || edit.start - last.end > 2 * CONTEXT_LINES) {
			group = []
			groups.push(group)
		}
		group.push(edit)
		last = edit
	}
	return groups
}

function writeHunk(base: readonly string[], group: readonly Edit[]): { start: number; oldCount: number; newCount: number; body: string } {
	const start = Math.max(0, (group[0]?.start ?? 0) - CONTEXT_LINES)
	const end = Math.min(base.length, (group.at(-1)?.end ?? 0) + CONTEXT_LINES)
	const pieces: string[] = []
	let at = start
	let newCount = 0
	const write = (sign: string, text: string) => {
		pieces.push(sign, text, text.endsWith('\n') ? '' : '\n\\ No newline at end of file\n')
		if (sign !== '-') newCount += 1
	}
	const copyTo = (to: number, sign: string) => {
		for (; at < to; at += 1) write(sign, base[at] ?? '')
	}
	for (const edit of group) {
		copyTo(edit.start, ' ')
		copyTo(edit.end, '-')
		for (const added of splitLines(edit.text)) write('+', added)
	}
	copyTo(end, ' ')
	return { start, oldCount: end - start, newCount, body: pieces.join('') }
}
