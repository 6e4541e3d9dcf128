import type { Failure, ProviderName, ProviderTaskMessage } from '@shared/contracts'
import type { Database, Statement } from '../../database/client.ts'
import { settleExecution } from '../../database/repositories/executions.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import { addFollowup } from '../../database/repositories/followups.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { settleOrder, updateTask } from '../../database/repositories/orders.ts'
import { fallsBack } from './failures.ts'

export interface SettlementDeps {
	db: Database
	now: () => number
	mustFind: (executionId: string) => Promise<Execution>
	planFallback: (failed: Execution, code: string) => Promise<NextRun | null>
	/** A task that makes the change again where it met other work; null when nobody can, or when it has been tried often enough. */
	planRemediation: (failed: Execution, failure: Failure) => Promise<(NextRun & { taskId: string }) | null>
	enqueue: (message: ProviderTaskMessage) => Promise<void>
	health: { recordSuccess: (provider: ProviderName) => Promise<void>; recordFailure: (provider: ProviderName, failure: Failure) => Promise<void> }
	/** Drops the candidate of a set that may not land; the set itself is kept. */
	discardCandidate: (execution: Execution, reason: string) => Promise<void>
	/** Statements that end what the execution was foreseen to touch, for the batch that closes it. */
	closeFootprints: (executionId: string) => Statement[]
	/** Wakes what waits for the execution. */
	releaseWaiting: (executionId: string) => Promise<void>
	/** Ends a container task that is still open; no error when it has ended. */
	cancelContainerTask: (containerTaskId: string, reason: string) => Promise<void>
}

interface NextRun {
	executionId: string
	message: ProviderTaskMessage
	statements: Statement[]
}

/** How executions end. State, task, order, fallback and log change in one batch. */
export function createSettlement(deps: SettlementDeps) {
	const { db, now } = deps

	async function complete(executionId: string, landedCommit: string): Promise<void> {
		const execution = await deps.mustFind(executionId)
		if (execution.completedAt !== null) return
		const at = now()
		const { orderId, taskId } = execution
		await db.batch([
			settleExecution({ executionId, status: 'completed', landedCommit, at }),
			...deps.closeFootprints(executionId),
			updateTask({ taskId, status: 'completed', error: null, at }),
			settleOrder({ orderId, commit: landedCommit, at }),
			appendLog({ source: 'orchestrator.execution', operation: 'execution.completed', orderId, taskId, executionId, details: { commit: landedCommit, branch: execution.input.branch }, onceKey: 'step', workerName: execution.workerName, at }),
		])
		await deps.health.recordSuccess(execution.provider)
		await deps.releaseWaiting(executionId)
	}

	/** Closes a failed execution. The next provider of the chain takes over where the failure was the provider's; else a person is told. */
	async function fail(executionId: string, failure: Failure): Promise<{ nextExecutionId: string | null }> {
		const execution = await deps.mustFind(executionId)
		if (execution.completedAt !== null) return { nextExecutionId: execution.nextExecutionId }
		const isCancelled = failure.code === 'EXECUTION_CANCELLED'
		// The breaker learns first, so that the plan does not pick the provider that has just failed.
		await deps.health.recordFailure(execution.provider, failure)
		const fallback = fallsBack(failure.code) && execution.cancelReason === null ? await deps.planFallback(execution, failure.code) : null
		const remedy = failure.code === 'PATCH_CONFLICT' ? await deps.planRemediation(execution, failure) : null
		const next = fallback ?? remedy
		const at = now()
		const { orderId, taskId, workerName } = execution
		const status = isCancelled ? 'cancelled' : 'failed'
		const message = remedy ? `${failure.message} Task ${remedy.taskId} makes it again.` : failure.message
		const needsPerson = !isCancelled && remedy === null
		const ending: Statement[] = [
			...(remedy?.statements ?? []),
			updateTask({ taskId, status, error: { code: failure.code, message }, at }),
			settleOrder({ orderId, at }),
			...(needsPerson ? [addFollowup({ orderId, taskId, type: failure.code === 'PATCH_CONFLICT' ? 'escalation' : 'review', note: `${failure.code}: ${failure.message}`.slice(0, 1000), data: { executionId, patchSetId: execution.patchSetId }, workerName, at })] : []),
		]
		await db.batch([
			settleExecution({ executionId, status, error: failure, at, ...(next ? { nextExecutionId: next.executionId } : {}) }),
			...deps.closeFootprints(executionId),
			appendLog({ source: 'orchestrator.execution', operation: `execution.${status}`, level: isCancelled ? 'warn' : 'error', orderId, taskId, executionId, details: { error: failure, next: next?.executionId ?? null, remediation: remedy?.taskId ?? null, patchSetId: execution.patchSetId }, onceKey: 'step', workerName, at }),
			...(fallback ? fallback.statements : ending),
		])
		await deps.releaseWaiting(executionId)
		if (execution.containerTaskId !== null) await deps.cancelContainerTask(execution.containerTaskId, `Execution ${executionId} ended: ${failure.code}`)
		// What only met other work is not refused, so its set keeps saying so.
		if (execution.candidateCommit !== null && failure.code !== 'PATCH_STALE' && failure.code !== 'PATCH_CONFLICT') await deps.discardCandidate(execution, `${failure.code}: ${failure.message}`)
		if (next) await deps.enqueue(next.message).catch((error: unknown) => console.error({ message: 'enqueue failed; the sweeper will tell the queue again', executionId: next.executionId, error: String(error) }))
		return { nextExecutionId: next?.executionId ?? null }
	}

	return { complete, fail }
}
export type Settlement = ReturnType<typeof createSettlement>
