import { AppError, isAppError, PatchSetId } from '@shared/contracts'
import type { Failure } from '@shared/contracts'
import type { Statement } from '../../../database/client.ts'
import type { Execution } from '../../../database/repositories/executions.ts'
import { changePatchSet } from '../../../database/repositories/patchSets.ts'
import { toFailure } from '../../executions/failures.ts'
import { changeSetOf } from './julesChangeSet.ts'
import type { JulesClient } from './julesClient.ts'
import type { JulesHandlerDeps } from './julesContext.ts'
import type { JulesMemory, JulesResult } from './julesMemory.ts'
import { julesPatchSet } from './julesPatchSet.ts'
import type { JulesChangeSet } from './julesTypes.ts'
import type { Collection } from './julesWatch.ts'

interface Reading {
	execution: Execution
	sessionId: string
	client: Pick<JulesClient, 'getActivity'>
	memory: JulesMemory
}

export type TakenResult = { failure: null; result: JulesResult; statements: Statement[] } | { failure: Failure }

/** What a session has made, kept as patch sets. */
export function createJulesResults(deps: Pick<JulesHandlerDeps, 'db' | 'now' | 'storeOf' | 'githubOf' | 'storeStatements' | 'rawPatches'>) {
	async function readChangeSet({ sessionId, client }: Reading, activityId: string | null): Promise<JulesChangeSet | null> {
		if (activityId === null) return null
		return changeSetOf({ session: null, activities: [await client.getActivity({ session: sessionId, activity: activityId })] })
	}

	/** What cannot be taken over is a failure with its reason; what can be on another try is thrown. */
	async function store(reading: Reading, { changeSet, key, patchSetId }: { changeSet: JulesChangeSet | null; key: string; patchSetId: PatchSetId }): Promise<TakenResult> {
		const { execution } = reading
		if (changeSet === null || changeSet.unidiffPatch.trim() === '') return { failure: { code: 'NO_CHANGES', message: 'Jules has completed its session and changed nothing.' } }
		try {
			const set = await julesPatchSet(deps, execution, { changeSet, patchSetId })
			const { statements } = await deps.storeStatements(set, { workerName: execution.workerName })
			return { failure: null, result: { patchSetId, baseCommit: set.base_commit, key, at: deps.now() }, statements }
		} catch (error) {
			if (!isAppError(error) || (error.retryable && error.code !== 'PROVIDER_OUTPUT_INVALID')) throw error
			const rawPatch = await deps.rawPatches.keep(execution.executionId, changeSet.unidiffPatch)
			return { failure: toFailure(new AppError(error.code, `${error.message} What Jules handed in is kept: GET ${rawPatch}`, { ...error.details, rawPatch })) }
		}
	}

	return {
		/** The result of the session. One that comes after another takes its place: the earlier set is kept as evidence. Throws what the client throws. */
		async take(reading: Reading, collection: Collection): Promise<TakenResult> {
			const { memory } = reading
			const changeSet = collection.changeSet ?? (await readChangeSet(reading, collection.changeSetActivityId))
			const patchSetId = memory.result === null ? memory.patchSetId : PatchSetId.parse(`${memory.patchSetId}~2`)
			const taken = await store(reading, { changeSet, key: collection.key, patchSetId })
			if (taken.failure !== null || memory.result === null) return taken
			const replaced = changePatchSet({ patchSetId: memory.result.patchSetId, status: 'evidence', error: `Jules changed its result afterwards: ${patchSetId}.`, at: deps.now() })
			return { ...taken, statements: [...taken.statements, replaced] }
		},

		/** What there is of a session that ended without a result; null when it wrote nothing, or when nobody can read it any more. */
		async takePartial(reading: Reading): Promise<TakenResult | null> {
			const { watch, patchSetId } = reading.memory
			try {
				const changeSet = await readChangeSet(reading, watch.changeSetActivityId)
				return changeSet === null ? null : await store(reading, { changeSet, key: `${reading.sessionId}/partial`, patchSetId })
			} catch (error) {
				if (!isAppError(error)) throw error
				return { failure: toFailure(error) }
			}
		},
	}
}
export type JulesResults = ReturnType<typeof createJulesResults>
