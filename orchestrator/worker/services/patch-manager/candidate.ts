import { applyPatchSet, landPatchSet } from '@shared/ai-patch'
import type { AppliedFile, Landing } from '@shared/ai-patch'
import { AppError, FileMode, isAppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import type { LandedFileRow } from '../../database/repositories/landedFiles.ts'
import type { PatchSetRecord } from '../../database/repositories/patchSets.ts'
import { createBaseTree, MERGE_LIMITS, READ_LIMITS } from '../git/baseTree.ts'
import type { BaseTree } from '../git/baseTree.ts'
import type { Commit, GitStore } from '../git/gitStore.ts'
import { makeCommit } from '../git/objects.ts'
import type { GitObject, Person } from '../git/objects.ts'
import { buildTree } from '../git/treeBuilder.ts'
import { commitMessage } from './commitMessage.ts'

export interface BuiltCandidate {
	commit: string
	tree: string
	parent: string
	objects: GitObject[]
	/** What changes on the branch; empty when it has all of the set already, and then `commit` is its head. */
	files: LandedFileRow[]
	merged: string[]
	alreadyApplied: string[]
}

export interface CandidateText {
	record: PatchSetRecord
	message: string
	author: Person
	/** Who allowed what the policy asks a person about. */
	approvedBy: string | null
}

interface LandedChange extends AppliedFile {
	landing: Landing
}

/** How long a file is shows when it is here, so few are on their way at once. */
const READS_AT_ONCE = 4

/**
 * A patch set as one new commit on `onto`, in memory. Where that is the base of the set it is applied; where the branch has moved on it
 * is merged with what is there now. The commit is made of set, record and parent only, so building it again gives the same id.
 *
 * Throws PATCH_STALE when the workspace lacks the base, PATCH_CONFLICT with the hunks, NO_CHANGES, and what applying and tree building throw.
 */
export async function buildCandidate(store: GitStore, set: PatchSet, { onto, text }: { onto: string; text: CandidateText }): Promise<BuiltCandidate> {
	const base = await readBaseCommit(store, set)
	const head = onto === base.id ? base : await readHead(store, onto)
	const isSameTree = head.tree === base.tree
	const headTree = createBaseTree(store, head.tree, isSameTree ? READ_LIMITS : MERGE_LIMITS)
	const landed = isSameTree ? await applied(set, headTree) : await merged(store, set, { base, headTree })
	const changes = landed.filter(({ landing }) => landing !== 'already-applied')
	const pathsOf = (landing: Landing) => landed.flatMap((file) => (file.landing === landing ? [file.path] : []))
	const { tree, objects } = await buildTree(store, head.tree, changes).catch((error: unknown) => {
		throw isSameTree ? error : asConflict(error)
	})
	const told = { tree, parent: onto, merged: pathsOf('merged'), alreadyApplied: pathsOf('already-applied') }
	if (tree === head.tree) {
		if (isSameTree) throw new AppError('NO_CHANGES', 'The patch set leaves every file as it was, so there is nothing to land.')
		return { ...told, commit: onto, objects: [], files: [] }
	}
	const commit = await makeCommit({ tree, parents: [onto], author: text.author, at: text.record.createdAt, message: messageOf(set, text) })
	return { ...told, commit: commit.id, objects: [...objects, commit], files: await rowsOf(changes, headTree) }
}

async function readBaseCommit(store: GitStore, set: PatchSet): Promise<Commit> {
	await store.readAhead(set.base_commit, set.files.flatMap(({ base_blob }) => base_blob ?? []))
	const base = await store.readCommit(set.base_commit)
	if (base !== null) return base
	throw new AppError('PATCH_STALE', `The workspace has no commit ${set.base_commit}, which the set was made against.`, { expected: set.base_commit, actual: null })
}

async function readHead(store: GitStore, onto: string): Promise<Commit> {
	await store.readAhead(onto, [])
	const head = await store.readCommit(onto)
	if (head === null) throw new AppError('GIT_UPSTREAM', `The workspace does not have the commit ${onto} that its branch stands at. Try again.`)
	return head
}

async function applied(set: PatchSet, tree: BaseTree): Promise<LandedChange[]> {
	await readAhead(tree, set, READS_AT_ONCE)
	return (await applyPatchSet(set, tree.readBase)).map((file) => ({ ...file, landing: 'applied' }))
}

async function merged(store: GitStore, set: PatchSet, { base, headTree }: { base: Commit; headTree: BaseTree }): Promise<LandedChange[]> {
	const baseTree = createBaseTree(store, base.tree, MERGE_LIMITS)
	await Promise.all([baseTree, headTree].map((tree) => readAhead(tree, set, READS_AT_ONCE / 2)))
	const modeIn = (tree: BaseTree) => async (path: string) => FileMode.safeParse((await tree.entryAt(path))?.mode).data ?? null
	return await landPatchSet(set, { readBase: baseTree.readBase, readCurrent: headTree.readBase, readBaseMode: modeIn(baseTree), readCurrentMode: modeIn(headTree) })
}

/** Reads the files side by side. What fails here fails again, in the order of the set, when the patch engine asks for it. */
async function readAhead(tree: BaseTree, set: PatchSet, atOnce: number): Promise<void> {
	const paths = set.files.values()
	const reader = async () => {
		for (const { path, from, base_blob } of paths) {
			await (base_blob === null ? tree.entryAt(path) : tree.readBase(from ?? path)).catch(() => undefined)
		}
	}
	await Promise.all(Array.from({ length: atOnce }, reader))
}

async function rowsOf(changes: readonly LandedChange[], headTree: BaseTree): Promise<LandedFileRow[]> {
	const rows: LandedFileRow[] = []
	for (const { path, from = null, landing, blob } of changes) {
		const before = await headTree.entryAt(from ?? path)
		rows.push({ path, from, landing: landing === 'merged' ? 'merged' : 'applied', oldBlob: before?.id ?? null, newBlob: blob })
	}
	return rows
}

function messageOf(set: PatchSet, { record, message, approvedBy }: CandidateText): string {
	const trailers = { Order: record.orderId, Task: record.taskId, Execution: record.executionId, 'Patch-Set': record.patchSetId, Provider: set.metadata.provider, Reverts: record.reverts, 'Approved-By': approvedBy }
	return commitMessage(message, Object.fromEntries(Object.entries(trailers).flatMap(([key, value]) => (value === null ? [] : [[key, value]]))))
}

/** A directory in the way shows only when the tree is built; on a branch that moved on it is a conflict like the others. */
function asConflict(error: unknown): unknown {
	if (!isAppError(error) || error.code !== 'PATCH_STALE') return error
	return new AppError('PATCH_CONFLICT', error.message, { conflicts: [{ path: error.details?.['path'] ?? '', kind: 'file-directory', reason: error.message, hunks: [] }] })
}
