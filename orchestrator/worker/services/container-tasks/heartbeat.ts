import { AppError } from '@shared/contracts'
import type { ContainerTask, HeartbeatReply, ProgressEvent } from '@shared/contracts'
import type { CancelReason, Heartbeat } from '@shared/container-task-queue'
import { cancelStatement, heartbeatStatement, logCancel, logProgressUnderLease, logStart } from '../../database/repositories/containerTaskLeases.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { mustFind, noteTrouble } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { progressLines } from './progress.ts'
import { redacted } from './redact.ts'

/** Lengthens the lease and keeps what the runner said. Throws LEASE_LOST: the runner must stop then, its work is not wanted any more. */
export async function heartbeat(deps: TaskQueueDeps, ref: TaskRef, beat: Heartbeat): Promise<HeartbeatReply> {
	const { taskId } = ref
	const { task: before } = await mustFind(deps.db, ref)
	const lease = { taskId, leaseToken: beat.leaseToken, now: deps.now() }
	const chunks = progressLines(before, redacted(deps, beat.progress ?? []))
	const results = await deps.db.batch([logStart(lease), ...chunks.map((lines) => logProgressUnderLease(lease, lines)), heartbeatStatement(lease, deps.leaseMs)])
	const [record] = toTaskRecords(results.at(-1) ?? [])
	if (!record || record.task.leaseExpiresAt === null) {
		throw new AppError('LEASE_LOST', `The lease of ${taskId} is not yours (any more): the task is ${before.status}. Stop the run; a report of it would be kept as evidence only.`, { status: before.status })
	}
	await tellListener(deps, record.task, beat.progress ?? [])
	return { leaseExpiresAt: record.task.leaseExpiresAt, cancel: record.cancel ?? (await askListener(deps, record.task)) }
}

async function tellListener(deps: TaskQueueDeps, task: ContainerTask, progress: readonly ProgressEvent[]): Promise<void> {
	if (progress.length === 0) return
	try {
		await deps.listener.progressed?.(task, progress)
	} catch (error) {
		await noteTrouble(deps, task, { operation: 'queue.listener-failed', level: 'warn', error })
	}
}

/** What the listener wants is kept with the task, so that a runner that dies now does not cause another attempt. */
async function askListener(deps: TaskQueueDeps, task: ContainerTask): Promise<CancelReason | null> {
	try {
		const reason = await deps.listener.shouldCancel(task)
		if (!reason) return null
		const cancel = { taskId: task.taskId, reason, now: deps.now() }
		await deps.db.batch([logCancel(cancel), cancelStatement(cancel)])
		return reason
	} catch (error) {
		await noteTrouble(deps, task, { operation: 'queue.listener-failed', level: 'error', error })
		return null
	}
}
