import { type AIPatch, AppError, type FileChange, type FileMode } from '@shared/contracts'
import type { ReadBase } from './apply.ts'
import { applyOperations } from './applyOperations.ts'
import { convertAll, modeProblem, refuse } from './convertAll.ts'
import type { Converted, Refusal } from './convertAll.ts'
import { type DiffSection, splitSections } from './diffSections.ts'
import { blobId } from './gitObjects.ts'
import { hunksToEdits } from './hunksToEdits.ts'
import type { ReadMode } from './landing/change.ts'
import { splitLines } from './lines.ts'
import { checkPath } from './paths.ts'
import { decodeText, encodeText } from './text.ts'
import { toOperations } from './toOperations.ts'
import { readHeader } from './unidiffHeader.ts'
import type { UnidiffHeader as Header } from './unidiffHeader.ts'

export interface UnidiffInput {
	/** As `git diff` prints it, as a text: from somewhere that has the repository and hands out no objects. */
	unidiff: string
	readBase: ReadBase
	readBaseMode: ReadMode
	taskId: string
	provider: string
	model?: string
}

/**
 * The `files` and `patches` of a patch set from a git diff and the base that it was made on. Every context line and every deleted line is
 * proved to be the base's, and every result by the blob id of the diff, where it has one.
 *
 * A text that went through JSON has U+FFFD in place of bytes that are not UTF-8; one that is added counts only where the blob id proves it.
 *
 * Throws PATCH_FILE_UNSUPPORTED for links and submodules and PATCH_BINARY_UNSUPPORTED for what is not text, each with every offending file in
 * details.files, PATCH_CORRUPT where diff and base do not agree, PATCH_POLICY before it reads a base at a path that leads out.
 */
export async function patchSetFromUnidiff(input: UnidiffInput): Promise<{ files: FileChange[]; patches: AIPatch[] }> {
	if (!input.unidiff.isWellFormed()) throw new AppError('PATCH_CORRUPT', 'The diff holds half of a surrogate pair, so a character was cut in two. Make it again.')
	const sections = splitSections(encodeText(input.unidiff)).map((section) => ({ section, header: readHeader(section) }))
	refuse('PATCH_FILE_UNSUPPORTED', sections.flatMap(({ header }) => unsupported(header)))
	return convertAll(sections, ({ header, section }) => convert(header, section, input))
}

const REGULAR = ['100644', '100755']

function unsupported({ path, from, modes }: Header): Refusal[] {
	const mode = modes.find((each) => !REGULAR.includes(each))
	if (mode !== undefined) return [{ path, reason: modeProblem(mode) }]
	return `${path}${from}`.includes('\ufffd') ? [{ path, reason: 'name is not UTF-8' }] : []
}

async function convert(header: Header, section: DiffSection, input: UnidiffInput): Promise<Converted | Refusal> {
	const { path, from, kind } = header
	checkPath(path)
	checkPath(from)
	const isNew = kind === 'create' || kind === 'copy'
	if (isNew && (await input.readBase(path)) !== null) throw corrupt(path, 'it creates a file that the base has')
	const bytes = kind === 'create' ? new Uint8Array() : await input.readBase(from)
	if (bytes === null) throw corrupt(path, `the base has no file ${JSON.stringify(from)}`)
	const baseBlob = await blobId(bytes)
	if (kind !== 'create' && header.ids !== null && !baseBlob.startsWith(header.ids.old)) throw corrupt(path, `the base of it is ${baseBlob}, not ${header.ids.old}`)
	const modeBefore = kind === 'create' ? null : await input.readBaseMode(from)
	const mode: FileMode = (header.newMode ?? modeBefore) === '100755' ? '100755' : '100644'
	// Of a binary file that goes, the id says all there is to know.
	if (kind === 'delete' && header.isBinary && header.ids !== null) return { file: { path, change: 'delete', mode: modeBefore ?? mode, base_blob: baseBlob, result_blob: null }, operations: [] }
	const isUntouched = section.hunks.length === 0 && !header.isBinary && kind !== 'delete'
	const result = isUntouched ? null : readResult({ header, section, bytes, by: input })
	if (result !== null && 'reason' in result) return result
	const blob = result === null ? baseBlob : await blobId(encodeText(result.text))
	const lost = lossOf(header, { blob, isDelete: kind === 'delete', adds: result?.operations ?? [] })
	if (lost !== null) return lost
	return toChange({ header, mode: kind === 'delete' ? (modeBefore ?? mode) : mode, baseBlob, blob, modeBefore, result })
}

