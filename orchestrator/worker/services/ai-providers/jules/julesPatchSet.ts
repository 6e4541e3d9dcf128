import { patchSetFromUnidiff } from '@shared/ai-patch'
import { AppError, FileMode, PatchSet } from '@shared/contracts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { createBaseTree, readTree } from '../../git/baseTree.ts'
import type { GitStore } from '../../git/gitStore.ts'
import { withStore } from './julesContext.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import type { JulesChangeSet } from './julesTypes.ts'

/** The longest patch that is taken over, in characters. */
const MAX_PATCH_CHARS = 8 * 1024 * 1024
const GIT_ID = /^[0-9a-f]{40}$/
const MAX_SUMMARY_CHARS = 20_000
/** How many commits may have landed on a branch while the session ran. */
const MAX_NEWER_COMMITS = 100

/**
 * The change set of a session as the patch set of the execution, every hunk proved against the commit that Jules names. Throws
 * PATCH_TOO_LARGE, PROVIDER_OUTPUT_INVALID when there is no such commit, the PATCH_ codes of `patchSetFromUnidiff`, and GIT_UPSTREAM.
 */
export async function julesPatchSet(deps: Pick<JulesHandlerDeps, 'storeOf' | 'githubOf'>, execution: Execution, made: { changeSet: JulesChangeSet; patchSetId: string }): Promise<PatchSet> {
	const { executionId, taskId, orderId, workspaceId, provider } = execution
	const { unidiffPatch, baseCommitId, suggestedCommitMessage } = checked(made.changeSet)
	return withStore(deps, workspaceId, async (store) => {
		const baseCommit = baseCommitId ?? execution.baseCommit ?? ''
		const commit = await store.readCommit(baseCommit)
		const isOurs = commit !== null && (baseCommit === execution.baseCommit || (await isOnBranch(store, baseCommit, await branchesOf(deps, execution))))
		if (commit === null || !isOurs) throw new AppError('PROVIDER_OUTPUT_INVALID', `Jules made its change on the commit ${baseCommit}, which the branches of the order do not have.`, { baseCommit })
		const isOnNothing = baseCommitId === null && (await readTree(store, commit.tree)).length > 0
		if (isOnNothing) throw new AppError('PROVIDER_OUTPUT_INVALID', `Jules made its change on an empty tree, and the base ${baseCommit} of the workspace has files.`, { baseCommit })
		const base = createBaseTree(store, commit.tree)
		const readBaseMode = async (path: string) => FileMode.safeParse((await base.entryAt(path))?.mode).data ?? null
		const { files, patches } = await patchSetFromUnidiff({ unidiff: unidiffPatch, readBase: base.readBase, readBaseMode, taskId, provider })
		const set = PatchSet.safeParse({
			patch_set_id: made.patchSetId,
			task_id: taskId,
			execution_id: executionId,
			order_id: orderId,
			base_commit: baseCommit,
			files,
			patches,
			summary: suggestedCommitMessage.slice(0, MAX_SUMMARY_CHARS),
			metadata: { provider },
		})
		if (!set.success) throw new AppError('PATCH_INVALID', `The change of Jules does not fit into a patch set: ${set.error.issues[0]?.path.join('.')}: ${set.error.issues[0]?.message}.`)
		return set.data
	})
}

function checked(changeSet: JulesChangeSet): JulesChangeSet {
	const { unidiffPatch, baseCommitId } = changeSet
	if (unidiffPatch.length > MAX_PATCH_CHARS) {
		throw new AppError('PATCH_TOO_LARGE', `The patch of Jules has ${unidiffPatch.length} characters; at most ${MAX_PATCH_CHARS} are taken. Split the task.`, { chars: unidiffPatch.length, limit: MAX_PATCH_CHARS })
	}
	if (baseCommitId !== null && !GIT_ID.test(baseCommitId)) {
		throw new AppError('PROVIDER_OUTPUT_INVALID', `Jules names ${JSON.stringify(baseCommitId.slice(0, 80))} as the base of its patch, which is not a commit.`)
	}
	return changeSet
}

async function branchesOf({ githubOf }: Pick<JulesHandlerDeps, 'githubOf'>, { workspaceId, input }: Execution): Promise<string[]> {
	const github = await githubOf(workspaceId)
	return github === null ? [] : [input.branch, github.branch]
}

/** GitHub hands out the commits of every fork, so that a commit exists says nothing about whose it is. */
async function isOnBranch(store: GitStore, wanted: string, branches: readonly string[]): Promise<boolean> {
	const heads = await store.readRefs(branches.map((branch) => `refs/heads/${branch}`))
	for (const head of new Set(heads.values())) {
		let at: string | undefined = head
		for (let count = 0; at !== undefined && count < MAX_NEWER_COMMITS; count++) {
			if (at === wanted) return true
			at = (await store.readCommit(at))?.parents[0]
		}
	}
	return false
}
