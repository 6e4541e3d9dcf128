import { AppError } from '@shared/contracts'
import { parsePatch, type StructuredPatchHunk } from 'diff'
import type { Edit } from './edits.ts'

/**
 * The changes of one file's hunks as edits of its base, every context line and every deleted line proved to be the base line of
 * exactly that number. Throws PATCH_CORRUPT. `hunks` begins with `@@`: without headers jsdiff has no names to misread.
 */
export function hunksToEdits(hunks: string, base: { path: string; lines: readonly string[] }): Edit[] {
	const edits: Edit[] = []
	let last: Edit | undefined
	for (const hunk of parseHunks(hunks, base.path)) {
		let at = hunk.oldStart - 1
		if (!(at >= (last?.end ?? 0) && at <= base.lines.length)) throw corrupt(base.path, `a hunk begins at line ${hunk.oldStart}`)
		let open: Edit | undefined
		for (const { sign, text } of withTerminators(hunk, base.path)) {
			if (sign !== '+' && base.lines[at] !== text) throw corrupt(base.path, `line ${at + 1} of the base is not the line of the diff`)
			if (sign === ' ') {
				open = undefined
				at += 1
				continue
			}
			if (open === undefined) {
				open = { start: at, end: at, text: '' }
				edits.push(open)
				last = open
			}
			if (sign === '-') open.end = at += 1
			else open.text += text
		}
	}
	return edits
}

function parseHunks(hunks: string, path: string): StructuredPatchHunk[] {
	if (hunks === '') return []
	try {
		const [patch, ...others] = parsePatch(hunks)
		if (patch !== undefined && others.length === 0) return patch.hunks
	} catch (error) {
		throw corrupt(path, error instanceof Error ? error.message : 'its hunks cannot be read')
	}
	throw corrupt(path, 'text follows its hunks')
}

/** The lines of a hunk with the terminators they have in the file: none where the line `\ No newline at end of file` follows. */
function withTerminators(hunk: StructuredPatchHunk, path: string): { sign: string; text: string }[] {
	const lines: { sign: string; text: string }[] = []
	for (const [index, line] of hunk.lines.entries()) {
		const sign = line === '' ? ' ' : line.charAt(0)
		if (sign === '\\') continue
		if (sign !== ' ' && sign !== '+' && sign !== '-') throw corrupt(path, `a hunk has a line that begins with ${JSON.stringify(sign)}`)
		const terminator = hunk.lines[index + 1]?.startsWith('\\') ? '' : '\n'
		lines.push({ sign, text: line.slice(1) + terminator })
	}
	return lines
}

function corrupt(path: string, problem: string): AppError {
	const message = `The diff of ${JSON.stringify(path)} does not fit its base: ${problem}. Make the diff again.`
	return new AppError('PATCH_CORRUPT', message, { path, problem })
}
