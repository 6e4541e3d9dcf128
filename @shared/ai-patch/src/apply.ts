import { AppError, type FileChange, type FileMode, type PatchSet } from '@shared/contracts'
import { applyOperations } from './applyOperations.ts'
import { checkPatchSet, parentDirectories, type PlannedFile } from './checkPatchSet.ts'
import { blobId } from './gitObjects.ts'
import { decodeText, encodeText } from './text.ts'

/**
 * The content of a file of the base tree as git stores it (never the work tree's, which filters may have changed), or null where
 * there is no file (nothing, or a directory). `blob` is the id that is wanted, for a reader that looks things up by id.
 */
export type ReadBase = (path: string, blob?: string) => Promise<Uint8Array | null>

/** One file after the set: delete has neither content nor blob; a rename also takes away `from`. */
export interface AppliedFile {
	path: string
	from?: string
	change: FileChange['change']
	mode: FileMode
	content: Uint8Array | null
	blob: string | null
}

/** A planned file with the base content its operations count in (empty for create). */
export interface LoadedFile extends PlannedFile {
	base: Uint8Array
}

/**
 * What the set makes of its base, in the order of `set.files`; everything or an error. The caller still has to refuse a created
 * file where the base has a directory that keeps other files, which only a tree listing shows.
 *
 * Throws, in this order: PATCH_INVALID, PATCH_BINARY_UNSUPPORTED, PATCH_POLICY (see `checkPatchSet`); PATCH_STALE if the base is not
 * `base_blob` (details path, expected, actual); PATCH_INVALID for operations that do not fit the base (see `planEdits`);
 * PATCH_CORRUPT if a result is not `result_blob`.
 */
export async function applyPatchSet(set: PatchSet, readBase: ReadBase): Promise<AppliedFile[]> {
	const applied: AppliedFile[] = []
	for (const loaded of await loadBases(set, readBase)) applied.push(await applyFile(loaded))
	return applied
}

/** Checks the set and reads every base it needs. Throws what `applyPatchSet` throws before it applies anything. */
export async function loadBases(set: PatchSet, readBase: ReadBase): Promise<LoadedFile[]> {
	const planned = checkPatchSet(set)
	await checkRoom(set.files, readBase)
	const loaded: LoadedFile[] = []
	for (const plannedFile of planned) loaded.push({ ...plannedFile, base: await loadBase(plannedFile.file, readBase) })
	return loaded
}

/** Applies one loaded file and proves the result by its blob id. */
export async function applyFile({ file, operations, base }: LoadedFile): Promise<AppliedFile> {
	const { path, from, change, mode, result_blob } = file
	const content = change === 'delete' ? null : operations.length === 0 ? base : edit(path, base, operations)
	const blob = content === null ? null : await blobId(content)
	if (blob !== result_blob) {
		const problem = `Applying the patches to ${JSON.stringify(path)} gives ${blob}, not ${result_blob}.`
		throw new AppError('PATCH_CORRUPT', `${problem} Make the set again.`, { path, expected: result_blob, actual: blob })
	}
	return { path, ...(from === undefined ? {} : { from }), change, mode, content, blob }
}

function edit(path: string, base: Uint8Array, operations: PlannedFile['operations']): Uint8Array {
	const text = decodeText(base)
	if (text === null) {
		throw new AppError('PATCH_BINARY_UNSUPPORTED', `The base of ${JSON.stringify(path)} is not text, so lines cannot be patched in it.`, {
			files: [{ path, reason: 'the base is not UTF-8 text' }],
		})
	}
	return encodeText(applyOperations(text, operations))
}

async function loadBase({ path, from, base_blob }: FileChange, readBase: ReadBase): Promise<Uint8Array> {
	if (base_blob === null) return new Uint8Array()
	const source = from ?? path
	const bytes = await readBase(source, base_blob)
	const actual = bytes === null ? null : await blobId(bytes)
	if (bytes === null || actual !== base_blob) throw stale(source, base_blob, actual)
	return bytes
}

/** What a create or rename makes must be new, and no file of the base may stand where its directories will be. */
async function checkRoom(files: readonly FileChange[], readBase: ReadBase): Promise<void> {
	const leaving = new Set(files.flatMap((file) => (file.change === 'delete' ? [file.path] : file.from === undefined ? [] : [file.from])))
	const directories = new Set<string>()
	for (const { path, change } of files) {
		if (change !== 'create' && change !== 'rename') continue
		const occupant = await readBase(path)
		if (occupant !== null) throw stale(path, null, await blobId(occupant))
		for (const parent of parentDirectories(path)) directories.add(parent)
	}
	for (const path of directories) {
		const occupant = leaving.has(path) ? null : await readBase(path)
		if (occupant !== null) throw stale(path, null, await blobId(occupant))
	}
}

function stale(path: string, expected: string | null, actual: string | null): AppError {
	const problem = actual === null ? 'is missing from the base' : `is ${actual} in the base`
	return new AppError('PATCH_STALE', `${JSON.stringify(path)} ${problem}; the set was made against ${expected ?? 'a tree without it'}.`, {
		path,
		expected,
		actual,
	})
}
