import { AppError, ExecutionId, ValidateParameters } from '@shared/contracts'
import type { Failure, HumanRequest, ScopeEntry, WorkspacePolicy } from '@shared/contracts'
import type { TaskQueue } from '../container-tasks/taskQueue.ts'
import type { HumanRequests, Question } from '../human-requests/humanRequests.ts'
import { toFailure } from '../executions/failures.ts'
import { sha256Of } from '../sha256.ts'
import type { Advanced, Candidate, LandingSubject, PatchProcessor } from './patchProcessor.ts'
import { describeHits, outcomeOf, reported } from './policy.ts'
import { judgeValidation } from './validation.ts'

/** Everything that decides how one set lands. */
export interface LandingPlan extends LandingSubject {
	orderId: string | null
	/** Null for a batch without an agent. */
	executionId: string | null
	/** The commit that the set was made on. */
	baseCommit: string
	/** What the task may touch; null means anything. Only the policy asks. */
	scopeOf: () => Promise<readonly ScopeEntry[] | null>
	/** Commands of the order or batch; those of the workspace come before them. */
	validate: readonly string[]
	/** Text of the commit; the summary of the set when left out. */
	message?: string
	workerName: string
}

export interface LandingDeps {
	patches: Pick<PatchProcessor, 'load' | 'mustFind' | 'checkPolicy' | 'makeCandidate' | 'advance' | 'note'>
	queue: Pick<TaskQueue, 'submit' | 'get'>
	human: Pick<HumanRequests, 'ask' | 'get' | 'ofSubject'>
	policyOf: (workspaceId: string) => Promise<WorkspacePolicy>
	/** Values that may stand in no patch. */
	tripwires: () => readonly string[]
}

/** A step that may have to wait for a person. */
export interface Asked {
	/** The request that waits; null when there is nothing to ask. */
	requestId: string | null
}

const VALIDATION_MS = 10 * 60_000

/**
 * How a set lands: policy, where needed a person, candidate, validation, advance. The Workflows call these steps in that order, and from the
 * candidate on once more when the branch has moved meanwhile. Each may be run again after a crash.
 */
