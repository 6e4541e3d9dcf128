import { AppError } from '@shared/contracts'
import type { ExecutionPhase } from '@shared/contracts'
import type { Database, Statement } from '../../database/client.ts'
import { changeExecution, enterPhase } from '../../database/repositories/executions.ts'
import type { Execution, ExecutionChange } from '../../database/repositories/executions.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import type { LogLine } from '../../database/repositories/operationLogs.ts'
import { cancelCode } from './cancelReason.ts'

/** What one step adds to the record: phases it went through, columns it learned, and its line in the log. */
export interface StepRecord {
	phases: [ExecutionPhase, number][]
	change?: ExecutionChange
	operation: string
	/** Nobody is expected to look before, Unix ms: the sweeper leaves the execution alone until then. */
	seenAt?: number
	level?: LogLine['level']
	/** Tells a step that is taken more than once in a run from its repeat. */
	onceKey?: string
	details: Record<string, unknown>
}

export interface StepRecordsDeps {
	db: Database
	now: () => number
	mustFind: (executionId: string) => Promise<Execution>
}

/** What every step of an execution begins and ends with. */
export function createStepRecords(deps: StepRecordsDeps) {
	const { db, now } = deps

	async function record(execution: Execution, step: StepRecord): Promise<void> {
		const { executionId } = execution
		const statements: Statement[] = step.phases.map(([phase, at]) => enterPhase({ executionId, phase, at }))
		if (step.change) statements.push(changeExecution({ executionId, at: now(), change: step.change, ...(step.seenAt === undefined ? {} : { seenAt: step.seenAt }) }))
		statements.push(
			appendLog({
				source: 'orchestrator.execution',
				operation: step.operation,
				...(step.level === undefined ? {} : { level: step.level }),
				orderId: execution.orderId,
				taskId: execution.taskId,
				executionId,
				details: step.details,
				onceKey: step.onceKey ?? 'step',
				workerName: execution.workerName,
				at: now(),
			}),
		)
		await db.batch(statements)
	}

	/** Finds the live execution; throws EXECUTION_CANCELLED (or the reason's own code) when somebody asked it to stop. */
	async function live(executionId: string): Promise<Execution> {
		const execution = await deps.mustFind(executionId)
		if (execution.completedAt !== null) throw new AppError('EXECUTION_NOT_ACTIVE', `Execution ${executionId} is ${execution.status} already.`)
		if (execution.cancelReason !== null) throw new AppError(cancelCode(execution.cancelReason), execution.cancelReason)
		return execution
	}

	return { live, record }
}
