import type { ContainerTask, ExecutionGrant, ProgressEvent } from '@shared/contracts'
import type { CancelReason } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'

/** Whoever the tasks belong to. The queue knows leases; what a task means is known here. */
export interface TaskListener {
	/** What the runner needs beside the task, made at claim time and never stored. Throwing fails the task with that error. */
	grant(task: ContainerTask, leaseExpiresAt: number): Promise<ExecutionGrant | null>
	/** Told what a runner said with a heartbeat that held the lease. It is somebody's word: throwing changes nothing but the log. */
	progressed?(task: ContainerTask, progress: readonly ProgressEvent[]): Promise<void>
	/** Asked at each heartbeat; a reason stops the run. */
	shouldCancel(task: ContainerTask): Promise<CancelReason | null>
	/**
	 * Takes the big parts out of a report before it is stored. `statements` run in the batch that settles the task, after a
	 * guard that fails the batch when the lease is lost, so they need no condition of their own. An AppError that is not
	 * retryable refuses the report.
	 */
	collect(task: ContainerTask, output: Record<string, unknown>): Promise<{ output: Record<string, unknown>; statements: Statement[] }>
	/** Told after a task has ended. The task is stored by then, so throwing changes nothing but the log. */
	settled(task: ContainerTask): Promise<void>
}