export function createLanding({ patches, queue, human, policyOf, tripwires }: LandingDeps) {
	const ask = async (plan: LandingPlan, question: Pick<Question, 'kind' | 'question' | 'details' | 'digest'>): Promise<Asked> => {
		const { approvalTtlMs } = await policyOf(plan.workspaceId)
		const request = await human.ask({ ...question, subjectId: plan.subjectId, orderId: plan.orderId, ttlMs: approvalTtlMs }, { workerName: plan.workerName })
		return { requestId: request.requestId }
	}

	/** Throws PATCH_POLICY. */
	async function policy(plan: LandingPlan): Promise<Asked> {
		const [record, set, rules, scope] = await Promise.all([patches.mustFind(plan.patchSetId), patches.load(plan.patchSetId), policyOf(plan.workspaceId), plan.scopeOf()])
		const { outcome, asked } = await patches.checkPolicy(plan, set, { rules, scope, tripwires: tripwires() })
		if (outcome !== 'ask') return { requestId: null }
		const question = `May patch set ${plan.patchSetId} land on ${plan.branch}? It breaks what a person has to decide on: ${describeHits(asked)}.`
		return ask(plan, { kind: 'patch-policy', question, details: { patchSetId: plan.patchSetId, ...reported(asked) }, digest: record.sha256 })
	}

	/** Whether the person has said yes. Throws PATCH_REJECTED for a no, and for no answer in time. */
	async function decision(plan: LandingPlan, requestId: string): Promise<{ isPending: boolean }> {
		const request = await human.get(requestId)
		if (request.status === 'pending') return { isPending: true }
		const details = { requestId, decidedBy: request.decidedBy, reason: request.reason, digest: request.digest }
		if (request.status === 'approved') {
			await patches.note(plan, { name: 'approved', status: 'stored', details, onceKey: requestId })
			return { isPending: false }
		}
		const error = refusal(request)
		await patches.note(plan, { name: 'rejected', status: 'refused', error: error.message, details, onceKey: requestId })
		throw error
	}

	/** The person who let the set pass the policy. The decision counts for the content that it was made on only. */
	async function approverOf(plan: LandingPlan): Promise<string | null> {
		const [record, requests] = await Promise.all([patches.mustFind(plan.patchSetId), human.ofSubject(plan.subjectId)])
		return requests.find(({ kind, status, digest }) => kind === 'patch-policy' && status === 'approved' && digest === record.sha256)?.decidedBy ?? null
	}

	/** Its validation is queued as soon as its tree is known, while it is pushed. Throws PATCH_*, NO_CHANGES, GIT_UPSTREAM. */
	async function makeCandidate(plan: LandingPlan): Promise<Candidate> {
		const [set, approvedBy] = await Promise.all([patches.load(plan.patchSetId), approverOf(plan)])
		return patches.makeCandidate({ ...plan, set, approvedBy, ...(plan.message === undefined ? {} : { message: plan.message }), onBuilt: async (candidate) => void (await validate(plan, candidate)) })
	}

	/** Asks a container to make the candidate again with the other engine and to run the commands; once a candidate, however often it is asked. */
	async function validate(plan: LandingPlan, candidate: Candidate): Promise<{ containerTaskId: string; commands: string[] }> {
		const { workspaceId, baseCommit, subjectId, patchSetId } = plan
		const executionId = plan.executionId === null ? null : ExecutionId.parse(plan.executionId)
		const commands = [...new Set([...(await policyOf(workspaceId)).validate, ...plan.validate])]
		const parameters = ValidateParameters.parse({
			executionId,
			...(executionId === null ? { batchId: subjectId } : {}),
			patchSetId,
			workspaceId,
			baseCommit,
			ontoCommit: candidate.parent,
			candidateCommit: candidate.commit,
			candidateTree: candidate.tree,
			candidateRef: candidate.ref,
			commands,
			wallClockMs: VALIDATION_MS,
		})
		const { taskId } = await queue.submit(
			{ taskType: 'validate', parameters, priority: 100, timeoutMs: VALIDATION_MS + 60_000, idempotencyKey: `${subjectId}:validate:${candidate.commit}`, ...(executionId === null ? {} : { executionId }) },
			{ workerName: plan.workerName },
		)
		return { containerTaskId: taskId, commands }
	}

	/** Reads the evidence: only the tree it was made on may land. A failure (VALIDATION_FAILED, PATCH_ENGINES_DISAGREE, what the runner reported) is returned: no retry can help. */
	async function judge(plan: LandingPlan, { candidate, containerTaskId }: { candidate: Candidate; containerTaskId: string }): Promise<Asked & { failure: Failure | null }> {
		const [record, task, rules] = await Promise.all([patches.mustFind(plan.patchSetId), queue.get(containerTaskId), policyOf(plan.workspaceId)])
		const { failure, inconclusive, evidence } = judgeValidation(task, candidate.tree)
		const details = { containerTaskId, validatedBy: task.assignedTo, tree: candidate.tree, ...evidence }
		const outcome = inconclusive.length === 0 ? 'allow' : outcomeOf(rules, 'validation-inconclusive')
		const problem = failure ?? (outcome === 'refuse' ? unclear(inconclusive) : null)
		if (problem !== null) {
			await patches.note(plan, { name: 'validation-failed', status: 'refused', error: problem.message, details: { ...details, code: problem.code }, onceKey: candidate.commit })
			return { requestId: null, failure: toFailure(problem) }
		}
		await patches.note(plan, { name: 'validated', details: { ...details, inconclusive }, onceKey: candidate.commit })
		if (outcome === 'allow') return { requestId: null, failure: null }
		const question = `${unclear(inconclusive).message} May patch set ${plan.patchSetId} land on ${plan.branch} all the same?`
		// Bound to the tree as well: merged once more, it is another result.
		const asked = await ask(plan, { kind: 'validation-inconclusive', question, details: { patchSetId: plan.patchSetId, containerTaskId, tree: candidate.tree, commands: inconclusive }, digest: await sha256Of(`${record.sha256} ${candidate.tree}`) })
		return { ...asked, failure: null }
	}

	const advance = (plan: LandingPlan, candidate: Candidate): Promise<Advanced> => patches.advance(plan, candidate)

	return { policy, decision, makeCandidate, validate, judge, advance }
}
export type Landing = ReturnType<typeof createLanding>

function refusal({ status, decidedBy, reason }: HumanRequest): AppError {
	const why = reason === null ? '' : `: ${reason}`
	const message = status === 'rejected' ? `${decidedBy ?? 'Somebody'} decided that the patch set may not land${why}. It is kept.` : 'Nobody decided in time whether the patch set may land. It is kept; apply it again to be asked again.'
	return new AppError('PATCH_REJECTED', message, { status, decidedBy })
}

function unclear(commands: readonly string[]): AppError {
	const names = commands.map((command) => JSON.stringify(command)).join(', ')
	return new AppError('VALIDATION_FAILED', `${names} failed before and after the change, and nobody can tell from the output whether in another way.`, { inconclusive: commands })
}
