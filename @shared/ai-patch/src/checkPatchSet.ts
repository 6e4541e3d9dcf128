import { type AIPatch, AppError, type FileChange, type PatchSet } from '@shared/contracts'
import { checkPath } from './paths.ts'

/** A listed file with the operations on it, in list order. */
export interface PlannedFile {
	file: FileChange
	operations: AIPatch[]
}

/**
 * What can be known of a patch set without its base, and its operations by file, in the order of `files`.
 * Throws PATCH_INVALID for a set that contradicts itself, PATCH_BINARY_UNSUPPORTED for a NUL in a block,
 * PATCH_POLICY for a path that leads out of the workspace or into `.git`; each with details.rule.
 */
export function checkPatchSet(set: PatchSet): PlannedFile[] {
	const planned = new Map<string, PlannedFile>()
	for (const file of set.files) {
		if (planned.has(file.path)) throw invalid('duplicate-path', file.path, 'is listed twice')
		planned.set(file.path, { file, operations: [] })
	}
	for (const patch of set.patches) {
		const target = planned.get(patch.file)
		if (target === undefined) throw invalid('file-not-listed', patch.file, 'has an operation but is not in files')
		checkBlock(patch)
		target.operations.push(patch)
	}
	const files = [...planned.values()]
	for (const plannedFile of files) checkChange(plannedFile)
	checkRenames(set.files)
	checkPrefixes(set.files)
	for (const { path, from } of set.files) {
		checkPath(path)
		if (from !== undefined) checkPath(from)
	}
	return files
}

/** Throws PATCH_INVALID or PATCH_BINARY_UNSUPPORTED for a block that no text file can hold. */
export function checkBlock({ file, block }: AIPatch): void {
	if (!block.isWellFormed()) throw invalid('lone-surrogate', file, 'has a block that is not Unicode text (half a surrogate pair)')
	if (block.includes('\0')) {
		throw new AppError('PATCH_BINARY_UNSUPPORTED', `A block for ${JSON.stringify(file)} holds a NUL; patches carry text only.`, {
			rule: 'nul-in-block',
			files: [{ path: file, reason: 'NUL in a block' }],
		})
	}
}

function checkChange({ file, operations }: PlannedFile): void {
	const { path, change, from, base_blob, result_blob } = file
	if ((from !== undefined) !== (change === 'rename')) throw invalid('from', path, `is a ${change}; exactly a rename has from`)
	if ((base_blob === null) !== (change === 'create')) throw invalid('base-blob', path, `is a ${change}; exactly a create has no base_blob`)
	if ((result_blob === null) !== (change === 'delete')) {
		throw invalid('result-blob', path, `is a ${change}; exactly a delete has no result_blob`)
	}
	if (change === 'mode' && base_blob !== result_blob) throw invalid('result-blob', path, 'changes its mode only, yet its blobs differ')
	if (change === 'modify' && operations.length === 0) throw invalid('missing-operations', path, 'is a modify without operations')
	if ((change === 'delete' || change === 'mode') && operations.length > 0) {
		throw invalid('unexpected-operations', path, `is a ${change} and cannot carry operations`)
	}
}

// What a rename takes away may not be named again: a swap or a chain has no order in which it is right.
function checkRenames(files: readonly FileChange[]): void {
	const paths = new Set(files.map((file) => file.path))
	const sources = new Set<string>()
	for (const { path, from } of files) {
		if (from === undefined) continue
		if (from === path || paths.has(from)) throw invalid('rename-chain', from, 'is the source of a rename and listed itself')
		if (sources.has(from)) throw invalid('rename-chain', from, 'is the source of two renames')
		sources.add(from)
	}
}

// A deleted file may become a directory; two results may not be a file and what lies below it. With the separator as the
// smallest character, what lies below a file sorts right behind it.
function checkPrefixes(files: readonly FileChange[]): void {
	const results = files.filter((file) => file.change !== 'delete').map((file) => file.path.replaceAll('/', '\0'))
	results.sort()
	for (const [index, path] of results.entries()) {
		const below = results[index + 1]
		if (below?.startsWith(`${path}\0`)) {
			throw invalid('file-directory', path.replaceAll('\0', '/'), `would be a file and the directory of ${below.replaceAll('\0', '/')}`)
		}
	}
}

/** `a/b/c` -> `a`, `a/b`. */
export function parentDirectories(path: string): string[] {
	const parents: string[] = []
	for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) parents.push(path.slice(0, at))
	return parents
}

function invalid(rule: string, path: string, problem: string): AppError {
	return new AppError('PATCH_INVALID', `The patch set is wrong: ${JSON.stringify(path)} ${problem}.`, { rule, path })
}
