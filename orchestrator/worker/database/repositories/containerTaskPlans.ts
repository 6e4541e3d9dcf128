import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

export interface PlanRecord {
	planId: string
	workerName: string
	/** In the order in which they were submitted. */
	taskIds: string[]
	requestHash: string
	createdAt: number
}

export interface NewPlan extends Omit<PlanRecord, 'workerName' | 'createdAt'> {
	idempotencyKey: string | undefined
	origin: Origin
	at: number
}

/** Fails its batch when the Worker used the idempotency key before, so that nothing of the plan is stored twice. */
export function insertPlan({ planId, taskIds, idempotencyKey, requestHash, origin, at }: NewPlan): Statement {
	return sql.insertInto('container_task_plans').values({
		plan_id: planId,
		task_ids: JSON.stringify(taskIds),
		idempotency_key: idempotencyKey ?? null,
		request_hash: requestHash,
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	})
}

/** One plan, by its id or by the key under which its Worker submitted it. */
export async function findPlan(db: Database, by: { planId: string } | { workerName: string; idempotencyKey: string }): Promise<PlanRecord | undefined> {
	const plans = sql.selectFrom('container_task_plans').selectAll()
	const row = await db.first('planId' in by ? plans.where('plan_id', '=', by.planId) : plans.where('worker_name', '=', by.workerName).where('idempotency_key', '=', by.idempotencyKey))
	return row && { planId: row.plan_id, workerName: row.worker_name, taskIds: JSON.parse(row.task_ids) as string[], requestHash: row.request_hash, createdAt: row.created_at }
}
