import { type AIPatch, AppError, type FileChange, type FileMode } from '@shared/contracts'
import type { ReadBase } from './apply.ts'
import { applyOperations } from './applyOperations.ts'
import { blobId } from './gitObjects.ts'
import { splitLines } from './lines.ts'
import { decodeText, encodeText } from './text.ts'

export interface HandWritten {
	files: FileChange[]
	patches: AIPatch[]
	/** Files in which a block was given a line terminator that it lacked. */
	normalised: string[]
}

export interface KnownBase {
	/** The tree that the numbers count in, or null where nobody knows it. */
	readBase: ReadBase | null
	/** Without it a patched file is taken for an ordinary one (100644). */
	readBaseMode?: (path: string) => Promise<FileMode | null>
}

/**
 * Patches without a set, as a person or a tool writes them, made exact: `files` and `patches` of a patch set on the base given.
 * A block that would run into the line after it gets the terminator of the file; every other byte stays. A file that the base does
 * not have is created by appends.
 *
 * Throws PATCH_BASE_REQUIRED without a base, PATCH_STALE for other operations on a file that the base lacks (details.path),
 * PATCH_BINARY_UNSUPPORTED, and what `planEdits` throws.
 */
export async function patchSetFromPatches(patches: readonly AIPatch[], { readBase, readBaseMode }: KnownBase): Promise<HandWritten> {
	if (readBase === null) {
		const files = [...new Set(patches.map(({ file }) => file))].slice(0, 100)
		const problem = 'The patches name lines, but nobody knows of which version of the files.'
		throw new AppError('PATCH_BASE_REQUIRED', `${problem} Give the commit they were written against.`, { files })
	}
	const result: HandWritten = { files: [], patches: [], normalised: [] }
	for (const [path, operations] of Map.groupBy(patches, ({ file }) => file)) {
		const bytes = await readBase(path)
		const text = bytes === null ? '' : decodeText(bytes)
		if (text === null) throw notText(path)
		if (bytes === null && operations.some(({ operation }) => operation !== 'append')) throw missing(path)
		const exact = terminate(splitLines(text), operations)
		const after = await blobId(encodeText(applyOperations(text, exact)))
		const before = bytes === null ? null : await blobId(bytes)
		const mode = (await readBaseMode?.(path)) ?? '100644'
		result.files.push({ path, change: before === null ? 'create' : 'modify', mode, base_blob: before, result_blob: after })
		for (const operation of exact) result.patches.push(operation)
		if (exact.some((operation, index) => operation.block !== operations[index]?.block)) result.normalised.push(path)
	}
	return result
}

/** The operations with blocks that end where a line ends, in the order they came in. */
function terminate(lines: readonly string[], operations: readonly AIPatch[]): AIPatch[] {
	const terminator = lines[0]?.endsWith('\r\n') ? '\r\n' : '\n'
	const count = lines.length
	const exact = operations.map((operation): AIPatch => {
		return isFollowed(operation, count) ? { ...operation, block: closed(operation.block, terminator) } : operation
	})
	// What stands behind the last line, in the order it will stand there: after it first, then appended.
	const rank = (index: number) => (exact[index]?.operation === 'append' ? 1 : 0)
	const tail = [...exact.keys()].filter((index) => isTail(exact[index], count)).sort((a, b) => rank(a) - rank(b))
	const replacement = exact.find((operation) => operation.operation === 'replace-block' && operation.end === count)
	let ahead = replacement?.block ?? lines.at(-1) ?? ''
	for (const [position, index] of tail.entries()) {
		const operation = exact[index]
		if (operation === undefined || operation.block === '') continue
		const opened = ahead === '' || ahead.endsWith('\n') ? operation.block : terminator + operation.block
		const block = position < tail.length - 1 ? closed(opened, terminator) : opened
		exact[index] = { ...operation, block }
		ahead = block
	}
	return exact
}

function isFollowed(operation: AIPatch, count: number): boolean {
	switch (operation.operation) {
		case 'replace-block':
			return operation.end < count
		case 'insert-before':
			return true
		case 'insert-after':
			return operation.line < count
		case 'append':
			return false
	}
}

function isTail(operation: AIPatch | undefined, count: number): boolean {
	return operation?.operation === 'append' || (operation?.operation === 'insert-after' && operation.line === count)
}

function closed(block: string, terminator: string): string {
	return block === '' || block.endsWith('\n') ? block : block + terminator
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
