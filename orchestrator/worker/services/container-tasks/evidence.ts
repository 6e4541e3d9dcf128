import { AppError } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import type { Evidence } from '@shared/container-task-queue'
import type { Selectable } from 'kysely'
import type { Schema } from '../../database/client.ts'
import { evidenceOfTaskQuery, findEvidence, insertEvidence } from '../../database/repositories/containerTaskEvidence.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { sha256Of } from '../sha256.ts'
import { mustFind } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { storeJSON } from './outputStore.ts'
import { redacted } from './redact.ts'

/** A report that is not applied, and why. */
export interface RefusedReport {
	task: ContainerTask
	kind: 'complete' | 'fail'
	leaseToken: string
	reason: string
	body: Record<string, unknown>
}

/** Keeps the body of a report that may not be applied: what was paid for can be looked at and used again. Returns its id. */
export async function keepEvidence(deps: TaskQueueDeps, report: RefusedReport): Promise<string> {
	const { task, kind } = report
	const leaseTokenHash = await sha256Of(report.leaseToken)
	const known = await findEvidence(deps.db, { taskId: task.taskId, kind, leaseTokenHash })
	if (known !== undefined) return String(known)
	const key = `container-tasks/${task.taskId}/evidence-${kind}-${leaseTokenHash.slice(0, 16)}.json`
	const { body, objectKey } = await storeJSON(deps.outputs, key, redactedReport(deps, report.body))
	const at = deps.now()
	const [inserted] = await deps.db.batch([
		insertEvidence({
			taskId: task.taskId,
			executionId: task.executionId,
			kind,
			reason: report.reason,
			leaseTokenHash,
			body,
			objectKey,
			origin: { workerName: task.workerName },
			at,
		}),
		appendLog({
			source: 'orchestrator.queue',
			operation: 'queue.report-refused',
			level: 'warn',
			executionId: task.executionId,
			details: { taskId: task.taskId, kind, reason: report.reason, status: task.status, attempt: task.attempt },
			workerName: task.workerName,
			at,
		}),
	])
	const [row] = (inserted ?? []) as { id: number }[]
	return String(row?.id)
}

/** A patch set stays as it came: one letter less, and it could not be applied by hand any more. */
function redactedReport(deps: TaskQueueDeps, { output, ...rest }: Record<string, unknown>): Record<string, unknown> {
	if (typeof output !== 'object' || output === null || !('patchSet' in output)) return redacted(deps, { output, ...rest })
	const { patchSet, ...others } = output
	return { ...redacted(deps, rest), output: { ...redacted(deps, others), patchSet } }
}

/** Keeps a late report and throws LEASE_LOST with its id. */
export async function refuseLate(deps: TaskQueueDeps, report: Omit<RefusedReport, 'reason'>): Promise<never> {
	const { taskId, status } = report.task
	const evidenceId = await keepEvidence(deps, { ...report, reason: 'LEASE_LOST' })
	throw new AppError('LEASE_LOST', `The lease of ${taskId} is not yours (any more): the task is ${status}. The report was not applied; it is kept as evidence ${evidenceId}.`, {
		evidenceId,
		status,
	})
}

/** Late reports of a task, oldest first. Throws CONTAINER_TASK_NOT_FOUND. */
export async function listEvidence(deps: TaskQueueDeps, ref: TaskRef): Promise<Evidence[]> {
	await mustFind(deps.db, ref)
	return readEvidence(deps, await deps.db.all(evidenceOfTaskQuery(ref.taskId)))
}

export type EvidenceRow = Selectable<Schema['container_task_evidence']>

/** The rows with their bodies, wherever those are; null when the object is gone. */
export function readEvidence(deps: Pick<TaskQueueDeps, 'outputs'>, rows: readonly EvidenceRow[]): Promise<Evidence[]> {
	return Promise.all(
		rows.map(async (row) => {
			const text = row.body ?? (row.object_key === null ? null : await deps.outputs.get(row.object_key))
			return { id: row.id, kind: row.kind, reason: row.reason, containerName: row.container_name, body: text === null ? null : (JSON.parse(text) as unknown), at: row.created_at }
		}),
	)
}
