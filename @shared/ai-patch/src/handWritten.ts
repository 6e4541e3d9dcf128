import { type AIPatch, AppError, type FileChange } from '@shared/contracts'
import type { ReadBase } from './apply.ts'
import { applyOperations } from './applyOperations.ts'
import { checkBlock } from './checkPatchSet.ts'
import { planEdits } from './edits.ts'
import { blobId } from './gitObjects.ts'
import type { ReadMode } from './landing/change.ts'
import { splitLines } from './lines.ts'
import { checkPath } from './paths.ts'
import { decodeText, encodeText } from './text.ts'

export interface HandWritten {
	files: FileChange[]
	patches: AIPatch[]
	/** Files in which a block was given a line terminator that it lacked. */
	normalised: string[]
}

/** The tree that the numbers count in; null where nobody knows it. Without the modes an executable would become an ordinary file. */
export type KnownBase = { readBase: null } | { readBase: ReadBase; readBaseMode: ReadMode }

/**
 * Patches without a set, as a person or a tool writes them, made exact: `files` and `patches` of a patch set on the base given.
 * A block that would run into the line after it gets the terminator of the file; every other byte stays. A file that the base does
 * not have is created by appends.
 *
 * Throws PATCH_BASE_REQUIRED without a base, PATCH_STALE for other operations on a file that the base lacks (details.path),
 * PATCH_BINARY_UNSUPPORTED, PATCH_POLICY for a path that leads out, and what `planEdits` throws.
 */
export async function patchSetFromPatches(patches: readonly AIPatch[], base: KnownBase): Promise<HandWritten> {
	if (base.readBase === null) {
		const files = [...new Set(patches.map(({ file }) => file))].slice(0, 100)
		const problem = 'The patches name lines, but nobody knows of which version of the files.'
		throw new AppError('PATCH_BASE_REQUIRED', `${problem} Give the commit they were written against.`, { files })
	}
	const { readBase, readBaseMode } = base
	const result: HandWritten = { files: [], patches: [], normalised: [] }
	for (const patch of patches) {
		checkBlock(patch)
		checkPath(patch.file)
	}
	for (const [path, operations] of Map.groupBy(patches, ({ file }) => file)) {
		const bytes = await readBase(path)
		const text = bytes === null ? '' : decodeText(bytes)
		if (text === null) throw notText(path)
		if (bytes === null && operations.some(({ operation }) => operation !== 'append')) throw missing(path)
		const exact = terminate(splitLines(text), operations)
		const after = await blobId(encodeText(applyOperations(text, exact)))
		const before = bytes === null ? null : await blobId(bytes)
		const mode = (await readBaseMode(path)) ?? '100644'
		result.files.push({ path, change: before === null ? 'create' : 'modify', mode, base_blob: before, result_blob: after })
		for (const operation of exact) result.patches.push(operation)
		if (exact.some((operation, index) => operation.block !== operations[index]?.block)) result.normalised.push(path)
	}
	return result
}

/** The operations in the order they came in; where two pieces would run into one line, the terminator of the file goes between. */
function terminate(lines: readonly string[], operations: readonly AIPatch[]): AIPatch[] {
	const terminator = terminatorOf(lines)
	const exact = operations.map((operation) => ({ ...operation }))
	// What stands last so far lacks its terminator: a block, or the base's last line.
	let open: AIPatch | 'base' | null = null
	let at = 0
	const close = () => {
		if (open !== null && open !== 'base') open.block += terminator
	}
	for (const { start, end, index } of [...planEdits(lines.length, operations), { start: lines.length, end: lines.length, index: -1 }]) {
		if (start > at) {
			close()
			open = start === lines.length && lines.at(-1)?.endsWith('\n') === false ? 'base' : null
		}
		const operation = exact[index]
		if (operation !== undefined && operation.block !== '') {
			close()
			if (open === 'base') operation.block = terminator + operation.block
			open = operation.block.endsWith('\n') ? null : operation
		}
		at = end
	}
	return exact
}

/** What ends most lines. */
function terminatorOf(lines: readonly string[]): '\r\n' | '\n' {
	let [returned, fed] = [0, 0]
	for (const line of lines) {
		if (!line.endsWith('\n')) continue
		fed += 1
		if (line.endsWith('\r\n')) returned += 1
	}
	return 2 * returned > fed ? '\r\n' : '\n'
}

function missing(path: string): AppError {
	const problem = `The base has no file ${JSON.stringify(path)}; only an append can make one.`
	return new AppError('PATCH_STALE', problem, { path, expected: null, actual: null })
}

function notText(path: string): AppError {
	return new AppError('PATCH_BINARY_UNSUPPORTED', `The base of ${JSON.stringify(path)} is not text, so lines cannot be patched in it.`, {
		files: [{ path, reason: 'the base is not UTF-8 text' }],
	})
}