interface Result {
	text: string
	operations: AIPatch[]
}

function readResult({ header, section, bytes, by }: { header: Header; section: DiffSection; bytes: Uint8Array; by: UnidiffInput }): Result | Refusal {
	const { path, from, kind, isBinary } = header
	const base = isBinary ? null : decodeText(bytes)
	const hunks = isBinary ? null : decodeText(section.hunks)
	if (base === null || hunks === null) return { path, reason: 'not UTF-8 text' }
	checkLines(hunks, path)
	const lines = splitLines(base)
	const edits = hunksToEdits(hunks, { path: from, lines })
	if (edits.some(({ text, end }) => text !== '' && !text.endsWith('\n') && end < lines.length)) throw corrupt(path, 'lines of the base follow the one that ends the file')
	const operations = toOperations(edits, { file: path, lineCount: lines.length, by })
	const text = applyOperations(lines, operations)
	if (kind === 'delete' && text !== '') throw corrupt(path, 'it is deleted, and lines of it are left')
	// A copy is a create: what it was copied from is not changed by it.
	const whole = kind === 'copy' ? toOperations(text === '' ? [] : [{ start: 0, end: 0, text }], { file: path, lineCount: 0, by }) : operations
	return { text, operations: whole }
}

/**
 * jsdiff passes over what follows the lines that a hunk says it has; what the diff holds and nobody reads would be lost in silence. And a line
 * that ends the file has none after it, or the two would become one.
 */
function checkLines(hunks: string, path: string): void {
	let [before, after] = [0, 0]
	let [previous, hasEnded] = ['', false]
	for (const line of splitLines(hunks)) {
		const sign = line.charAt(0)
		const counts = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line)
		if (counts !== null && before === 0 && after === 0) [before, after] = [Number(counts[1] ?? 1), Number(counts[2] ?? 1)]
		else if (sign === '\\') hasEnded ||= previous === '+'
		else {
			if (sign === '+' && hasEnded) throw corrupt(path, 'a line follows the one that ends the file')
			before -= sign === '+' ? 0 : 1
			after -= sign === '-' ? 0 : 1
		}
		previous = sign
		if (before < 0 || after < 0) throw corrupt(path, 'a hunk has more lines than it says')
	}
}

/** Whether the result is the one that the diff was made of. Throws PATCH_CORRUPT when it is not, for another reason than lost bytes. */
function lossOf({ path, ids }: Header, { blob, isDelete, adds }: { blob: string; isDelete: boolean; adds: readonly AIPatch[] }): Refusal | null {
	const isProved = ids !== null && (isDelete || blob.startsWith(ids.new))
	const isLossy = adds.some(({ block }) => block.includes('\ufffd'))
	if (isLossy && !isProved) return { path, reason: 'holds U+FFFD, which stands for bytes that are not UTF-8 and were lost on the way' }
	if (ids !== null && !isProved) throw corrupt(path, `it gives ${blob}, not ${ids.new}`)
	return null
}

function toChange(change: { header: Header; mode: FileMode; modeBefore: FileMode | null; baseBlob: string; blob: string; result: Result | null }): Converted {
	const { header, mode, modeBefore, baseBlob, blob, result } = change
	const { path, from, kind } = header
	const operations = kind === 'delete' ? [] : (result?.operations ?? [])
	if (kind === 'delete') return { file: { path, change: 'delete', mode, base_blob: baseBlob, result_blob: null }, operations }
	if (kind === 'create' || kind === 'copy') return { file: { path, change: 'create', mode, base_blob: null, result_blob: blob }, operations }
	if (kind === 'rename') return { file: { path, from, change: 'rename', mode, base_blob: baseBlob, result_blob: blob }, operations }
	if (blob !== baseBlob) return { file: { path, change: 'modify', mode, base_blob: baseBlob, result_blob: blob }, operations }
	if (mode === modeBefore) throw corrupt(path, 'it changes nothing')
	return { file: { path, change: 'mode', mode, base_blob: baseBlob, result_blob: baseBlob }, operations: [] }
}

function corrupt(path: string, problem: string): AppError {
	return new AppError('PATCH_CORRUPT', `The diff of ${JSON.stringify(path.slice(0, 200))} does not fit its base: ${problem}. Make the diff again.`, { path: path.slice(0, 4096), problem })
}
