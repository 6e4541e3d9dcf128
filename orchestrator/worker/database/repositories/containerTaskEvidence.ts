import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database } from '../client.ts'

/** A report that came without a valid lease. Exactly one of `body` (JSON) and `objectKey` is set. */
export interface NewEvidence {
	taskId: string
	executionId: string | null
	kind: 'complete' | 'fail'
	reason: string
	/** SHA-256 of the token in hex: tells reports apart without keeping a credential. */
	leaseTokenHash: string
	body: string | null
	objectKey: string | null
	origin: Origin
	at: number
}

export function insertEvidence(evidence: NewEvidence) {
	return sql
		.insertInto('container_task_evidence')
		.values({
			task_id: evidence.taskId,
			execution_id: evidence.executionId,
			kind: evidence.kind,
			reason: evidence.reason,
			lease_token_hash: evidence.leaseTokenHash,
			body: evidence.body,
			object_key: evidence.objectKey,
			worker_name: evidence.origin.workerName,
			container_name: evidence.origin.containerName ?? null,
			created_at: evidence.at,
			updated_at: evidence.at,
		})
		.returning('id')
}

export const evidenceOfTaskQuery = (taskId: string) => sql.selectFrom('container_task_evidence').selectAll().where('task_id', '=', taskId).orderBy('id')

/** The same report again (same task, verb and token): its evidence is kept once. */
export async function findEvidence(db: Database, report: { taskId: string; kind: string; leaseTokenHash: string }): Promise<number | undefined> {
	const row = await db.first(
		sql
			.selectFrom('container_task_evidence')
			.select('id')
			.where('task_id', '=', report.taskId)
			.where('kind', '=', report.kind)
			.where('lease_token_hash', '=', report.leaseTokenHash)
			.orderBy('id')
			.limit(1),
	)
	return row?.id
}
