import { AppError } from '@shared/contracts'
import type { ReadBase } from '@shared/ai-patch'
import type { GitStore, TreeEntry } from './gitStore.ts'
import { isDirectory, isSubmodule, isSymlink } from './objects.ts'

/** Bounds of what one landing holds in memory (bytes), so that it fits a Worker's 128 MB together with the results. */
export interface ReadLimits {
	maxFileBytes: number
	maxTotalBytes: number
}
export const READ_LIMITS: ReadLimits = { maxFileBytes: 8 * 1024 * 1024, maxTotalBytes: 24 * 1024 * 1024 }

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
	let totalBytes = 0

	const entryAt = async (path: string): Promise<TreeEntry | null> => {
		const names = path.split('/')
		let directory = treeId
		for (const [index, name] of names.entries()) {
			const entry = (await readTree(store, directory)).find((candidate) => candidate.name === name)
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
		const bytes = await store.readBlob(entry.id)
		if (bytes === null) throw new AppError('GIT_UPSTREAM', `The workspace lists ${JSON.stringify(path)} but does not have its content. Try again.`)
		totalBytes += bytes.length
		checkSize(path, { fileBytes: bytes.length, totalBytes }, limits)
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

function checkSize(path: string, bytes: { fileBytes: number; totalBytes: number }, limits: ReadLimits): void {
	if (bytes.fileBytes > limits.maxFileBytes) {
		throw new AppError('PATCH_TOO_LARGE', `${JSON.stringify(path)} has ${bytes.fileBytes} bytes; the limit for a patched file is ${limits.maxFileBytes}.`, {
			rule: 'file-bytes',
			path,
			bytes: bytes.fileBytes,
			limit: limits.maxFileBytes,
		})
	}
	if (bytes.totalBytes > limits.maxTotalBytes) {
		throw new AppError('PATCH_TOO_LARGE', `The files of the patch set have more than ${limits.maxTotalBytes} bytes in the base. Split the change.`, {
			rule: 'total-bytes',
			path,
			limit: limits.maxTotalBytes,
		})
	}
}
