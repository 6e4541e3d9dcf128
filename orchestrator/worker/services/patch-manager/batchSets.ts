import { patchSetFromContents, patchSetFromPatches, revertPatchSet } from '@shared/ai-patch'
import type { FileContents, LandedFile } from '@shared/ai-patch'
import { AppError, FileMode, isAppError, PatchSet } from '@shared/contracts'
import type { PatchBatch, PatchResult, ScopeEntry, WorkspacePolicy } from '@shared/contracts'
import type { PatchSetRecord } from '../../database/repositories/patchSets.ts'
import { createBaseTree, MERGE_LIMITS } from '../git/baseTree.ts'
import type { BaseTree, ReadLimits } from '../git/baseTree.ts'
import type { GitStore } from '../git/gitStore.ts'
import type { Ids } from '../ids.ts'
import { buildCandidate } from './candidate.ts'
import { boundError, boundPaths } from './conflicts.ts'
import type { PatchStore } from './patchStore.ts'
import { describeHits, judgePolicy, policyError } from './policy.ts'

export interface BatchSetsDeps {
	ids: Pick<Ids, 'patchSet'>
	storeFor: (workspaceId: string) => Promise<GitStore>
	patches: Pick<PatchStore, 'mustFind' | 'load' | 'recordOfExecution'>
	policyOf: (workspaceId: string) => Promise<WorkspacePolicy>
	tripwires: () => readonly string[]
	/** What a task may touch; null means anything. */
	scopeOf: (taskId: string) => Promise<readonly ScopeEntry[] | null>
}

/** A set that has landed, and where. */
export type LandedSet = PatchSetRecord & { workspaceId: string; branch: string }

