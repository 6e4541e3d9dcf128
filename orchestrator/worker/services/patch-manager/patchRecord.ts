import type { Statement } from '../../database/client.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import type { LogLine } from '../../database/repositories/operationLogs.ts'
import { appendPatchEvent } from '../../database/repositories/patchEvents.ts'
import { changePatchSet } from '../../database/repositories/patchSets.ts'
import type { PatchSetRecord, PatchSetStatus } from '../../database/repositories/patchSets.ts'
import type { Origin } from '../origin.ts'

/** What a step did to a patch set. */
export interface PatchStep {
	/** `patch-set.<name>` in the log, `<name>` among the events. */
	name:
		| 'stored'
		| 'policy-passed'
		| 'asked'
		| 'approved'
		| 'rejected'
		| 'candidate'
		| 'validated'
		| 'validation-failed'
		| 'moved'
		| 'landed'
		| 'discarded'
		| 'refused'
		| 'stale'
		| 'conflict'
		| 'reverted'
		| 'reported'
	/** Left out when the step does not move the set. */
	status?: PatchSetStatus
	landedCommit?: string
	error?: string
	level?: LogLine['level']
	/** The same for a repeat of the step: no times, no durations. */
	details: Record<string, unknown>
	durationMs?: number
	/** Tells this step from another of the same name, for example the commit it made. */
	onceKey: string
}

export interface StepWriter {
	origin: Origin
	at: number
	/** The execution or batch that lands the set, where that is not the execution that made it. */
	subjectId?: string | undefined
}

/** State, event and log line of one step, for one batch. */
export function recordStep(set: PatchSetRecord, step: PatchStep, by: StepWriter): Statement[] {
	const { patchSetId, orderId, taskId } = set
	const executionId = by.subjectId ?? set.executionId
	const { origin, at } = by
	const status = step.error === undefined ? 'ok' : 'failed'
	const metadata = step.error === undefined ? step.details : { ...step.details, error: step.error }
	return [
		...(step.status === undefined ? [] : [changePatchSet({ patchSetId, status: step.status, error: step.error ?? null, landedCommit: step.landedCommit, at })]),
		appendPatchEvent({ patchSetId, eventType: step.name, status, metadata, origin, at }),
		appendLog({
			source: 'orchestrator.patches',
			operation: `patch-set.${step.name}`,
			level: step.level ?? (status === 'ok' ? 'info' : 'warn'),
			orderId,
			taskId,
			executionId,
			details: { patchSetId, ...metadata },
			onceKey: `${patchSetId} ${step.onceKey}`,
			...(step.durationMs === undefined ? {} : { durationMs: step.durationMs }),
			workerName: origin.workerName,
			containerName: origin.containerName,
			at,
		}),
	]
}
