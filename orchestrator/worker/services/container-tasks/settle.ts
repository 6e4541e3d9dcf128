import { AppError } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import { afterFailure, isClosed, isLeaseHeld } from '@shared/container-task-queue'
import type { CompleteReport, FailReport } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { afterCompletions, afterFailures } from '../../database/repositories/containerTaskDependencies.ts'
import { idList } from '../../database/idList.ts'
import { leaseGuard, logCompletion, logProgressUnderLease, logUnderLease, settleStatement } from '../../database/repositories/containerTaskLeases.ts'
import type { Settlement } from '../../database/repositories/containerTaskLeases.ts'
import type { TaskLogLine } from '../../database/repositories/containerTaskLog.ts'
import { countEnd } from '../../database/repositories/containerTaskShares.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { announce, mustFind, noteTrouble } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { storeStreams } from './commandOutput.ts'
import { announceDependents } from './dependents.ts'
import { refuseLate } from './evidence.ts'
import { storeJSON, withOutput } from './outputStore.ts'
import type { Stored } from './outputStore.ts'
import { progressLines } from './progress.ts'
import { redacted } from './redact.ts'

export interface Collected {
	output: Record<string, unknown> | null
	statements: Statement[]
}

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
	const ending: Ending = { record, leaseToken, kind: 'fail', report: { ...report, error }, collected: await collectFailed(deps, task, report.output), end }
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
	return judgeReport(deps, await mustFind(deps.db, call), call)
}

export async function judgeReport(deps: TaskQueueDeps, record: TaskRecord, { kind, report }: Pick<Opening, 'kind' | 'report'>): Promise<Opened> {
	const { task } = record
	const { leaseToken } = report
	if (leaseToken === undefined) {
		if (isClosed(task.status)) throw new AppError('CONTAINER_TASK_CLOSED', `Container task ${task.taskId} is ${task.status} already.`)
		throw new AppError('LEASE_REQUIRED', `Container task ${task.taskId} is ${task.status}: claim it, and send the leaseToken of the claim with the report.`)
	}
	if (isRepeated(record, kind, leaseToken)) return { repeated: true, record }
	if (isLeaseHeld({ ...task, leaseToken: record.leaseToken }, leaseToken, deps.now())) return { repeated: false, record, leaseToken }
	return refuseLate(deps, { task, kind, leaseToken, body: bodyOf(report) })
}

export interface Ending {
	record: TaskRecord
	leaseToken: string
	kind: Kind
	report: CompleteReport | FailReport
	collected: Collected
	end: Omit<Settlement, 'output' | 'outputKey'>
}

/** The statements that end an attempt; the others read what they returned. */
export interface Settling {
	statements: Statement[]
	/** Tells whoever wants to know; returns the task as it is now. */
	announce: (rows: readonly unknown[][]) => Promise<ContainerTask>
}

/** The output as the task will have it, and as it is stored. */
export async function storeOutput(deps: TaskQueueDeps, { record: { task }, collected }: Ending): Promise<{ output: Record<string, unknown> | null; stored: Stored | null }> {
	const output = collected.output === null ? null : await storeStreams(deps, task, redacted(deps, collected.output))
	return { output, stored: output === null ? null : await storeJSON(deps.outputs, `container-tasks/${task.taskId}/${task.attempt}.json`, output) }
}

const lineOf = (end: Ending['end'], { error }: FailReport, at: number): TaskLogLine => ({
	operation: end.status === 'pending' ? 'queue.retry' : `queue.${end.status}`,
	level: 'warn',
	at,
	details: { outcome: end.outcome, code: error.code, message: error.message.slice(0, 500), runAfter: end.runAfter ?? null },
})

/** A guard stands first, so all of it happens or nothing: log, counts, what other tasks make of it, the task, the listener's own. */
export async function prepareSettling(deps: TaskQueueDeps, ending: Ending): Promise<Settling> {
	const { record, leaseToken, report, end } = ending
	const { taskId, workerName } = record.task
	const { output, stored } = await storeOutput(deps, ending)
	const lease = { taskId, leaseToken, now: deps.now() }
	const own = [
		leaseGuard(lease),
		...progressLines(record.task, redacted(deps, report.progress ?? [])).map((lines) => logProgressUnderLease(lease, lines)),
		'error' in report ? logUnderLease(lease, lineOf(end, report, lease.now)) : logCompletion(lease),
		countEnd({ workerName, now: lease.now }),
	]
	const others = afterEnd(end.status, taskId, lease.now)
	const update = settleStatement(lease, { ...end, output: stored?.body ?? null, outputKey: stored?.objectKey ?? null })
	const at = own.length + others.length
	const taskOf = (rows: readonly unknown[][]): ContainerTask => {
		const [settled] = toTaskRecords(rows[at] ?? [])
		if (!settled) throw new AppError('INTERNAL', `Container task ${taskId} was not settled.`)
		return { ...settled.task, output }
	}
	return {
		statements: [...own, ...others, update, ...ending.collected.statements],
		async announce(rows) {
			const settled = taskOf(rows)
			if (isClosed(settled.status)) await announce(deps, [settled])
			await announceDependents(deps, rows.slice(own.length, at).flat())
			return settled
		},
	}
}

function afterEnd(status: Settlement['status'], taskId: string, now: number): Statement[] {
	if (status === 'pending') return []
	return status === 'completed' ? [afterCompletions([taskId], now)] : afterFailures(idList([taskId]), now)
}

/** Stores an ending, and `more` with it. When another call with the same report was faster, its task is returned and `rows` is null. */
export async function settle(deps: TaskQueueDeps, ending: Ending, more: readonly Statement[] = []): Promise<{ task: ContainerTask; rows: unknown[][] | null }> {
	const { kind, report, record } = ending
	const settling = await prepareSettling(deps, ending)
	let rows: unknown[][]
	try {
		rows = await deps.db.batch([...settling.statements, ...more])
	} catch (error) {
		// Either the guard failed the batch, or something is really wrong: the row tells which.
		const opened = await openReport(deps, { taskId: record.task.taskId, kind, report })
		if (!opened.repeated) throw error
		return { task: await withOutput(deps.outputs, opened.record), rows: null }
	}
	return { task: await settling.announce(rows), rows: rows.slice(settling.statements.length) }
}
