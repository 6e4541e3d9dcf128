// For tests only.
import type { PatchSet } from '@shared/contracts'
import { applyPatchSet } from '../apply.ts'
import { readFrom, type Tree } from './gitRepository.ts'

/** The whole tree after the set; `tree` stays as it is. */
export async function applyToTree(tree: Tree, set: PatchSet): Promise<Tree> {
	const applied = await applyPatchSet(set, readFrom(tree))
	const after: Tree = new Map(tree)
	for (const { path, from, content } of applied) {
		if (from !== undefined) after.delete(from)
		if (content === null) after.delete(path)
	}
	for (const { path, content, mode } of applied) if (content !== null) after.set(path, { content, mode })
	return after
}
