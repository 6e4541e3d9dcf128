import type { ContainerTask } from '@shared/contracts'
import type { CompleteReport, FailReport } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { logProgressUnderLease } from '../../database/repositories/containerTaskLeases.ts'
import type { Settlement } from '../../database/repositories/containerTaskLeases.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { storeStreams } from './commandOutput.ts'
import type { TaskQueueDeps } from './context.ts'
import { storeJSON } from './outputStore.ts'
import type { Stored } from './outputStore.ts'
import { progressLines } from './progress.ts'
import { redacted } from './redact.ts'

export interface Collected {
	output: Record<string, unknown> | null
	statements: Statement[]
}

interface AnyEnding {
	record: TaskRecord
	leaseToken: string
	collected: Collected
}

/** A report that may be stored. */
export interface Completion extends AnyEnding {
	kind: 'complete'
	report: CompleteReport
}
export interface Failure extends AnyEnding {
	kind: 'fail'
	report: FailReport
	end: Omit<Settlement, 'output' | 'outputKey'>
}
export type Ending = Completion | Failure

/** The statements that end attempts; a guard stands first, so all of it happens or nothing. */
export interface Settling {
	statements: Statement[]
	/** Tells whoever wants to know; returns the tasks by id as they are now. Throws when one is missing. */
	announce: (rows: readonly unknown[][]) => Promise<Map<string, ContainerTask>>
}

/** The output as the task will have it, and as it is stored. */
export async function storeOutput(deps: TaskQueueDeps, { record: { task }, collected }: Ending): Promise<{ output: Record<string, unknown> | null; stored: Stored | null }> {
	const output = collected.output === null ? null : await storeStreams(deps, task, redacted(deps, collected.output))
	return { output, stored: output === null ? null : await storeJSON(deps.outputs, `container-tasks/${task.taskId}/${task.attempt}.json`, output) }
}

/** What the runner said last, as lines of the log. */
export const lastProgress = (deps: TaskQueueDeps, { record: { task }, leaseToken, report }: Ending, now: number): Statement[] =>
	progressLines(task, redacted(deps, report.progress ?? [])).map((lines) => logProgressUnderLease({ taskId: task.taskId, leaseToken, now }, lines))
