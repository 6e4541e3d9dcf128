import { applyPatchSet } from '@shared/ai-patch'
import { AppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import type { PatchSetRecord } from '../../database/repositories/patchSets.ts'
import { createBaseTree } from '../git/baseTree.ts'
import type { BaseTree } from '../git/baseTree.ts'
import type { GitStore } from '../git/gitStore.ts'
import { makeCommit } from '../git/objects.ts'
import type { GitObject, Person } from '../git/objects.ts'
import { buildTree } from '../git/treeBuilder.ts'
import { commitMessage } from './commitMessage.ts'

export interface BuiltCandidate {
	commit: string
	tree: string
	objects: GitObject[]
}

const READS_AT_ONCE = 8

/**
 * Base commit and patch set as one new commit, in memory. The commit is made of the set and its record only, so building it again gives
 * the same id. Throws PATCH_STALE when the workspace lacks the base, NO_CHANGES, and what applying and tree building throw.
 */
export async function buildCandidate(store: GitStore, set: PatchSet, about: { record: PatchSetRecord; message: string; author: Person }): Promise<BuiltCandidate> {
	await store.readAhead(set.base_commit, set.files.flatMap(({ base_blob }) => base_blob ?? []))
	const base = await store.readCommit(set.base_commit)
	if (base === null) {
		throw new AppError('PATCH_STALE', `The workspace has no commit ${set.base_commit}, which the set was made against.`, { expected: set.base_commit, actual: null })
	}
	const baseTree = createBaseTree(store, base.tree)
	await readAhead(baseTree, set)
	const { tree, objects } = await buildTree(store, base.tree, await applyPatchSet(set, baseTree.readBase))
	if (tree === base.tree) throw new AppError('NO_CHANGES', 'The patch set leaves every file as it was, so there is nothing to land.')
	const { record, message, author } = about
	const trailers = { Order: record.orderId, Task: record.taskId, Execution: record.executionId, 'Patch-Set': record.patchSetId, Provider: set.metadata.provider }
	const commit = await makeCommit({ tree, parents: [set.base_commit], author, at: record.createdAt, message: commitMessage(message, trailers) })
	return { commit: commit.id, tree, objects: [...objects, commit] }
}

/** Reads the bases side by side. What fails here fails again, in the order of the set, when the patch engine asks for it. */
async function readAhead(baseTree: BaseTree, set: PatchSet): Promise<void> {
	const paths = set.files.values()
	const reader = async () => {
		for (const { path, from, base_blob } of paths) {
			await (base_blob === null ? baseTree.entryAt(path) : baseTree.readBase(from ?? path)).catch(() => undefined)
		}
	}
	await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
}
