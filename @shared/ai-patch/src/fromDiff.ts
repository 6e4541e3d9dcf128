import { type AIPatch, AppError, type FileChange } from '@shared/contracts'
import type { ReadBase } from './apply.ts'
import { applyOperations } from './applyOperations.ts'
import { convertAll, modeProblem, refuse } from './convertAll.ts'
import type { Converted, Refusal } from './convertAll.ts'
import { type DiffSection, splitSections } from './diffSections.ts'
import { blobId, NULL_OBJECT_ID } from './gitObjects.ts'
import { hunksToEdits } from './hunksToEdits.ts'
import { splitLines } from './lines.ts'
import { checkPath } from './paths.ts'
import { parseRawDiff, type RawChange } from './rawDiff.ts'
import { decodeText, encodeText } from './text.ts'
import { toOperations } from './toOperations.ts'

// After `git add -A` the index is the whole work tree, so --cached makes both outputs from one frozen state. Plumbing, and the
// options spelled out, because the configuration and the attributes of a work tree are the agent's to change: --text for instance
// keeps a `-diff` attribute from hiding text, and whether something is text is then decided by its bytes.
const COMMON = ['diff-index', '--cached', '--no-abbrev', '-M', '-l1000', '--no-relative', '--ignore-submodules=none'] as const

/** `git <these> <base commit>` gives `raw` of `patchSetFromDiff`. */
export const GIT_DIFF_RAW_ARGS: readonly string[] = [...COMMON, '--raw', '-z']

/** `git <these> <base commit>` gives `diff` of `patchSetFromDiff`. */
export const GIT_DIFF_PATCH_ARGS: readonly string[] = [
	...COMMON,
	...['--patch', '--full-index', '--text', '--unified=1', '--inter-hunk-context=0', '--diff-algorithm=myers'],
	...['--no-color', '--no-ext-diff', '--no-textconv', '--src-prefix=a/', '--dst-prefix=b/', '--submodule=short'],
]

export interface DiffInput {
	raw: Uint8Array
	diff: Uint8Array
	/** As git stores it (`git cat-file blob`), not as the work tree shows it. Asked only for files whose content changed. */
	readBase: ReadBase
	taskId: string
	provider: string
	model?: string
}

interface ChangedFile {
	raw: RawChange
	section: DiffSection
}

/**
 * The `files` and `patches` of a patch set from what git says of a work tree. The raw listing is the authority on which files
 * changed, on modes and blob ids; each result is made from base and patches and proved by its blob id before this returns.
 *
 * Throws PATCH_FILE_UNSUPPORTED or PATCH_BINARY_UNSUPPORTED with every offending file in details.files ({ path, reason }), and
 * PATCH_CORRUPT where listing, diff and base do not agree, and PATCH_POLICY before it reads a base at a path that leads out.
 */
export async function patchSetFromDiff(input: DiffInput): Promise<{ files: FileChange[]; patches: AIPatch[] }> {
	const changes = parseRawDiff(input.raw)
	refuse('PATCH_FILE_UNSUPPORTED', changes.flatMap(unsupported))
	const sections = splitSections(input.diff)
	if (sections.length !== changes.length) {
		const problem = `The listing has ${changes.length} files, the diff ${sections.length}.`
		throw new AppError('PATCH_CORRUPT', `${problem} Make both again from one state.`)
	}
	const changed = changes.flatMap((raw, index): ChangedFile[] => {
		const section = sections[index]
		return section === undefined ? [] : [{ raw, section }]
	})
	return convertAll(changed, (file) => convert(file, input))
}

const REGULAR = ['100644', '100755', '000000']
const STATUSES = ['A', 'C', 'D', 'M', 'R']

function unsupported(raw: RawChange): Refusal[] {
	const { path, status } = raw
	const mode = [raw.newMode, raw.oldMode].find((each) => !REGULAR.includes(each))
	if (mode !== undefined) return [{ path, reason: modeProblem(mode) }]
	if (!STATUSES.includes(status)) return [{ path, reason: status === 'U' ? 'unmerged' : `change of kind ${status}` }]
	return raw.isPathUnreadable ? [{ path, reason: 'name is not UTF-8' }] : []
}

async function convert(changed: ChangedFile, input: DiffInput): Promise<Converted | Refusal> {
	const { raw, section } = changed
	const { path, from, status } = raw
	const mode = (status === 'D' ? raw.oldMode : raw.newMode) === '100755' ? '100755' : '100644'
	const blobs = agreedBlobs(changed)
	if (status === 'D') return { file: { path, change: 'delete', mode, base_blob: raw.oldBlob, result_blob: null }, operations: [] }
	const moved = status === 'R' ? { change: 'rename' as const, from } : undefined
	if (blobs.old === blobs.new && status !== 'C') {
		const change = moved ?? { change: 'mode' as const }
		return { file: { path, ...change, mode, base_blob: raw.oldBlob, result_blob: raw.oldBlob }, operations: [] }
	}
	const base = status === 'A' ? '' : await readText(from, blobs.old, input.readBase)
	const hunks = section.isBinary ? null : decodeText(section.hunks)
	if (base === null || hunks === null) return { path, reason: 'not UTF-8 text' }
	const lines = splitLines(base)
	const operations = toOperations(hunksToEdits(hunks, { path: from, lines }), { file: path, lineCount: lines.length, by: input })
	const result = applyOperations(lines, operations)
	await prove({ path, result, expected: blobs.new })
	// A copy is a create: what it was copied from is not changed by it.
	if (status === 'A' || status === 'C') {
		const whole = result === '' ? [] : [{ start: 0, end: 0, text: result }]
		const file: FileChange = { path, change: 'create', mode, base_blob: null, result_blob: blobs.new }
		return { file, operations: toOperations(whole, { file: path, lineCount: 0, by: input }) }
	}
	return { file: { path, ...(moved ?? { change: 'modify' }), mode, base_blob: blobs.old, result_blob: blobs.new }, operations }
}

/** The blob ids before and after, which the diff must repeat; it has them even where the listing leaves the new one open. */
function agreedBlobs({ raw, section }: ChangedFile): { old: string; new: string } {
	const isNewOpen = raw.newBlob === NULL_OBJECT_ID && raw.status !== 'D'
	const blobs = section.blobs ?? { old: raw.oldBlob, new: raw.oldBlob }
	if (blobs.old !== raw.oldBlob || (!isNewOpen && blobs.new !== raw.newBlob)) {
		const problem = `Listing and diff disagree on ${JSON.stringify(raw.path)}.`
		throw new AppError('PATCH_CORRUPT', `${problem} Make both again from one state.`, { path: raw.path })
	}
	return blobs
}

async function readText(path: string, blob: string, readBase: ReadBase): Promise<string | null> {
	// The listing is as hostile as the names in the tree; git itself has none of these.
	checkPath(path)
	const bytes = await readBase(path, blob)
	const actual = bytes === null ? null : await blobId(bytes)
	if (bytes === null || actual !== blob) {
		const problem = `The base of ${JSON.stringify(path)} is ${actual ?? 'missing'}, not ${blob} as listed.`
		throw new AppError('PATCH_CORRUPT', `${problem} Read it as git stores it.`, { path, expected: blob, actual })
	}
	return decodeText(bytes)
}

async function prove({ path, result, expected }: { path: string; result: string; expected: string }): Promise<void> {
	const actual = await blobId(encodeText(result))
	if (actual === expected) return
	const problem = `The diff of ${JSON.stringify(path)} gives ${actual}, not ${expected}.`
	throw new AppError('PATCH_CORRUPT', `${problem} Make it again.`, { path, expected, actual })
}
