import { AppError, isAppError } from '@shared/contracts'
import type { ContainerTask, ProgressEvent, TaskError } from '@shared/contracts'
import { afterFailure, isClosed, isLeaseHeld } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { leaseGuard, logProgressUnderLease, logUnderLease, settleStatement } from '../../database/repositories/containerTaskLeases.ts'
import type { Settlement } from '../../database/repositories/containerTaskLeases.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { announce, mustFind, noteTrouble } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { keepEvidence, refuseLate } from './evidence.ts'
import { storeJSON, withOutput } from './outputStore.ts'
import { progressLines } from './progress.ts'

interface Report {
	leaseToken?: string | undefined
	progress?: readonly ProgressEvent[]
}
export interface CompleteReport extends Report {
	output: Record<string, unknown>
}
export interface FailReport extends Report {
	error: TaskError
	/** What was made before the failure. */
	output?: Record<string, unknown> | undefined
}

interface Collected {
	output: Record<string, unknown> | null
	statements: Statement[]
}

/**
 * Stores the result of the lease's holder, once: the same token again gets the stored task. Throws LEASE_REQUIRED without a
 * token, LEASE_LOST (with the id of the kept evidence) with one that does not hold.
 */
export async function completeTask(deps: TaskQueueDeps, ref: TaskRef, report: CompleteReport): Promise<ContainerTask> {
	const opened = await open(deps, { ...ref, kind: 'complete', report })
	if (opened.repeated) return withOutput(deps.outputs, opened.record)
	const { record, leaseToken } = opened
	const collected = await deps.listener.collect(record.task, report.output).catch(async (error: unknown) => {
		const isRefused = isAppError(error) && !error.retryable
		if (isRefused) await keepEvidence(deps, { task: record.task, kind: 'complete', leaseToken, reason: error.code, body: { output: report.output } })
		throw error
	})
	return settle(deps, { record, leaseToken, kind: 'complete', report, collected, end: { status: 'completed', outcome: null, error: null } })
}

/** Stores a failure of the lease's holder: back to the queue when it is retryable and attempts are left, else failed. Throws as `completeTask`. */
export async function failTask(deps: TaskQueueDeps, ref: TaskRef, report: FailReport): Promise<ContainerTask> {
	const opened = await open(deps, { ...ref, kind: 'fail', report })
	if (opened.repeated) return withOutput(deps.outputs, opened.record)
	const { record, leaseToken } = opened
	const { task, cancel } = record
	const verdict = afterFailure({ ...task, assignedAt: task.assignedAt ?? 0, cancel }, report.error, deps.now())
	const end = {
		status: verdict.status,
		outcome: verdict.status === 'failed' ? verdict.outcome : null,
		error: JSON.stringify(verdict.error),
		...(verdict.status === 'pending' ? { runAfter: verdict.runAfter } : {}),
	}
	return settle(deps, { record, leaseToken, kind: 'fail', report, collected: await collectFailed(deps, task, report.output), end })
}

/** A failure is stored whatever the listener thinks of its output; then the output stays as it came. */
async function collectFailed(deps: TaskQueueDeps, task: ContainerTask, output: Record<string, unknown> | undefined): Promise<Collected> {
	if (output === undefined) return { output: null, statements: [] }
	try {
		return await deps.listener.collect(task, output)
	} catch (error) {
		await noteTrouble(deps, task, { operation: 'queue.collect-failed', level: 'warn', error })
		return { output, statements: [] }
	}
}

type Kind = 'complete' | 'fail'
type Opened = { repeated: true; record: TaskRecord } | { repeated: false; record: TaskRecord; leaseToken: string }

const bodyOf = (report: CompleteReport | FailReport): Record<string, unknown> => ({ output: report.output ?? null, ...('error' in report ? { error: report.error } : {}) })

/** The same report a second time, because its answer got lost: the token settled the task, and in the same way. */
function isRepeated(record: TaskRecord, kind: Kind, leaseToken: string): boolean {
	const { status, error } = record.task
	if (record.leaseToken !== leaseToken) return false
	return kind === 'complete' ? status === 'completed' : status === 'failed' || (status === 'pending' && error !== null)
}

async function open(deps: TaskQueueDeps, call: TaskRef & { kind: Kind; report: CompleteReport | FailReport }): Promise<Opened> {
	const record = await mustFind(deps.db, call)
	const { task } = record
	const { leaseToken } = call.report
	if (leaseToken === undefined) {
		if (isClosed(task.status)) throw new AppError('CONTAINER_TASK_CLOSED', `Container task ${task.taskId} is ${task.status} already.`)
		throw new AppError('LEASE_REQUIRED', `Container task ${task.taskId} is ${task.status}: claim it, and send the leaseToken of the claim with the report.`)
	}
	if (isRepeated(record, call.kind, leaseToken)) return { repeated: true, record }
	if (isLeaseHeld({ ...task, leaseToken: record.leaseToken }, leaseToken, deps.now())) return { repeated: false, record, leaseToken }
	return refuseLate(deps, { task, kind: call.kind, leaseToken, body: bodyOf(call.report) })
}

interface Ending {
	record: TaskRecord
	leaseToken: string
	kind: Kind
	report: CompleteReport | FailReport
	collected: Collected
	end: Omit<Settlement, 'output' | 'outputKey'>
}

async function settle(deps: TaskQueueDeps, ending: Ending): Promise<ContainerTask> {
	const { record, leaseToken, kind, report, collected, end } = ending
	const { taskId, attempt } = record.task
	const stored = collected.output === null ? null : await storeJSON(deps.outputs, `container-tasks/${taskId}/${attempt}.json`, collected.output)
	const lease = { taskId, leaseToken, now: deps.now() }
	const before = [
		leaseGuard(lease),
		...progressLines(record.task, report.progress ?? []).map((lines) => logProgressUnderLease(lease, lines)),
		logUnderLease(lease, {
			operation: end.status === 'pending' ? 'queue.retry' : `queue.${end.status}`,
			level: kind === 'complete' ? 'info' : 'warn',
			at: lease.now,
			details: { outcome: end.outcome, ...('error' in report ? { code: report.error.code, message: report.error.message.slice(0, 500), runAfter: end.runAfter ?? null } : {}) },
		}),
	]
	const update = settleStatement(lease, { ...end, output: stored?.body ?? null, outputKey: stored?.objectKey ?? null })
	let settled: TaskRecord | undefined
	try {
		const results = await deps.db.batch([...before, update, ...collected.statements])
		settled = toTaskRecords(results[before.length] ?? [])[0]
	} catch (error) {
		// Either the guard failed the batch, or something is really wrong: the row tells which.
		const opened = await open(deps, { taskId, kind, report })
		if (!opened.repeated) throw error
		return withOutput(deps.outputs, opened.record)
	}
	if (!settled) throw new AppError('INTERNAL', `Container task ${taskId} was not settled.`)
	const task = { ...settled.task, output: collected.output }
	if (isClosed(task.status)) await announce(deps, [task])
	return task
}
