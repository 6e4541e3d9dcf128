import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** Claims a key; a second claim fails its whole batch, so the work it guards happens once. */
export function claimKey(claim: { key: string; requestHash: string; response: string; origin: Origin; at: number }): Statement {
	return sql.insertInto('idempotency_keys').values({
		key: claim.key,
		request_hash: claim.requestHash,
		response: claim.response,
		worker_name: claim.origin.workerName,
		created_at: claim.at,
		updated_at: claim.at,
	})
}

export async function findKey(db: Database, key: string): Promise<{ requestHash: string; response: string | null } | undefined> {
	const row = await db.first(sql.selectFrom('idempotency_keys').select(['request_hash', 'response']).where('key', '=', key))
	return row && { requestHash: row.request_hash, response: row.response }
}

/** Keys are kept for longer than an event of GitHub is tried again. */
export const forgetKeys = (before: number): Statement => sql.deleteFrom('idempotency_keys').where('created_at', '<', before)
