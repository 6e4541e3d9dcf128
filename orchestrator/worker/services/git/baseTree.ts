import { AppError } from '@shared/contracts'
import type { ReadBase } from '@shared/ai-patch'
import type { GitStore, TreeEntry } from './gitStore.ts'
import { isDirectory, isSubmodule, isSymlink } from './objects.ts'

/** Bounds of what one landing holds in memory, so that it fits a Worker's 128 MB together with the results and the pack that is pushed. */
export interface ReadLimits {
	maxFileBytes: number
	maxTotalBytes: number
	/** A line costs memory of its own, however short it is. */
	maxFileLines: number
}
export const READ_LIMITS: ReadLimits = { maxFileBytes: 8 * 1024 * 1024, maxTotalBytes: 16 * 1024 * 1024, maxFileLines: 500_000 }
/** For each of base and branch, which are in memory side by side when they are merged. */
export const MERGE_LIMITS: ReadLimits = { maxFileBytes: 4 * 1024 * 1024, maxTotalBytes: 8 * 1024 * 1024, maxFileLines: 200_000 }

/** Files of one tree by path. */
export interface BaseTree {
	/** The entry at the path, or null. Throws PATCH_POLICY when a parent of the path is a symlink or a submodule. */
	entryAt(path: string): Promise<TreeEntry | null>
	/**
	 * Content for the patch engine; every path is read once. Throws PATCH_FILE_UNSUPPORTED for a symlink or a submodule and
	 * PATCH_TOO_LARGE beyond the limits.
	 */
	readBase: ReadBase
}

export function createBaseTree(store: GitStore, treeId: string, limits: ReadLimits = READ_LIMITS): BaseTree {
	const contents = new Map<string, Promise<Uint8Array | null>>()
	const directories = new Map<string, Promise<Map<string, TreeEntry>>>()
	let totalBytes = 0

	const listing = (id: string): Promise<Map<string, TreeEntry>> => {
		const known = directories.get(id)
		if (known !== undefined) return known
		const reading = readTree(store, id).then((entries) => new Map(entries.map((entry) => [entry.name, entry])))
		directories.set(id, reading)
		// A failure is forgotten, so that a retry can succeed.
		reading.catch(() => directories.delete(id))
		return reading
	}

	const entryAt = async (path: string): Promise<TreeEntry | null> => {
		const names = path.split('/')
		let directory = treeId
		for (const [index, name] of names.entries()) {
			const entry = (await listing(directory)).get(name)
			if (entry === undefined || index === names.length - 1) return entry ?? null
			if (isSymlink(entry) || isSubmodule(entry)) throw throughLink(path, names.slice(0, index + 1).join('/'), entry)
			if (!isDirectory(entry)) return null
			directory = entry.id
		}
		return null
	}

	const load = async (path: string): Promise<Uint8Array | null> => {
		const entry = await entryAt(path)
		if (entry === null || isDirectory(entry)) return null
		if (isSymlink(entry) || isSubmodule(entry)) throw unsupported(path, entry)
		checkTotal(path, totalBytes, limits)
		const bytes = await store.readBlob(entry.id)
		if (bytes === null) throw new AppError('GIT_UPSTREAM', `The workspace lists ${JSON.stringify(path)} but does not have its content. Try again.`)
		totalBytes += bytes.length
		checkSize(path, { bytes, totalBytes }, limits)
		return bytes
	}

	return {
		entryAt,
		readBase(path) {
			const known = contents.get(path)
			if (known !== undefined) return known
			const loading = load(path)
			contents.set(path, loading)
			return loading
		},
	}
}

/** Reads a tree that a commit or another tree names, so it must be there. */
export async function readTree(store: GitStore, treeId: string): Promise<TreeEntry[]> {
	const entries = await store.readTree(treeId)
	if (entries === null) throw new AppError('GIT_UPSTREAM', `The workspace does not have the tree ${treeId} that it refers to. Try again.`)
	return entries
}

export function unsupported(path: string, entry: TreeEntry): AppError {
	const kind = isSymlink(entry) ? 'a symlink' : 'a submodule'
	return new AppError('PATCH_FILE_UNSUPPORTED', `${JSON.stringify(path)} is ${kind} in the base; patches change ordinary files only.`, { path })
}

function throughLink(path: string, link: string, entry: TreeEntry): AppError {
	const rule = isSymlink(entry) ? 'symlink-parent' : 'submodule-parent'
	return new AppError('PATCH_POLICY', `${JSON.stringify(path)} lies behind ${JSON.stringify(link)}, which leads out of the tree (${rule}).`, {
		rule,
		path,
	})
}

function checkSize(path: string, { bytes, totalBytes }: { bytes: Uint8Array; totalBytes: number }, limits: ReadLimits): void {
	const shown = JSON.stringify(path)
	if (bytes.length > limits.maxFileBytes) throw tooLarge(path, `${shown} has ${bytes.length} bytes; the limit for a patched file is ${limits.maxFileBytes}.`, { rule: 'file-bytes', bytes: bytes.length, limit: limits.maxFileBytes })
	checkTotal(path, totalBytes, limits)
	const lines = countLines(bytes, limits.maxFileLines)
	if (lines > limits.maxFileLines) throw tooLarge(path, `${shown} has more than ${limits.maxFileLines} lines, which is the limit for a patched file.`, { rule: 'file-lines', limit: limits.maxFileLines })
}

function checkTotal(path: string, totalBytes: number, { maxTotalBytes }: ReadLimits): void {
	if (totalBytes > maxTotalBytes) throw tooLarge(path, `The files of the patch set have more than ${maxTotalBytes} bytes in the base. Split the change.`, { rule: 'total-bytes', limit: maxTotalBytes })
}

const tooLarge = (path: string, message: string, figures: Record<string, unknown>) => new AppError('PATCH_TOO_LARGE', message, { path, ...figures })

/** Whether the lines of a file can be compared with those of another in the memory of a Worker. */
export function isMergeable(bytes: Uint8Array): boolean {
	const { maxFileBytes, maxFileLines } = MERGE_LIMITS
	return bytes.length <= maxFileBytes && countLines(bytes, maxFileLines) <= maxFileLines
}

/** Counts no further than one beyond the limit. */
function countLines(bytes: Uint8Array, limit: number): number {
	let count = 0
	for (let at = bytes.indexOf(10); at !== -1 && count <= limit; at = bytes.indexOf(10, at + 1)) count += 1
	return count
}
