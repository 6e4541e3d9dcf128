import { sql as raw } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** What the model gateway has to know of an execution before it lets a call through. Money is in micro-USD. */
export interface GatewayExecution {
	executionId: string
	provider: string
	taskId: string
	orderId: string
	model: string | null
	status: string
	cancelReason: string | null
	completedAt: number | null
	costMicroUsd: number
	heldMicroUsd: number
	unpricedCalls: number
	budgetMicroUsd: number | null
}

export const gatewayExecutionQuery = (executionId: string) =>
	sql
		.selectFrom('ai_provider_executions')
		.select(['provider_name', 'task_uuid', 'order_id', 'model', 'status', 'cancel_reason', 'completed_at', 'cost_micro_usd', 'held_micro_usd', 'unpriced_calls', 'budget_micro_usd'])
		.where('execution_id', '=', executionId)

export async function findGatewayExecution(db: Database, executionId: string): Promise<GatewayExecution | undefined> {
	const row = await db.first(gatewayExecutionQuery(executionId))
	return (
		row && {
			executionId,
			provider: row.provider_name,
			taskId: row.task_uuid,
			orderId: row.order_id,
			model: row.model,
			status: row.status,
			cancelReason: row.cancel_reason,
			completedAt: row.completed_at,
			costMicroUsd: row.cost_micro_usd,
			heldMicroUsd: row.held_micro_usd,
			unpricedCalls: row.unpriced_calls,
			budgetMicroUsd: row.budget_micro_usd,
		}
	)
}

/**
 * Holds money back for a call, if what is spent and held so far leaves any of the budget. One statement, so that of parallel calls
 * each sees the holds of the others. Changes no row when the budget is used up or the execution is not running.
 */
export function holdBudget(hold: { executionId: string; microUsd: number; at: number }): Statement {
	return sql
		.updateTable('ai_provider_executions')
		.set((row) => ({ held_micro_usd: row('held_micro_usd', '+', hold.microUsd), updated_at: hold.at }))
		.where('execution_id', '=', hold.executionId)
		.where('status', '=', 'running')
		.where('cancel_reason', 'is', null)
		.where('unpriced_calls', '=', 0)
		.where(raw<boolean>`cost_micro_usd + held_micro_usd < budget_micro_usd`)
}

/** One finished call. `costMicroUsd` null: its price is not known. */
export interface GatewayCall {
	executionId: string
	provider: string
	model: string | null
	status: number
	inputTokens: number
	outputTokens: number
	cacheReadTokens: number
	cacheWriteTokens: number
	costMicroUsd: number | null
	pricing: object | null
	durationMs: number
	errorCode: string | null
	/** What `holdBudget` held back for it. */
	heldMicroUsd: number
	origin: Origin
	at: number
}

/** The row of a call and the sums of its execution; batch them, so that they cannot part. */
export function recordCall(call: GatewayCall): [Statement, Statement] {
	const insert = sql.insertInto('gateway_calls').values({
		execution_id: call.executionId,
		provider_name: call.provider,
		model: call.model,
		status: call.status,
		input_tokens: call.inputTokens,
		output_tokens: call.outputTokens,
		cache_read_tokens: call.cacheReadTokens,
		cache_write_tokens: call.cacheWriteTokens,
		cost_micro_usd: call.costMicroUsd,
		pricing: call.pricing === null ? null : JSON.stringify(call.pricing),
		duration_ms: call.durationMs,
		error_code: call.errorCode,
		worker_name: call.origin.workerName,
		container_name: call.origin.containerName ?? null,
		created_at: call.at,
		updated_at: call.at,
	})
	const sums = sql
		.updateTable('ai_provider_executions')
		.set((row) => ({
			model_calls: row('model_calls', '+', 1),
			cost_micro_usd: row('cost_micro_usd', '+', call.costMicroUsd ?? 0),
			unpriced_calls: row('unpriced_calls', '+', call.costMicroUsd === null ? 1 : 0),
			held_micro_usd: raw<number>`max(0, held_micro_usd - ${call.heldMicroUsd})`,
			updated_at: call.at,
		}))
		.where('execution_id', '=', call.executionId)
	return [insert, sums]
}

/** The calls of one execution, oldest first. */
export const callsOfExecutionQuery = (executionId: string, limit: number) =>
	sql.selectFrom('gateway_calls').selectAll().where('execution_id', '=', executionId).orderBy('id').limit(limit)
