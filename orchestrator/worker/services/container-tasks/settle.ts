import { AppError } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import { afterFailure, isClosed, isLeaseHeld } from '@shared/container-task-queue'
import type { CompleteReport, FailReport } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { afterFailures } from '../../database/repositories/containerTaskDependencies.ts'
import { idList } from '../../database/idList.ts'
import { leaseGuard, logUnderLease, settleStatement } from '../../database/repositories/containerTaskLeases.ts'
import type { TaskLogLine } from '../../database/repositories/containerTaskLog.ts'
import { countEnd } from '../../database/repositories/containerTaskShares.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { announce, mustFind, noteTrouble } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { prepareCompletions } from './completions.ts'
import { announceDependents } from './dependents.ts'
import { lastProgress, storeOutput } from './ending.ts'
import type { Collected, Ending, Failure, Settling } from './ending.ts'
import { refuseLate } from './evidence.ts'
import { withOutput } from './outputStore.ts'
import { redacted } from './redact.ts'

/** Stores a failure of the lease's holder: back to the queue when it is retryable and attempts are left, else failed. Throws as `completeTask`. */
export async function failTask(deps: TaskQueueDeps, ref: TaskRef, report: FailReport): Promise<ContainerTask> {
	const opened = await openReport(deps, { ...ref, kind: 'fail', report })
	if (opened.repeated) return withOutput(deps.outputs, opened.record)
	const { record, leaseToken } = opened
	const { task, cancel } = record
	const error = redacted(deps, report.error)
	const verdict = afterFailure({ ...task, assignedAt: task.assignedAt ?? 0, cancel }, error, deps.now())
	const end = {
		status: verdict.status,
		outcome: verdict.status === 'failed' ? verdict.outcome : null,
		error: JSON.stringify(verdict.error),
		...(verdict.status === 'pending' ? { runAfter: verdict.runAfter } : {}),
	}
	const ending: Failure = { record, leaseToken, kind: 'fail', report: { ...report, error }, collected: await collectFailed(deps, task, report.output), end }
	return (await settle(deps, ending)).task
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
export type Opened = { repeated: true; record: TaskRecord } | { repeated: false; record: TaskRecord; leaseToken: string }
interface Opening extends TaskRef {
	kind: Kind
	report: CompleteReport | FailReport
}

const bodyOf = (report: CompleteReport | FailReport): Record<string, unknown> => ({ output: report.output ?? null, ...('error' in report ? { error: report.error } : {}) })

/** The same report a second time, because its answer got lost: the token settled the task, and in the same way. */
function isRepeated(record: TaskRecord, kind: Kind, leaseToken: string): boolean {
	const { status, error } = record.task
	if (record.leaseToken !== leaseToken) return false
	return kind === 'complete' ? status === 'completed' : status === 'failed' || (status === 'pending' && error !== null)
}

/** Reads the task that a report is about, and whether the report may be stored. Throws LEASE_REQUIRED, LEASE_LOST, CONTAINER_TASK_CLOSED. */
export async function openReport(deps: TaskQueueDeps, call: Opening): Promise<Opened> {
	const askedAt = deps.now()
	return judgeReport(deps, await mustFind(deps.db, call), { ...call, askedAt })
}

/**
 * Whether a report may be stored, by the task as it was read. `askedAt` (Unix ms) is from before that: while one waits for an answer a
 * heartbeat may lengthen the lease, and by a later time that lease would be refused for what it was. Whether it still holds when the
 * report is stored is for the guard of that batch to say.
 */
export async function judgeReport(deps: TaskQueueDeps, record: TaskRecord, { kind, report, askedAt }: Pick<Opening, 'kind' | 'report'> & { askedAt: number }): Promise<Opened> {
	const { task } = record
	const { leaseToken } = report
	if (leaseToken === undefined) {
		if (isClosed(task.status)) throw new AppError('CONTAINER_TASK_CLOSED', `Container task ${task.taskId} is ${task.status} already.`)
		throw new AppError('LEASE_REQUIRED', `Container task ${task.taskId} is ${task.status}: claim it, and send the leaseToken of the claim with the report.`)
	}
	if (isRepeated(record, kind, leaseToken)) return { repeated: true, record }
	if (isLeaseHeld({ ...task, leaseToken: record.leaseToken }, leaseToken, askedAt)) return { repeated: false, record, leaseToken }
	return refuseLate(deps, { task, kind, leaseToken, body: bodyOf(report) })
}

const lineOf = ({ end, report: { error } }: Failure, at: number): TaskLogLine => ({
	operation: end.status === 'pending' ? 'queue.retry' : 'queue.failed',
	level: 'warn',
	at,
	details: { outcome: end.outcome, code: error.code, message: error.message.slice(0, 500), runAfter: end.runAfter ?? null },
})

/** The order is that of `prepareCompletions`: guard, progress, log and counts and others, the task, the listener's own. */
async function prepareFailure(deps: TaskQueueDeps, ending: Failure): Promise<Settling> {
	const { record, leaseToken, end } = ending
	const { taskId, workerName } = record.task
	const { output, stored } = await storeOutput(deps, ending)
	const lease = { taskId, leaseToken, now: deps.now() }
	const own = [
		leaseGuard(lease),
		...lastProgress(deps, ending, lease.now),
		logUnderLease(lease, lineOf(ending, lease.now)),
		countEnd(workerName, lease.now),
	]
	const others = end.status === 'pending' ? [] : afterFailures(idList([taskId]), lease.now)
	const update = settleStatement(lease, { ...end, output: stored?.body ?? null, outputKey: stored?.objectKey ?? null })
	const at = own.length + others.length
	return {
		statements: [...own, ...others, update, ...ending.collected.statements],
		async announce(rows) {
			const [settled] = toTaskRecords(rows[at] ?? [])
			if (!settled) throw new AppError('INTERNAL', `Container task ${taskId} was not settled.`)
			const task = { ...settled.task, output }
			if (isClosed(task.status)) await announce(deps, [task])
			await announceDependents(deps, rows.slice(own.length, at).flat())
			return new Map([[taskId, task]])
		},
	}
}

/** Stores an ending, and `more` with it. When another call with the same report was faster, its task is returned and `rows` is null. */
export async function settle(deps: TaskQueueDeps, ending: Ending, more: readonly Statement[] = []): Promise<{ task: ContainerTask; rows: unknown[][] | null }> {
	const { kind, report, record } = ending
	const settling = ending.kind === 'complete' ? await prepareCompletions(deps, [ending]) : await prepareFailure(deps, ending)
	let rows: unknown[][]
	try {
		rows = await deps.db.batch([...settling.statements, ...more])
	} catch (error) {
		// Either the guard failed the batch, or something is really wrong: the row tells which.
		const opened = await openReport(deps, { taskId: record.task.taskId, kind, report })
		if (!opened.repeated) throw error
		return { task: await withOutput(deps.outputs, opened.record), rows: null }
	}
	const [task = record.task] = (await settling.announce(rows)).values()
	return { task, rows: rows.slice(settling.statements.length) }
}
