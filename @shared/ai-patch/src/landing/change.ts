import { AppError, type FileChange, type FileMode, type PatchSet } from '@shared/contracts'
import type { ConflictHunk } from '../merge/mergeText.ts'
import { type AppliedFile, applyFile, type LoadedFile, loadBases, type ReadBase } from '../apply.ts'

/** One file of a set as contents: what the set found and what it leaves, null for no file. */
export interface ContentChange {
	path: string
	/** Only where the file moves. */
	from?: string
	kind: FileChange['change']
	before: Uint8Array | null
	after: Uint8Array | null
	/** The mode afterwards; for a delete, the mode that was. */
	mode: FileMode
	/** Null where nobody knows the mode before. */
	modeBefore: FileMode | null
}

/** The mode of a file, or null where there is no file. */
export type ReadMode = (path: string) => Promise<FileMode | null>

/**
 * What each file of the set was and becomes, proved by blob ids. Throws what `applyPatchSet` throws. One file after the other, and a
 * base is let go of when its turn is over: the contents of a large set would not fit into memory three times.
 */
export async function* changesOf(set: PatchSet, readBase: ReadBase, readBaseMode?: ReadMode): AsyncGenerator<ContentChange> {
	const waiting = (await loadBases(set, readBase)).reverse()
	for (let loaded = waiting.pop(); loaded !== undefined; loaded = waiting.pop()) {
		const { path, from = path, change, mode } = loaded.file
		const modeBefore = change === 'create' ? null : ((await readBaseMode?.(from)) ?? impliedMode(loaded.file))
		yield changeOf(loaded, { applied: await applyFile(loaded), mode, modeBefore })
	}
}

/** The change that takes a change back. */
export function reversed({ path, from, kind, before, after, mode, modeBefore }: ContentChange): ContentChange {
	const contents = { before: after, after: before, mode: modeBefore ?? mode, modeBefore: mode }
	if (from !== undefined) return { path: from, from: path, kind, ...contents }
	return { path, kind: kind === 'create' ? 'delete' : kind === 'delete' ? 'create' : kind, ...contents }
}

function changeOf({ file, base }: LoadedFile, known: { applied: AppliedFile; mode: FileMode; modeBefore: FileMode | null }): ContentChange {
	const { path, from, change: kind } = file
	const before = file.base_blob === null ? null : base
	const { applied, mode, modeBefore } = known
	return { path, ...(from === undefined ? {} : { from }), kind, before, after: applied.content, mode, modeBefore }
}

// There are two modes, so a change of the mode alone tells the old one.
function impliedMode({ change, mode }: FileChange): FileMode | null {
	if (change === 'mode') return mode === '100644' ? '100755' : '100644'
	return change === 'delete' ? mode : null
}

/** Throws PATCH_CONFLICT with all conflicts of all files in `details.conflicts`. */
export function refuseConflicts(conflicts: readonly FileConflict[]): void {
	if (conflicts.length === 0) return
	const shown = conflicts.slice(0, 10).map(({ path, reason }) => `${JSON.stringify(path)} (${reason})`)
	const more = conflicts.length > shown.length ? ` and ${conflicts.length - shown.length} more` : ''
	const message = `The branch has changed where the patch set does: ${shown.join(', ')}${more}. Make the change again on the branch as it is.`
	throw new AppError('PATCH_CONFLICT', message, { conflicts })
}

export type ConflictKind = 'content' | 'binary' | 'modify-delete' | 'delete-modify' | 'add-add' | 'rename-source' | 'rename-target' | 'file-directory'

/** Why one file cannot land. `hunks` has the contested lines of a `content` conflict and is empty for the other kinds. */
export interface FileConflict {
	path: string
	kind: ConflictKind
	reason: string
	hunks: ConflictHunk[]
}
