import { sql } from '../client.ts'
import type { Statement } from '../client.ts'

export interface NewFollowup {
	orderId: string | null
	taskId: string | null
	type: 'blocked' | 'review' | 'escalation'
	note: string
	data: Record<string, unknown>
	workerName: string
	at: number
}

/** Something a person should look at; the same note about the same task is kept once. */
export function addFollowup(followup: NewFollowup): Statement {
	return sql
		.insertInto('followups')
		.values({
			order_id: followup.orderId,
			task_uuid: followup.taskId,
			type: followup.type,
			note: followup.note,
			data: JSON.stringify(followup.data),
			worker_name: followup.workerName,
			created_at: followup.at,
			updated_at: followup.at,
		})
		.onConflict((conflict) => conflict.doNothing())
}
