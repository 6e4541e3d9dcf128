import { AppError } from '@shared/contracts'
import type { Failure, ScopeEntry } from '@shared/contracts'
import { enterPhase } from '../../database/repositories/executions.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import type { Asked, Landing, LandingPlan } from '../patch-manager/landing.ts'
import type { Advanced, Candidate } from '../patch-manager/patchProcessor.ts'
import { createStepRecords } from './stepRecords.ts'
import type { StepRecordsDeps } from './stepRecords.ts'

export interface LandingStepsDeps extends StepRecordsDeps {
	landing: Landing
	/** What the task may touch; null means anything. */
	scopeOf: (taskId: string) => Promise<readonly ScopeEntry[] | null>
}

/** The steps of `landing.ts` for the set of an execution, each with its phase and its line in the log of the execution. */
export function createLandingSteps(deps: LandingStepsDeps) {
	const { db, now } = deps
	const { live, record } = createStepRecords(deps)

	/** How the set of the execution lands. */
	function planOf(execution: Execution): LandingPlan {
		const { executionId, orderId, taskId, workspaceId, workerName, input } = execution
		const [patchSetId, baseCommit] = [patchSetOf(execution), execution.baseCommit]
		if (baseCommit === null) throw new AppError('WORKSPACE_NOT_FOUND', `Execution ${executionId} has no base commit.`)
		return { subjectId: executionId, patchSetId, workspaceId, branch: input.branch, orderId, executionId, baseCommit, scopeOf: () => deps.scopeOf(taskId), validate: input.validate, workerName }
	}

	/** Throws PATCH_POLICY; a set that a person has to look at has a request that waits. */
	async function policy(executionId: string): Promise<Asked> {
		const execution = await live(executionId)
		const checkedAt = now()
		const asked = await deps.landing.policy(planOf(execution))
		await record(execution, { phases: [['policy', checkedAt]], operation: asked.requestId === null ? 'patch.policy-passed' : 'patch.policy-asks', details: { patchSetId: execution.patchSetId, ...asked } })
		return asked
	}

	/** Whether the person has said yes; PATCH_REJECTED for a no. While it waits the sweeper leaves the execution alone. */
	async function decision(executionId: string, { requestId, lookAgainAt }: { requestId: string; lookAgainAt: number }): Promise<{ isPending: boolean }> {
		const execution = await live(executionId)
		const startedAt = now()
		const plan = planOf(execution)
		const { isPending } = await deps.landing.decision(plan, requestId)
		if (isPending) await db.run(enterPhase({ executionId, phase: 'approval', at: startedAt, seenAt: lookAgainAt }))
		return { isPending }
	}

	/** Branch + patch set = candidate commit, pushed to a reference that nobody works on. */
	async function makeCandidate(executionId: string): Promise<Candidate> {
		const execution = await live(executionId)
		const startedAt = now()
		const candidate = await deps.landing.makeCandidate(planOf(execution))
		await record(execution, {
			phases: [['candidate', startedAt]],
			change: { candidate_commit: candidate.commit, candidate_tree: candidate.tree },
			operation: 'patch.candidate',
			onceKey: candidate.commit,
			details: { ...candidate },
		})
		return candidate
	}

	async function validate(executionId: string, candidate: Candidate): Promise<{ containerTaskId: string }> {
		const execution = await live(executionId)
		const startedAt = now()
		const { containerTaskId, commands } = await deps.landing.validate(planOf(execution), candidate)
		await record(execution, { phases: [['validate', startedAt]], change: { status: 'validating' }, operation: 'patch.validating', onceKey: candidate.commit, details: { containerTaskId, commands } })
		return { containerTaskId }
	}

	async function judge(executionId: string, validated: { candidate: Candidate; containerTaskId: string }): Promise<Asked & { failure: Failure | null }> {
		const execution = await live(executionId)
		const judged = await deps.landing.judge(planOf(execution), validated)
		await record(execution, { phases: [], operation: judged.failure ? 'patch.validation-failed' : 'patch.validated', onceKey: validated.candidate.commit, details: { containerTaskId: validated.containerTaskId, ...judged } })
		return judged
	}

	async function advance(executionId: string, candidate: Candidate): Promise<Advanced> {
		const execution = await live(executionId)
		const startedAt = now()
		const advanced = await deps.landing.advance(planOf(execution), candidate)
		const details = { branch: execution.input.branch, ...advanced }
		if (advanced.hasLanded) await record(execution, { phases: [['advance', startedAt]], change: { landed_commit: candidate.commit }, operation: 'patch.landed', onceKey: candidate.commit, details: { ...details, commit: candidate.commit } })
		else await record(execution, { phases: [], operation: 'patch.branch-moved', onceKey: candidate.commit, details })
		return advanced
	}

	return { policy, decision, makeCandidate, validate, judge, advance }
}
export type LandingSteps = ReturnType<typeof createLandingSteps>

function patchSetOf(execution: Execution): string {
	if (execution.patchSetId === null) throw new AppError('PATCH_NOT_FOUND', `Execution ${execution.executionId} has no patch set.`)
	return execution.patchSetId
}
