import { AppError, isAppError, toErrorBody } from '@shared/contracts'
import type { CompletedTask, CompleteManyReply, ContainerTask } from '@shared/contracts'
import type { ClaimNext, CompleteReport } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { containerTasksOfIdsQuery, toTaskRecords } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { claimNext, prepareClaim } from './claim.ts'
import { checkCommandOutput } from './commandOutput.ts'
import { isVisible, notFound } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { keepEvidence } from './evidence.ts'
import { recall } from './handedOut.ts'
import { withOutput } from './outputStore.ts'
import { judgeReport, openReport, settle } from './settle.ts'
import type { Opened } from './settle.ts'
import { prepareCompletions } from './completions.ts'
import { storeGathered } from './gatheredCompletions.ts'
import type { Collected, Completion } from './ending.ts'

/**
 * Stores the result of the lease's holder, once: the same token again gets the stored task. Throws LEASE_REQUIRED without a
 * token, LEASE_LOST (with the id of the kept evidence) with one that does not hold. `next` claims in the same batch.
 */
export async function completeTask(deps: TaskQueueDeps, ref: TaskRef, { next, ...report }: CompleteReport & { next?: ClaimNext | undefined }): Promise<CompletedTask> {
	const askedAt = deps.now()
	const known = recall({ taskId: ref.taskId, leaseToken: report.leaseToken, now: askedAt })
	const opened = known && isVisible(known.task, ref.owner) ? await judgeReport(deps, known, { kind: 'complete', report, askedAt }) : await openReport(deps, { ...ref, kind: 'complete', report })
	const ending = await endingOf(deps, opened, report)
	if (ending === null) return { ...(await withOutput(deps.outputs, opened.record)), ...(next ? { next: await claimNext(deps, next) } : {}) }
	const { task, claim } = await storeGathered(deps, { ending, next })
	return next ? { ...task, next: await claim(deps) } : task
}

/** Null for a report that is stored already. */
async function endingOf(deps: TaskQueueDeps, opened: Opened, report: CompleteReport): Promise<Completion | null> {
	if (opened.repeated) return null
	const { record, leaseToken } = opened
	return { record, leaseToken, kind: 'complete', report, collected: await collect(deps, opened, report) }
}

/** What is refused for good is kept as evidence. */
async function collect(deps: TaskQueueDeps, { record, leaseToken }: Extract<Opened, { repeated: false }>, { output }: CompleteReport): Promise<Collected> {
	try {
		checkCommandOutput(record.task, output)
		return await deps.listener.collect(record.task, output)
	} catch (error) {
		const isRefused = isAppError(error) && !error.retryable
		if (isRefused) await keepEvidence(deps, { task: record.task, kind: 'complete', leaseToken, reason: error.code, body: { output } })
		throw error
	}
}

type ManyReports = readonly (CompleteReport & { taskId: string })[]
type Result = { task: ContainerTask } | { error: unknown }

/**
 * Stores several results in one batch, with the claim of the next tasks. Each report stands for itself: where one of them spoils
 * the batch, because its lease was lost in this moment, all are stored one by one.
 */
export async function completeMany(deps: TaskQueueDeps, reports: ManyReports, { next, owner }: { next?: ClaimNext | undefined; owner?: string | undefined }): Promise<CompleteManyReply> {
	const askedAt = deps.now()
	const records = await recordsOf(deps, reports, askedAt)
	const results: (Result | undefined)[] = reports.map(() => undefined)
	const open: { at: number; ending: Completion }[] = []
	for (const [at, report] of reports.entries()) {
		try {
			const record = records.get(report.taskId)
			const found = record && isVisible(record.task, owner) ? record : notFound({ taskId: report.taskId, owner })
			const ending = await endingOf(deps, await judgeReport(deps, found, { kind: 'complete', report, askedAt }), report)
			if (ending) open.push({ at, ending })
			else results[at] = { task: await withOutput(deps.outputs, found) }
		} catch (error) {
			results[at] = { error }
		}
	}
	const claim = next && prepareClaim(deps, next.request, next.scope)
	const together = await settleTogether(deps, open.map(({ ending }) => ending), claim?.statements() ?? [])
	if (together === null) {
		for (const { at, ending } of open) results[at] = await settle(deps, ending).catch((error: unknown) => ({ error }))
		return { results: toResults(reports, results), next: next ? await claimNext(deps, next) : [] }
	}
	for (const { at, ending } of open) {
		const task = together.tasks.get(ending.record.task.taskId)
		if (task) results[at] = { task }
	}
	return { results: toResults(reports, results), next: claim ? await claim.finish(together.rows) : [] }
}

/** The tasks of the reports by id, without those that do not exist. */
async function recordsOf(deps: TaskQueueDeps, reports: ManyReports, now: number): Promise<Map<string, TaskRecord>> {
	const known = reports.flatMap(({ taskId, leaseToken }) => recall({ taskId, leaseToken, now }) ?? [])
	const records = new Map(known.map((record) => [record.task.taskId as string, record]))
	const others = reports.flatMap(({ taskId }) => (records.has(taskId) ? [] : [taskId]))
	const read = others.length === 0 ? [] : toTaskRecords(await deps.db.all(containerTasksOfIdsQuery(others)))
	for (const record of read) records.set(record.task.taskId, record)
	return records
}

/** All endings and what `more` returned, in one batch; null when something spoiled it, and where two reports are about one task. */
async function settleTogether(deps: TaskQueueDeps, endings: readonly Completion[], more: readonly Statement[]): Promise<{ tasks: Map<string, ContainerTask>; rows: unknown[][] } | null> {
	if (new Set(endings.map(({ record }) => record.task.taskId)).size < endings.length) return null
	const settling = endings.length === 0 ? null : await prepareCompletions(deps, endings)
	const rows = await deps.db.batch([...(settling?.statements ?? []), ...more]).catch(() => null)
	if (rows === null) return null
	return { tasks: (await settling?.announce(rows)) ?? new Map(), rows: rows.slice(settling?.statements.length ?? 0) }
}

function toResults(reports: ManyReports, results: readonly (Result | undefined)[]): CompleteManyReply['results'] {
	return reports.map(({ taskId }, at) => {
		const result = results[at] ?? { error: new AppError('INTERNAL', `The report on ${taskId} got lost.`) }
		return 'task' in result ? { taskId, task: result.task, error: null } : { taskId, task: null, error: toErrorBody(result.error) }
	})
}
