import type { ExecutionView } from '@shared/contracts'
import type { Execution } from '../../database/repositories/executions.ts'

/** How long each phase took: from its start to the next one's, in the order they were entered. */
export function phaseDurations(phasesAt: Record<string, number>): Record<string, number> {
	const entered = Object.entries(phasesAt).sort(([, a], [, b]) => a - b)
	return Object.fromEntries(
		entered.flatMap(([phase, at], index) => {
			const next = entered[index + 1]
			return next === undefined ? [] : [[phase, next[1] - at]]
		}),
	)
}

/** What callers see of an execution. */
export function toExecutionView(execution: Execution): ExecutionView {
	const runner = Object.entries(execution.runnerPhasesMs).map(([name, ms]) => [`runner.${name}`, ms])
	return {
		executionId: execution.executionId,
		taskId: execution.taskId,
		orderId: execution.orderId,
		provider: execution.provider,
		providerType: execution.providerType,
		model: execution.model,
		status: execution.status,
		phase: execution.phase,
		attempt: execution.attempt,
		workspaceId: execution.workspaceId,
		baseCommit: execution.baseCommit,
		candidateCommit: execution.candidateCommit,
		landedCommit: execution.landedCommit,
		branch: execution.input.branch,
		patchSetId: execution.patchSetId,
		route: execution.route,
		error: execution.error,
		nextExecutionId: execution.nextExecutionId,
		usage: execution.usage,
		cost: { usd: execution.costMicroUsd / 1e6, unpriced: execution.unpricedCalls > 0, calls: execution.modelCalls },
		budgetUsd: execution.budgetMicroUsd === null ? null : execution.budgetMicroUsd / 1e6,
		phasesMs: { ...phaseDurations(execution.phasesAt), ...Object.fromEntries(runner) },
		durationMs: execution.durationMs,
		createdAt: execution.createdAt,
		startedAt: execution.startedAt,
		completedAt: execution.completedAt,
	}
}
