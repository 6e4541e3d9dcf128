import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** A set of an order that stands on its branch. */
export interface LandedSet {
	patchSetId: string
	executionId: string
	/** Null for a set that no agent made. */
	provider: string | null
	commit: string
}

export const landedSetsQuery = ({ orderId, limit }: { orderId: string; limit: number }) =>
	sql
		.selectFrom('patch_sets as landed')
		.leftJoin('ai_provider_executions as run', 'run.execution_id', 'landed.execution_id')
		.select(['landed.patch_set_id', 'landed.execution_id', 'landed.landed_commit', 'run.provider_name'])
		.where('landed.order_id', '=', orderId)
		.where('landed.status', '=', 'landed')
		.orderBy('landed.created_at', 'desc')
		.limit(limit)

/** The sets of an order that have landed, the newest first. */
export async function landedSetsOfOrder(db: Database, page: Parameters<typeof landedSetsQuery>[0]): Promise<LandedSet[]> {
	const rows = await db.all(landedSetsQuery(page))
	return rows.map((row) => ({ patchSetId: row.patch_set_id, executionId: row.execution_id, provider: row.provider_name, commit: row.landed_commit ?? '' }))
}

export const costOfOrderQuery = (orderId: string) =>
	sql
		.selectFrom('tasks')
		.innerJoin('ai_provider_executions as run', 'run.task_uuid', 'tasks.uuid')
		.select(({ fn }) => [fn.sum<number | null>('run.model_calls').as('calls'), fn.sum<number | null>('run.cost_micro_usd').as('cost'), fn.sum<number | null>('run.unpriced_calls').as('unpriced')])
		.where('tasks.order_id', '=', orderId)

/** What all executions of an order cost so far; null when the gateway saw none of their model calls. */
export async function costOfOrder(db: Database, orderId: string): Promise<{ microUSD: number; unpricedCalls: number } | null> {
	const row = await db.first(costOfOrderQuery(orderId))
	return row?.calls ? { microUSD: row.cost ?? 0, unpricedCalls: row.unpriced ?? 0 } : null
}

export function setPullRequest({ orderId, number, url, at }: { orderId: string; number: number; url: string; at: number }): Statement {
	return sql.updateTable('orders').set({ pull_request_number: number, pull_request_url: url, updated_at: at }).where('id', '=', orderId)
}
