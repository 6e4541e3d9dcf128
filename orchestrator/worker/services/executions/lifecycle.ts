import { AgentRunOutput, AgentRunParameters, AppError, ValidateParameters } from '@shared/contracts'
import type { ExecutionPhase, Failure } from '@shared/contracts'
import type { Database, Statement } from '../../database/client.ts'
import { changeExecution, enterPhase } from '../../database/repositories/executions.ts'
import type { Execution, ExecutionChange } from '../../database/repositories/executions.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import type { GitStore } from '../git/gitStore.ts'
import type { Candidate, PatchProcessor } from '../patch-manager/patchProcessor.ts'
import type { TaskQueue } from '../container-tasks/taskQueue.ts'
import type { Ids } from '../ids.ts'
import { cancelCode } from './cancelReason.ts'
import { agentFailure, judgeValidation } from './judgement.ts'

export interface LifecycleDeps {
	db: Database
	now: () => number
	ids: Ids
	mustFind: (executionId: string) => Promise<Execution>
	storeOf: (workspaceId: string) => Promise<GitStore>
	defaultBranchOf: (workspaceId: string) => Promise<string>
	/** Reads the base while the agent works, so that it is at hand for the landing. */
	readAhead: (workspaceId: string, commit: string) => void
	queue: Pick<TaskQueue, 'submit' | 'get'>
	patches: Pick<PatchProcessor, 'load' | 'checkPolicy' | 'makeCandidate' | 'advance'>
	/** Waiting agents of an urgent order come first. */
	priorityOf: (execution: Execution) => Promise<number>
}

const VALIDATION_MS = 10 * 60_000

/** What one step adds to the record: phases it went through, columns it learned, and its line in the log. */
interface StepRecord {
	phases: [ExecutionPhase, number][]
	change?: ExecutionChange
	operation: string
	details: Record<string, unknown>
}

/**
 * The steps of one execution, in the order the Workflow takes them. Each may be run again after a crash and then ends
 * in the same state: container tasks and candidates are found by the execution's id, and a phase keeps its first start.
 */
