import type { PatchSet } from '@shared/contracts'
import type { AppliedFile, ReadBase } from '../apply.ts'
import { parentDirectories } from '../checkPatchSet.ts'
import { blobId } from '../gitObjects.ts'
import { changesOf, type ContentChange, type FileConflict, type ReadMode, refuseConflicts, reversed } from './change.ts'
import { type Current, landFile, type Landing } from './landFile.ts'

/** A file as it is to be written on the branch. `already-applied`: the branch has it so, nothing is to be written or taken away. */
export interface LandedFile extends AppliedFile {
	landing: Landing
}

export interface Branch {
	/** The tree that the set was made against. */
	readBase: ReadBase
	/** The tree that the set lands on. */
	readCurrent: ReadBase
	/** Without them a landed file has the mode of the set. */
	readBaseMode?: ReadMode
	readCurrentMode?: ReadMode
}

/**
 * The files that bring a set onto a tree that may have moved on since, in the order of `set.files`; everything or an error. Content
 * is applied where the branch has the base's, merged three-way where it does not, left where the branch has the result already.
 *
 * Throws what `applyPatchSet` throws for the set and its base, and PATCH_CONFLICT with details.conflicts ({ path, kind, reason, hunks }).
 * As with `applyPatchSet`, only who builds the tree can see a directory where a file is to be.
 */
export async function landPatchSet(set: PatchSet, branch: Branch): Promise<LandedFile[]> {
	return land(set, branch, (change) => change)
}

/**
 * The files that take a landed set back and keep what came later: the reverse three-way merge. Errors as for `landPatchSet`; a set
 * that is not there any more comes back as `already-applied`.
 */
export async function revertPatchSet(set: PatchSet, branch: Branch): Promise<LandedFile[]> {
	return land(set, branch, reversed)
}

async function land(set: PatchSet, branch: Branch, turn: (change: ContentChange) => ContentChange): Promise<LandedFile[]> {
	const landed: LandedFile[] = []
	const conflicts: FileConflict[] = []
	for await (const made of changesOf(set, branch.readBase, branch.readBaseMode)) {
		const change = turn(made)
		const { path, from } = change
		const result = landFile(change, await readNow(change, branch))
		if ('reason' in result) {
			conflicts.push(result)
			continue
		}
		const { landing, content, mode } = result
		const blob = content === null ? null : await blobId(content)
		const moved = from === undefined || landing === 'already-applied' ? {} : { from }
		landed.push({ path, ...moved, change: change.kind, mode, content, blob, landing })
	}
	conflicts.push(...(await blockedDirectories(landed, branch.readCurrent)))
	refuseConflicts(conflicts)
	return landed
}

async function readNow({ path, from }: ContentChange, { readCurrent, readCurrentMode }: Branch): Promise<Current> {
	const [atPath, atFrom] = [await readCurrent(path), from === undefined ? null : await readCurrent(from)]
	return { atPath, atFrom, mode: (await readCurrentMode?.(atFrom === null ? path : (from ?? path))) ?? null }
}

/** A file of the branch that stands where a directory of a new file will be, unless the set takes it away. */
async function blockedDirectories(landed: readonly LandedFile[], readCurrent: ReadBase): Promise<FileConflict[]> {
	const leaving = new Set(landed.flatMap(({ path, from, content }) => (content === null ? [path] : from === undefined ? [] : [from])))
	const conflicts: FileConflict[] = []
	const seen = new Set<string>()
	for (const { path, change, landing } of landed) {
		if (landing === 'already-applied' || (change !== 'create' && change !== 'rename')) continue
		for (const parent of parentDirectories(path)) {
			if (seen.has(parent)) continue
			seen.add(parent)
			if (leaving.has(parent) || (await readCurrent(parent)) === null) continue
			conflicts.push({ path, kind: 'file-directory', reason: `${JSON.stringify(parent)} is a file on the branch`, hunks: [] })
		}
	}
	return conflicts
}
