import { AgentRunOutput, AgentRunParameters, AppError } from '@shared/contracts'
import type { Failure, ProviderType } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { changeExecution } from '../../database/repositories/executions.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import type { GitStore } from '../git/gitStore.ts'
import type { TaskQueue } from '../container-tasks/taskQueue.ts'
import type { Ids } from '../ids.ts'
import { agentFailure } from './judgement.ts'
import { createStepRecords } from './stepRecords.ts'

export interface LifecycleDeps {
	db: Database
	now: () => number
	ids: Ids
	mustFind: (executionId: string) => Promise<Execution>
	storeOf: (workspaceId: string) => Promise<GitStore>
	/** The branch that work starts from, and whether the repository is on GitHub, where it ends in a pull request. */
	repositoryOf: (workspaceId: string) => Promise<{ defaultBranch: string; isOnGitHub: boolean }>
	/** Reads the base while the agent works, so that it is at hand for the landing. */
	readAhead: (workspaceId: string, commit: string) => void
	queue: Pick<TaskQueue, 'submit' | 'get'>
	/** Notes what the execution will touch; returns what it had better wait for. */
	foresee: (execution: Execution, baseCommit: string) => Promise<string[]>
	/** Notes what the set of the execution touches. */
	noteSet: (execution: Execution, patchSetId: string) => Promise<void>
	/** Waiting agents of an urgent order come first. */
	priorityOf: (execution: Execution) => Promise<number>
}

/**
 * The steps of one execution, in the order the Workflow takes them. Each may be run again after a crash and then ends
 * in the same state: container tasks and candidates are found by the execution's id, and a phase keeps its first start.
 */
export function createLifecycle(deps: LifecycleDeps) {
	const { db, now } = deps
	const { live, record } = createStepRecords(deps)

	/**
	 * Pins the execution to the commit that its agent will see: the order's branch, or the default branch before there is one. `waitFor` names
	 * work in flight that is sure to change the same lines of the same branch: then nothing is pinned, and this is asked again when it has ended.
	 */
	async function prepare(executionId: string, { isPatient }: { isPatient: boolean }): Promise<{ waitFor: string[]; branch: string; providerType: ProviderType; isOnGitHub: boolean }> {
		const execution = await live(executionId)
		const startedAt = now()
		const { providerType, input: { branch } } = execution
		const { defaultBranch, isOnGitHub } = await deps.repositoryOf(execution.workspaceId)
		const baseCommit = execution.baseCommit ?? (await findBase(execution, defaultBranch))
		if (baseCommit === null) throw new AppError('WORKSPACE_NOT_FOUND', `Workspace ${execution.workspaceId} has no commit to start from: push one to its default branch.`)
		const waitFor = execution.baseCommit === null ? await deps.foresee(execution, baseCommit) : []
		if (waitFor.length > 0 && isPatient) {
			await record(execution, { phases: [], operation: 'collision.waiting', onceKey: waitFor.join(' '), details: { waitFor } })
			return { waitFor, branch, providerType, isOnGitHub }
		}
		await record(execution, {
			phases: [['workspace', startedAt]],
			change: { status: 'running', base_commit: baseCommit, started_at: startedAt },
			operation: 'workspace.ready',
			details: { workspaceId: execution.workspaceId, baseCommit, ...(waitFor.length > 0 ? { waitedInVainFor: waitFor } : {}) },
		})
		deps.readAhead(execution.workspaceId, baseCommit)
		return { waitFor: [], branch, providerType, isOnGitHub }
	}

	async function findBase({ workspaceId, input }: Execution, defaultBranch: string): Promise<string | null> {
		const store = await deps.storeOf(workspaceId)
		try {
			const [own, first] = [`refs/heads/${input.branch}`, `refs/heads/${defaultBranch}`]
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
		if (patchSetId !== null && failure === null) await deps.noteSet(execution, patchSetId)
		if (failure === null && patchSetId === null) return { code: 'PROVIDER_OUTPUT_INVALID', message: 'The runner reported success without a patch set.' }
		return failure
	}

	/** Notes that a step waits for a moment from which it can succeed; nobody has to look before. */
	async function park(executionId: string, { step, until, failure }: { step: string; until: number; failure: Failure }): Promise<void> {
		const execution = await deps.mustFind(executionId)
		await record(execution, { phases: [], change: {}, seenAt: until, operation: 'execution.parked', level: 'warn', onceKey: `${step} ${until}`, details: { step, until, error: failure } })
	}

	return { prepare, dispatch, taskState, collect, park }
}
export type Lifecycle = ReturnType<typeof createLifecycle>
