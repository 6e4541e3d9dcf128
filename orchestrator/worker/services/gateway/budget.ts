import { AppError } from '@shared/contracts'
import type { ErrorCode, Principal, ProviderName } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { requestCancel } from '../../database/repositories/executions.ts'
import { findGatewayExecution, holdBudget } from '../../database/repositories/gatewayCalls.ts'
import type { GatewayExecution } from '../../database/repositories/gatewayCalls.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { cancelCode } from '../executions/cancelReason.ts'
import { expectedCost } from './pricing.ts'

/** Held back for a call whose model has no known price yet: one cent. */
const UNKNOWN_HOLD_MICRO_USD = 10_000
const HOLD_ATTEMPTS = 20
const HOLD_PAUSE_MS = 1000

export interface BudgetDeps {
	db: Database
	now: () => number
	sleep: (ms: number) => Promise<void>
	/** Writes the rows of the gateway itself. */
	workerName: string
}

/** A call that may go through, and what is held back for it until it is settled. */
export interface Admission {
	execution: GatewayExecution
	heldMicroUsd: number
}

export interface AdmissionRequest {
	principal: Principal
	provider: ProviderName
	requestBytes: number
	/** False for calls that cost nothing: the execution must be running, its budget does not matter. */
	isMetered: boolean
	signal: AbortSignal
}

/** Decides before each call whether the execution may still spend. */
export function createBudget({ db, now, sleep, workerName }: BudgetDeps) {
	/** Refuses, and has the run stopped: its heartbeat reads the reason. */
	const stop = async (execution: GatewayExecution, code: ErrorCode, message: string): Promise<never> => {
		const at = now()
		const { executionId, taskId, orderId, costMicroUsd, budgetMicroUsd, unpricedCalls } = execution
		const details = { code, costMicroUsd, budgetMicroUsd, unpricedCalls }
		await db.batch([
			requestCancel({ executionId, reason: `${code}: ${message}`, at }),
			appendLog({ source: 'model-gateway', operation: 'budget.stop', level: 'warn', executionId, taskId, orderId, details, onceKey: code, workerName, at }),
		])
		throw new AppError(code, message, { executionId })
	}

	const check = async ({ principal, provider, isMetered }: AdmissionRequest): Promise<GatewayExecution> => {
		const execution = await findGatewayExecution(db, principal.executionId ?? '')
		if (!execution) throw new AppError('EXECUTION_NOT_FOUND', 'The execution of this token does not exist.')
		if (execution.provider !== provider) throw new AppError('FORBIDDEN', `The execution of this token belongs to the provider ${execution.provider}, not ${provider}.`)
		if (execution.cancelReason !== null) throw new AppError(cancelCode(execution.cancelReason), execution.cancelReason)
		if (execution.status !== 'running' || execution.completedAt !== null) {
			throw new AppError('EXECUTION_NOT_ACTIVE', `The execution ${execution.executionId} is ${execution.status}; models answer it only while it is running.`)
		}
		if (!isMetered || execution.budgetMicroUsd === null) return execution
		if (execution.costMicroUsd >= execution.budgetMicroUsd) {
			return await stop(execution, 'BUDGET_EXCEEDED', `The budget of ${usd(execution.budgetMicroUsd)} is used up: ${usd(execution.costMicroUsd)} spent.`)
		}
		if (execution.unpricedCalls > 0) {
			return await stop(execution, 'MODEL_UNPRICED', `A budget of ${usd(execution.budgetMicroUsd)} is set, but a call was made whose price is not known, so it cannot be kept. Use a model with a known price, or set no budget.`)
		}
		return execution
	}

	return {
		/**
		 * Throws EXECUTION_NOT_FOUND, EXECUTION_NOT_ACTIVE, EXECUTION_CANCELLED, BUDGET_EXCEEDED, MODEL_UNPRICED. While the calls in
		 * flight hold the rest of the budget it waits for them; RATE_LIMITED when that takes too long.
		 */
		async admit(request: AdmissionRequest): Promise<Admission> {
			for (let attempt = 0; attempt < HOLD_ATTEMPTS && !request.signal.aborted; attempt++) {
				const execution = await check(request)
				if (!request.isMetered || execution.budgetMicroUsd === null) return { execution, heldMicroUsd: 0 }
				const expected = expectedCost({ provider: request.provider, model: execution.model, requestBytes: request.requestBytes, at: now() })
				const microUsd = Math.max(1, expected ?? UNKNOWN_HOLD_MICRO_USD)
				if ((await db.run(holdBudget({ executionId: execution.executionId, microUsd, at: now() }))) > 0) return { execution, heldMicroUsd: microUsd }
				await sleep(HOLD_PAUSE_MS)
			}
			throw new AppError('RATE_LIMITED', 'The rest of the budget is held for calls that are still in flight. Try again when they have ended.', { retryAfterS: 5 })
		},
	}
}
export type Budget = ReturnType<typeof createBudget>

const usd = (microUsd: number) => `${(microUsd / 1e6).toFixed(4)} USD`