export function createLifecycle(deps: LifecycleDeps) {
	const { db, now } = deps

	async function record(execution: Execution, step: StepRecord): Promise<void> {
		const { executionId } = execution
		const statements: Statement[] = step.phases.map(([phase, at]) => enterPhase({ executionId, phase, at }))
		if (step.change) statements.push(changeExecution({ executionId, at: now(), change: step.change }))
		statements.push(
			appendLog({
				source: 'orchestrator.execution',
				operation: step.operation,
				orderId: execution.orderId,
				taskId: execution.taskId,
				executionId,
				details: step.details,
				onceKey: 'step',
				workerName: execution.workerName,
				at: now(),
			}),
		)
		await db.batch(statements)
	}

	/** Finds the live execution; throws EXECUTION_CANCELLED (or the reason's own code) when somebody asked it to stop. */
	async function live(executionId: string): Promise<Execution> {
		const execution = await deps.mustFind(executionId)
		if (execution.completedAt !== null) throw new AppError('EXECUTION_NOT_ACTIVE', `Execution ${executionId} is ${execution.status} already.`)
		if (execution.cancelReason !== null) throw new AppError(cancelCode(execution.cancelReason), execution.cancelReason)
		return execution
	}

	/** Pins the execution to the commit that its agent will see: the order's branch, or the default branch before there is one. */
	async function prepare(executionId: string): Promise<{ baseCommit: string }> {
		const execution = await live(executionId)
		const startedAt = now()
		const baseCommit = execution.baseCommit ?? (await findBase(execution))
		if (baseCommit === null) throw new AppError('WORKSPACE_NOT_FOUND', `Workspace ${execution.workspaceId} has no commit to start from: push one to its default branch.`)
		await record(execution, {
			phases: [['workspace', startedAt]],
			change: { status: 'running', base_commit: baseCommit, started_at: startedAt },
			operation: 'workspace.ready',
			details: { workspaceId: execution.workspaceId, baseCommit },
		})
		deps.readAhead(execution.workspaceId, baseCommit)
		return { baseCommit }
	}

	async function findBase({ workspaceId, input }: Execution): Promise<string | null> {
		const store = await deps.storeOf(workspaceId)
		try {
			const [own, first] = [`refs/heads/${input.branch}`, `refs/heads/${await deps.defaultBranchOf(workspaceId)}`]
			const refs = await store.readRefs([own, first])
			return refs.get(own) ?? refs.get(first) ?? null
		} finally {
			store.dispose()
		}
	}

	/** Puts the agent run into the container task queue, once however often the step runs. */
	async function dispatch(executionId: string): Promise<{ containerTaskId: string }> {
		const execution = await live(executionId)
		const dispatchedAt = now()
		const { input } = execution
		const parameters = AgentRunParameters.parse({
			executionId,
			taskUuid: execution.taskId,
			orderId: execution.orderId,
			provider: execution.provider,
			model: execution.model,
			prompt: input.prompt,
			workspaceId: execution.workspaceId,
			baseCommit: execution.baseCommit,
			baseRef: input.branch,
			wallClockMs: input.wallClockMs,
			stallMs: input.stallMs,
			patchSetId: deps.ids.patchSet(),
		})
		const { taskId } = await deps.queue.submit(
			{ taskType: 'agent-run', parameters, requires: execution.provider, priority: await deps.priorityOf(execution), timeoutMs: input.wallClockMs + 60_000, idempotencyKey: `${executionId}:agent-run`, executionId: execution.executionId },
			{ workerName: execution.workerName },
		)
		await record(execution, {
			phases: [['dispatch', dispatchedAt], ['wait', now()]],
			change: { container_task_id: taskId },
			operation: 'execution.dispatched',
			details: { containerTaskId: taskId, provider: execution.provider, model: execution.model },
		})
		return { containerTaskId: taskId }
	}

	/** Whether a container task has ended; also says that somebody still looks after the execution. */
	async function taskState(executionId: string, containerTaskId: string): Promise<{ isSettled: boolean }> {
		const task = await deps.queue.get(containerTaskId)
		const isSettled = task.status === 'completed' || task.status === 'failed'
		if (!isSettled) await db.run(changeExecution({ executionId, at: now(), change: {} }))
		return { isSettled }
	}

	/** Takes what the runner reported. The patch set itself was stored when the report came in. Throws nothing for a failed run: it returns the failure. */
	async function collect(executionId: string, containerTaskId: string): Promise<Failure | null> {
		const execution = await deps.mustFind(executionId)
		const collectedAt = now()
		const task = await deps.queue.get(containerTaskId)
		const failure = agentFailure(task, execution.cancelReason, now())
		const output = AgentRunOutput.partial().loose().parse(task.output ?? {})
		const patchSetId = typeof output['patchSetId'] === 'string' ? output['patchSetId'] : null
		const { patchSet: _stored, phasesMs, ...said } = output
		await record(execution, {
			phases: [['collect', collectedAt]],
			change: {
				...(failure ? {} : { status: 'landing' as const }),
				...(patchSetId === null ? {} : { patch_data: patchSetId }),
				...(output.usage ? { usage: JSON.stringify(output.usage) } : {}),
				runner_phases_ms: JSON.stringify(phasesMs ?? {}),
				output: JSON.stringify(said),
			},
			operation: failure ? 'agent.failed' : 'agent.finished',
			details: { containerTaskId, runner: task.assignedTo, patchSetId, isolation: output.isolation, exitCode: output.exitCode, ...(failure ? { error: failure } : {}) },
		})
		if (failure === null && patchSetId === null) return { code: 'PROVIDER_OUTPUT_INVALID', message: 'The runner reported success without a patch set.' }
		return failure
	}

	async function policy(executionId: string): Promise<null> {
		const execution = await live(executionId)
		const checkedAt = now()
		const set = await deps.patches.load(patchSetOf(execution))
		await deps.patches.checkPolicy(set)
		await record(execution, { phases: [['policy', checkedAt]], operation: 'patch.policy-passed', details: { patchSetId: set.patch_set_id, files: set.files.length } })
		return null
	}

	/** Base tree + patch set = candidate commit, pushed to a ref that nobody works on. Its validation is queued as soon as its tree is known. */
	async function makeCandidate(executionId: string): Promise<Candidate> {
		const execution = await live(executionId)
		const startedAt = now()
		const set = await deps.patches.load(patchSetOf(execution))
		const candidate = await deps.patches.makeCandidate({ set, workspaceId: execution.workspaceId, branch: execution.input.branch, executionId, onBuilt: async (built) => void (await submitValidation(execution, built)) })
		await record(execution, {
			phases: [['candidate', startedAt]],
			change: { candidate_commit: candidate.commit, candidate_tree: candidate.tree },
			operation: 'patch.candidate',
			details: { ...candidate },
		})
		return candidate
	}

	/** Asks a container to re-make the candidate with the other engine and to run the order's commands on it; once, however often it is asked. */
	async function submitValidation(execution: Execution, candidate: Candidate): Promise<string> {
		const { executionId, workspaceId, baseCommit, input } = execution
		const parameters = ValidateParameters.parse({
			executionId,
			workspaceId,
			baseCommit,
			candidateCommit: candidate.commit,
			candidateTree: candidate.tree,
			candidateRef: candidate.ref,
			commands: input.validate,
			wallClockMs: VALIDATION_MS,
		})
		const { taskId } = await deps.queue.submit(
			{ taskType: 'validate', parameters, priority: 100, timeoutMs: VALIDATION_MS + 60_000, idempotencyKey: `${executionId}:validate`, executionId },
			{ workerName: execution.workerName },
		)
		return taskId
	}

	async function validate(executionId: string, candidate: Candidate): Promise<{ containerTaskId: string }> {
		const execution = await live(executionId)
		const startedAt = now()
		const containerTaskId = await submitValidation(execution, candidate)
		await record(execution, { phases: [['validate', startedAt]], change: { status: 'validating' }, operation: 'patch.validating', details: { containerTaskId, commands: execution.input.validate } })
		return { containerTaskId }
	}

	/** Reads the evidence: only the tree it was run on may land. Returns the failure, null when all holds. */
	async function judge(executionId: string, containerTaskId: string): Promise<Failure | null> {
		const execution = await live(executionId)
		const task = await deps.queue.get(containerTaskId)
		const { failure, evidence } = judgeValidation(task, execution.candidateTree)
		await record(execution, { phases: [], operation: failure ? 'patch.validation-failed' : 'patch.validated', details: { containerTaskId, validatedBy: task.assignedTo, ...evidence } })
		return failure
	}

	async function advance(executionId: string, candidate: Candidate): Promise<null> {
		const execution = await live(executionId)
		const startedAt = now()
		const { expectedOld } = candidate
		await deps.patches.advance({ patchSetId: patchSetOf(execution), workspaceId: execution.workspaceId, branch: execution.input.branch, candidate, expectedOld })
		await record(execution, { phases: [['advance', startedAt]], change: { landed_commit: candidate.commit }, operation: 'patch.landed', details: { branch: execution.input.branch, commit: candidate.commit } })
		return null
	}

	return { prepare, dispatch, taskState, collect, policy, makeCandidate, validate, judge, advance }
}
export type Lifecycle = ReturnType<typeof createLifecycle>

function patchSetOf(execution: Execution): string {
	if (execution.patchSetId === null) throw new AppError('PATCH_NOT_FOUND', `Execution ${execution.executionId} has no patch set.`)
	return execution.patchSetId
}
