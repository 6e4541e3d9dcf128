import type { Database } from '../../../database/client.ts'
import type { Execution } from '../../../database/repositories/executions.ts'
import type { StepRecordsDeps } from '../../executions/stepRecords.ts'
import type { GitStore } from '../../git/gitStore.ts'
import type { HumanRequests } from '../../human-requests/humanRequests.ts'
import type { Ids } from '../../ids.ts'
import type { PatchStore } from '../../patch-manager/patchStore.ts'
import type { JulesClient } from './julesClient.ts'
import type { JulesBudget } from './julesPlanLimits.ts'
import type { JulesRawPatches } from './julesRawPatches.ts'
import type { WatchSettings } from './julesWatch.ts'

/** Where a workspace is on GitHub; `branch` is the one that its orders begin on. */
export interface GitHubPlace {
	owner: string
	repo: string
	branch: string
}

export interface JulesHandlerDeps extends StepRecordsDeps {
	db: Database
	now: () => number
	ids: Pick<Ids, 'patchSet'>
	/** Throws SECRET_MISSING. */
	client: () => Promise<JulesClient>
	budget: JulesBudget
	settings: WatchSettings
	/** Whether a person has to approve the plan before anything is written. */
	asksPlanApproval: (workspaceId: string) => Promise<boolean>
	/** Null for a workspace that is not on GitHub. */
	githubOf: (workspaceId: string) => Promise<GitHubPlace | null>
	storeOf: (workspaceId: string) => Promise<GitStore>
	storeStatements: PatchStore['storeStatements']
	rawPatches: Pick<JulesRawPatches, 'keep'>
	human: Pick<HumanRequests, 'ask' | 'get' | 'ofSubject'>
	/** How long a person has to answer, in ms. */
	answerTtlOf: (workspaceId: string) => Promise<number>
	/** Notes what the set of the execution touches. */
	noteSet: (execution: Execution, patchSetId: string) => Promise<void>
}

/** Uses a repository and lets go of it. */
export async function withStore<T>({ storeOf }: Pick<JulesHandlerDeps, 'storeOf'>, workspaceId: string, use: (store: GitStore) => Promise<T>): Promise<T> {
	const store = await storeOf(workspaceId)
	try {
		return await use(store)
	} finally {
		store.dispose()
	}
}
