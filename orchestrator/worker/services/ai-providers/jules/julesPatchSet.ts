import { patchSetFromUnidiff } from '@shared/ai-patch'
import { AppError, FileMode, PatchSet } from '@shared/contracts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { createBaseTree, readTree } from '../../git/baseTree.ts'
import { withStore } from './julesContext.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import type { JulesChangeSet } from './julesTypes.ts'

const MAX_SUMMARY_CHARS = 20_000

/**
 * The change set of a session as the patch set of the execution, every hunk proved against the commit that Jules names. Throws
 * PROVIDER_OUTPUT_INVALID when there is no such commit, the PATCH_ codes of `patchSetFromUnidiff`, and GIT_UPSTREAM.
 */
export function julesPatchSet(deps: Pick<JulesHandlerDeps, 'storeOf'>, execution: Execution, made: { changeSet: JulesChangeSet; patchSetId: string }): Promise<PatchSet> {
	const { executionId, taskId, orderId, workspaceId, provider } = execution
	const { unidiffPatch, baseCommitId, suggestedCommitMessage } = made.changeSet
	return withStore(deps, workspaceId, async (store) => {
		const baseCommit = baseCommitId ?? execution.baseCommit ?? ''
		const commit = await store.readCommit(baseCommit)
		if (commit === null) throw new AppError('PROVIDER_OUTPUT_INVALID', `Jules made its change on the commit ${baseCommit}, which the workspace does not have.`, { baseCommit })
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
