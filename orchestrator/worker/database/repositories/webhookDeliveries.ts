import { sql as raw } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** `received` is under way; `failed` may succeed later. */
export type DeliveryStatus = 'received' | 'done' | 'ignored' | 'failed'

export interface NewDelivery {
	/** What makes two deliveries one. */
	id: string
	event: string
	/** What is needed to work on it once more. */
	result: object
	origin: Origin
	at: number
	/** One that is under way since before then was forgotten, for example by a crash. */
	forgottenBefore: number
}

/** Takes a delivery for working on it. Returns no row when somebody else has it, or had it: so each is worked on once. */
export function takeDelivery({ id, event, result, origin, at, forgottenBefore }: NewDelivery) {
	return sql
		.insertInto('webhook_deliveries')
		.values({ id, source: 'github', event, status: 'received', result: JSON.stringify(result), worker_name: origin.workerName, container_name: origin.containerName ?? null, created_at: at, updated_at: at })
		.onConflict((conflict) =>
			conflict
				.column('id')
				.doUpdateSet({ status: 'received', result: JSON.stringify(result), updated_at: at })
				.where(({ or, eb, and }) => or([eb('webhook_deliveries.status', '=', 'failed'), and([eb('webhook_deliveries.status', '=', 'received'), eb('webhook_deliveries.updated_at', '<', forgottenBefore)])])),
		)
		.returning('id')
}

export function settleDelivery({ id, status, result, at }: { id: string; status: Exclude<DeliveryStatus, 'received'>; result: object; at: number }): Statement {
	return sql.updateTable('webhook_deliveries').set({ status, result: JSON.stringify(result), updated_at: at }).where('id', '=', id)
}

/** Deliveries since `since` that are worth another try: failed ones whose time has come, and forgotten ones. */
export const dueDeliveriesQuery = ({ since, now, forgottenBefore, limit }: { since: number; now: number; forgottenBefore: number; limit: number }) =>
	sql
		.selectFrom('webhook_deliveries')
		.select(['id', 'event', 'result'])
		.where('source', '=', 'github')
		.where('created_at', '>', since)
		.where(({ or, and, eb }) => or([and([eb('status', '=', 'failed'), raw<boolean>`json_extract(result, '$.retryAt') <= ${now}`]), and([eb('status', '=', 'received'), eb('updated_at', '<', forgottenBefore)])]))
		.orderBy('created_at')
		.limit(limit)

export async function dueDeliveries(db: Database, page: Parameters<typeof dueDeliveriesQuery>[0]): Promise<{ id: string; event: string; result: Record<string, unknown> }[]> {
	const rows = await db.all(dueDeliveriesQuery(page))
	return rows.map(({ id, event, result }) => ({ id, event, result: JSON.parse(result) as Record<string, unknown> }))
}

/** Pushes are kept for a while only: there are many, and one that is sent again adds a line to a log. What started work is kept, so that it never starts it again. */
export const forgetPushes = (before: number): Statement => sql.deleteFrom('webhook_deliveries').where('source', '=', 'github').where('created_at', '<', before).where('event', '=', 'push')