/** The sets of batches: made from patches, found again, or made as the reverse of one that landed. */
export function createBatchSets({ ids, storeFor, patches, policyOf, tripwires, scopeOf }: BatchSetsDeps) {
	async function withStore<T>(workspaceId: string, use: (store: GitStore) => Promise<T>): Promise<T> {
		const store = await storeFor(workspaceId)
		try {
			return await use(store)
		} catch (error) {
			throw boundError(error)
		} finally {
			store.dispose()
		}
	}

	/** Throws PATCH_BASE_REQUIRED for patches without a base, PATCH_STALE for a base that the workspace lacks, and what making the set throws. */
	async function fromPatches(batch: PatchBatch & { batchId: string }): Promise<{ set: PatchSet }> {
		const { patches: given = [], baseCommit, batchId, reason, requester } = batch
		const own = { patch_set_id: ids.patchSet(), execution_id: batchId, ...(batch.orderId === undefined ? {} : { order_id: batch.orderId }) }
		if (!Array.isArray(given)) {
			if (baseCommit !== undefined && baseCommit !== given.base_commit) throw new AppError('INVALID_INPUT', `The batch says base ${baseCommit}, its patch set ${given.base_commit}. Give one of them.`)
			return { set: { ...given, ...own } }
		}
		if (baseCommit === undefined) await patchSetFromPatches(given, { readBase: null })
		const commit = baseCommit ?? ''
		const made = await withStore(batch.workspaceId, async (store) => {
			const tree = await treeOf(store, commit)
			return patchSetFromPatches(given, { readBase: tree.readBase, readBaseMode: modeIn(tree) })
		})
		const provider = given[0]?.metadata.provider ?? requester ?? 'person'
		const summary = reason ?? `Apply ${given.length} patches`
		const { files, patches: exact } = made
		return { set: PatchSet.parse({ ...own, task_id: given[0]?.task_id ?? '', base_commit: commit, files, patches: exact, summary, metadata: { provider } }) }
	}

	/** A kept set, whatever became of it. Throws FORBIDDEN where it belongs to another workspace. */
	async function again(record: PatchSetRecord, workspaceId: string): Promise<{ set: PatchSet }> {
		if (record.workspaceId !== null && record.workspaceId !== workspaceId) throw new AppError('FORBIDDEN', `Patch set ${record.patchSetId} was made in workspace ${record.workspaceId}, so it cannot land in ${workspaceId}.`)
		return { set: await patches.load(record.patchSetId) }
	}

	/** A set that an agent made is held to the scope of its task however it is landed; an undo, and what was never a task's, to none. */
	async function scopeOfSet({ executionId, taskId }: Pick<PatchSetRecord, 'executionId' | 'taskId'>): Promise<readonly ScopeEntry[] | null> {
		return executionId === null || taskId === null ? null : scopeOf(taskId)
	}

	/** What would become of the set now. Nothing is written and nobody is asked. */
	async function dryRun({ batchId, branch, workspaceId, set, scope }: { batchId: string; branch: string; workspaceId: string; set: PatchSet; scope: readonly ScopeEntry[] | null }): Promise<PatchResult> {
		const total = set.patches.length
		const told = { batchId, patchSetId: set.patch_set_id, branch, merged: [], alreadyApplied: [] }
		try {
			const verdict = judgePolicy(set, { rules: await policyOf(workspaceId), scope, tripwires: tripwires() })
			if (verdict.outcome === 'refuse') throw policyError(verdict.refused)
			const errors = verdict.outcome === 'allow' ? [] : [{ code: 'PATCH_POLICY', message: `A person would have to decide: ${describeHits(verdict.asked)}.` }]
			const { merged, alreadyApplied } = await withStore(workspaceId, async (store) => {
				const head = await store.readRef(`refs/heads/${branch}`)
				return buildCandidate(store, set, { onto: head ?? set.base_commit, text: { record: recordFor(set), message: set.summary, author: NOBODY, approvedBy: null } })
			})
			return { ...told, status: 'dry-run', success: true, appliedOperations: total, failedOperations: 0, errors, merged: boundPaths(merged), alreadyApplied: boundPaths(alreadyApplied) }
		} catch (error) {
			if (!isAppError(error) || !(error.code.startsWith('PATCH_') || error.code === 'NO_CHANGES')) throw error
			const { code, message, details } = error
			return { ...told, status: code === 'PATCH_CONFLICT' ? 'conflict' : 'refused', success: false, appliedOperations: 0, failedOperations: total, errors: [{ code, message, ...(details ? { details } : {}) }] }
		}
	}

	/** By the id of a set or of the execution that made it. Throws PATCH_NOT_FOUND, and PATCH_INVALID for a set that has not landed. */
	async function landedSet(id: string): Promise<LandedSet> {
		const record = (await patches.recordOfExecution(id)) ?? (await patches.mustFind(id))
		const { workspaceId, branch, status } = record
		if (workspaceId === null || branch === null || status !== 'landed') throw new AppError('PATCH_INVALID', `Patch set ${record.patchSetId} is ${status}, so there is nothing to take back.`, { status })
		return { ...record, workspaceId, branch }
	}

	/** A set on the branch as it stands that takes a landed one back and keeps later work. Throws PATCH_CONFLICT with the hunks, NO_CHANGES when it is not there any more. */
	async function reverse(landed: LandedSet, how: { batchId: string; branch: string; reason: string | undefined }): Promise<PatchSet> {
		const set = await patches.load(landed.patchSetId)
		return withStore(landed.workspaceId, async (store) => {
			const head = await store.readRef(`refs/heads/${how.branch}`)
			if (head === null) throw new AppError('PATCH_STALE', `The branch ${how.branch} does not exist any more.`, { branch: how.branch })
			const [base, current] = await Promise.all([treeOf(store, set.base_commit, MERGE_LIMITS), treeOf(store, head, MERGE_LIMITS)])
			const modes = { readBaseMode: modeIn(base), readCurrentMode: modeIn(current) }
			const changes = await revertPatchSet(set, { readBase: base.readBase, readCurrent: current.readBase, ...modes })
			const contents = await Promise.all(changes.filter(({ landing }) => landing !== 'already-applied').map((file) => contentsOf(file, current)))
			const made = await patchSetFromContents(contents, { taskId: set.task_id, provider: 'vibehq' })
			if (made.files.length === 0) throw new AppError('NO_CHANGES', `Nothing of patch set ${landed.patchSetId} is on ${how.branch} any more.`)
			const summary = `Take back patch set ${landed.patchSetId}${how.reason === undefined ? '' : `\n\n${how.reason}`}`
			const order = landed.orderId === null ? {} : { order_id: landed.orderId }
			return { ...made, ...order, patch_set_id: ids.patchSet(), task_id: set.task_id, execution_id: how.batchId, base_commit: head, summary, metadata: { provider: 'vibehq' } }
		})
	}

	return { fromPatches, again, scopeOfSet, dryRun, landedSet, reverse }
}
export type BatchSets = ReturnType<typeof createBatchSets>

const NOBODY = { name: 'VibeHQ', email: 'factory@vibehq.invalid' }

async function treeOf(store: GitStore, commit: string, limits?: ReadLimits): Promise<BaseTree> {
	await store.readAhead(commit, [])
	const found = await store.readCommit(commit)
	if (found === null) throw new AppError('PATCH_STALE', `The workspace has no commit ${commit}. Name one that it has.`, { expected: commit, actual: null })
	return createBaseTree(store, found.tree, limits)
}

const modeIn = (tree: BaseTree) => async (path: string) => FileMode.safeParse((await tree.entryAt(path))?.mode).data ?? null

async function contentsOf({ path, from, content, mode }: LandedFile, current: BaseTree): Promise<FileContents> {
	const source = from ?? path
	const modeBefore = await modeIn(current)(source)
	return { path, ...(from === undefined ? {} : { from }), before: await current.readBase(source), after: content, modeBefore, mode: content === null ? (modeBefore ?? mode) : mode }
}

/** A commit that nobody keeps needs a record all the same. */
function recordFor(set: PatchSet): PatchSetRecord {
	return {
		patchSetId: set.patch_set_id, executionId: null, taskId: null, orderId: null, baseCommit: set.base_commit, body: null, objectKey: null, sha256: '', sizeBytes: 0,
		fileCount: set.files.length, patchCount: set.patches.length, status: 'stored', error: null, workspaceId: null, branch: null, landedCommit: null, landedAt: null, reverts: null, createdAt: 0,
	}
}
