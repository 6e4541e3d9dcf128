import type { ClaimedTask, ExecutionGrant } from '@shared/contracts'
import type { z } from 'zod'
import type { ResolveCLI } from '../cliSource.ts'
import type { Isolation, RunDirs } from '../isolation/isolation.ts'
import type { Lease } from '../lease.ts'
import type { OrchestratorClient } from '../orchestratorClient.ts'
import type { Redactor } from '../redact.ts'
import { taskFailure } from '../taskFailure.ts'

/** What every kind of task gets. */
export interface TaskContext {
	claimed: ClaimedTask
	lease: Lease
	client: OrchestratorClient
	isolation: Isolation
	orchestratorURL: string
	isTrusted: boolean
	mirrorsRoot: string
	runsRoot: string
	/** The same in memory, for trees that are only compared; null where there is none. */
	memoryRoot: string | null
	resolveCLI: ResolveCLI
	redactor: Redactor
	/** Between two looks at what a running agent has changed; absent: some seconds. */
	touchedMs?: number
	/** Work to be done beside the report of the task, before the runner takes another one. */
	defer: (work: () => Promise<void>) => void
}

/** Removes what a run leaves. A failure of that is told and is none of the run's: the next start of a runner tries again. */
export async function disposeRun({ isolation, lease }: Pick<TaskContext, 'isolation' | 'lease'>, dirs: RunDirs): Promise<void> {
	try {
		await isolation.remove(dirs)
	} catch (error) {
		lease.report({ kind: 'warning', text: `The directory of the run could not be removed: ${error instanceof Error ? error.message : String(error)}` })
	}
}

/** @throws TaskFailure CONTAINER_TASK_INVALID */
export function parseParameters<T>(schema: z.ZodType<T>, { claimed }: TaskContext): T {
	const parsed = schema.safeParse(claimed.task.parameters)
	if (parsed.success) return parsed.data
	const [issue] = parsed.error.issues
	throw taskFailure('CONTAINER_TASK_INVALID', `Parameters of ${claimed.task.taskId}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

/** @throws TaskFailure CONTAINER_TASK_INVALID */
export function requireGrant({ claimed }: TaskContext): ExecutionGrant {
	if (claimed.grant) return claimed.grant
	throw taskFailure('CONTAINER_TASK_INVALID', `${claimed.task.taskId} came without a grant, so its workspace cannot be reached.`)
}
