import { AgentRunOutput, AgentRunParameters, AppError, ValidateParameters } from '@shared/contracts'
import type { ContainerTask, ExecutionGrant, PatchSet, ProviderStatus, SecretMode } from '@shared/contracts'
import type { Database, Statement } from '../../database/client.ts'
import { findExecution } from '../../database/repositories/executions.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import type { TaskListener } from '../container-tasks/taskListener.ts'
import { cancelCode } from './cancelReason.ts'
import type { Origin } from '../origin.ts'

export interface TaskListenerDeps {
	db: Database
	mintExecutionToken: (run: { executionId: string; provider: string; workspaceId: string; ttlMs: number }) => Promise<string>
	/** Reads one set and its repository, and nothing else: what runs in a validation was written by an agent. */
	mintValidationToken: (run: { patchSetId: string; workspaceId: string; ttlMs: number }) => Promise<string>
	upstream: ExecutionGrant['upstream']
	secrets: { grantEnv: (provider: AgentRunParameters['provider'], mode: SecretMode) => Record<string, string> }
	statusOf: (provider: string) => Promise<Pick<ProviderStatus, 'mode' | 'upstream'>>
	storeStatements: (set: PatchSet, origin: Origin) => Promise<{ statements: Statement[] }>
	nudge: (executionId: string) => Promise<void>
	nudgeBatch: (batchId: string) => Promise<void>
	/** What a running agent has changed so far, as its runner says. */
	observe: (execution: Execution, files: unknown) => Promise<void>
}

/** What the executions make of the container tasks that belong to them: tokens at claim time, patch sets at the end, a nudge to the Workflow. */
export function createTaskListener(deps: TaskListenerDeps): TaskListener {
	return {
		/** Secrets are resolved now and travel in the claim's answer only; nothing of this is stored. */
		async grant(task): Promise<ExecutionGrant | null> {
			if (task.taskType === 'validate') return validationGrant(deps, task)
			const execution = task.executionId === null ? undefined : await findExecution(deps.db, task.executionId)
			if (!execution) return null
			const isAgent = task.taskType === 'agent-run'
			const { mode, upstream } = await deps.statusOf(execution.provider)
			const executionToken = await deps.mintExecutionToken({ executionId: execution.executionId, provider: execution.provider, workspaceId: execution.workspaceId, ttlMs: task.timeoutMs + 60_000 })
			return {
				executionToken,
				gatewayPath: `/gateway/${execution.provider}`,
				gitPath: `/git/${execution.workspaceId}`,
				patchPath: `/api/executions/${execution.executionId}/patch`,
				mode,
				secretEnv: isAgent ? deps.secrets.grantEnv(execution.provider, mode) : {},
				upstream,
			}
		},

		/** Takes the patch set out of a run's output and has it stored in the same batch, complete or failed. */
		async collect(task, output) {
			if (task.taskType !== 'agent-run') return { output, statements: [] }
			const parsed = AgentRunOutput.safeParse(output)
			if (!parsed.success) {
				const issue = parsed.error.issues[0]
				throw new AppError('INVALID_INPUT', `The output of an agent run is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
			}
			const { patchSet, ...rest } = parsed.data
			if (patchSet === null) return { output: rest, statements: [] }
			const own = ownPatchSet(task, patchSet)
			const { statements } = await deps.storeStatements(own, { workerName: task.workerName, containerName: task.assignedTo ?? undefined })
			return { output: { ...rest, patchSetId: own.patch_set_id }, statements }
		},

		async progressed(task, progress) {
			const touched = progress.findLast(({ kind }) => kind === 'touched')
			const execution = touched === undefined || task.executionId === null ? undefined : await findExecution(deps.db, task.executionId)
			if (execution !== undefined && execution.completedAt === null) await deps.observe(execution, touched?.data?.['files'])
		},

		async shouldCancel(task) {
			const execution = task.executionId === null ? undefined : await findExecution(deps.db, task.executionId)
			if (execution === undefined) return null
			if (execution.completedAt !== null) return { code: 'EXECUTION_NOT_ACTIVE', message: `The execution is ${execution.status} already.` }
			if (execution.cancelReason === null) return null
			return { code: cancelCode(execution.cancelReason), message: execution.cancelReason }
		},

		async settled(task) {
			if (task.executionId !== null) await deps.nudge(task.executionId)
			else if (task.taskType === 'validate') await deps.nudgeBatch(ValidateParameters.parse(task.parameters).batchId ?? '')
		},
	}
}

async function validationGrant({ mintValidationToken, upstream }: TaskListenerDeps, task: ContainerTask): Promise<ExecutionGrant> {
	const { patchSetId, workspaceId } = ValidateParameters.parse(task.parameters)
	const executionToken = await mintValidationToken({ patchSetId, workspaceId, ttlMs: task.timeoutMs + 60_000 })
	return { executionToken, gatewayPath: '/gateway', gitPath: `/git/${workspaceId}`, patchPath: `/api/patches/sets/${encodeURIComponent(patchSetId)}`, mode: 'gateway', secretEnv: {}, upstream }
}

/** A runner may only hand in the patch set it was asked for, on the base it was given. Each attempt's set is kept under an id of its own. */
function ownPatchSet(task: ContainerTask, set: PatchSet): PatchSet {
	const asked = AgentRunParameters.parse(task.parameters)
	const isOwn = set.patch_set_id === asked.patchSetId && set.execution_id === asked.executionId && set.base_commit === asked.baseCommit
	if (!isOwn) throw new AppError('PATCH_INVALID', 'The patch set does not belong to this task: its id, execution or base commit differ from what was asked for.')
	return task.attempt > 1 ? { ...set, patch_set_id: `${set.patch_set_id}~${task.attempt}` } : set
}
