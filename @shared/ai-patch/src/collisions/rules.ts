import type { FileChange, PatchSet } from '@shared/contracts'
import { checkPatchSet, type PlannedFile } from '../checkPatchSet.ts'

/** One file of one of the sets. */
export interface Entry {
	/** Where the set and the file stand in their lists. */
	set: number
	index: number
	id: string
	file: FileChange
	operations: PlannedFile['operations']
}

/** Pairs of whole files; `lines` where it is for the lines to say. */
export type WholeKind = 'delete-modify' | 'add-add' | 'rename'

export function entriesOf(set: PatchSet, position: number): Entry[] {
	return checkPatchSet(set).map(({ file, operations }, index) => ({ set: position, index, id: set.patch_set_id, file, operations }))
}

export function pathsOf({ path, from }: FileChange): string[] {
	return from === undefined ? [path] : [path, from]
}

/** The first path that both name; two entries may meet at two. */
export function sharedPath(first: FileChange, second: FileChange): string | undefined {
	return pathsOf(first).find((path) => second.path === path || second.from === path)
}

/** The same change in both, or one that was made on the result of the other. */
export function isSettled(one: FileChange, other: FileChange): boolean {
	if (one.result_blob === other.result_blob && one.path === other.path && one.from === other.from && one.mode === other.mode) return true
	return isMadeOn(other, one) || isMadeOn(one, other)
}

function isMadeOn(later: FileChange, earlier: FileChange): boolean {
	// A change that leaves the content alone does not show in what the other was made on.
	const isSeen = earlier.change === 'rename' || earlier.base_blob !== earlier.result_blob
	return isSeen && earlier.result_blob !== null && earlier.result_blob === later.base_blob && (later.from ?? later.path) === earlier.path
}

/** How two changes of one path that are not settled collide, whatever their lines. */
export function wholeKind(one: FileChange, other: FileChange): WholeKind | 'lines' | null {
	const changes = [one.change, other.change]
	if (changes.includes('rename')) return 'rename'
	if (changes.includes('create')) return one.change === other.change ? 'add-add' : null
	if (changes.includes('delete')) return 'delete-modify'
	// A mode beside an edit, or beside the same mode: neither is in the way of the other.
	return changes.includes('mode') ? null : 'lines'
}
