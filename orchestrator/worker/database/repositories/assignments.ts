import { RouteDecision } from '@shared/contracts'
import type { AssignmentView } from '@shared/contracts'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

export interface NewAssignment {
	taskId: string
	route: RouteDecision
	executionId: string | null
	/** `assigned` until an execution follows from it, then `executing`. */
	status: string
	origin: Origin
	at: number
}

/** A routing decision that stands for a task from now on; earlier ones stay as history. */
export function insertAssignment(assignment: NewAssignment): Statement {
	const { route, origin, at } = assignment
	return sql.insertInto('ai_provider_assignments').values({
		task_uuid: assignment.taskId,
		provider_name: route.provider,
		provider_type: route.provider === 'jules' ? 'jules' : 'cli',
		status: assignment.status,
		execution_id: assignment.executionId,
		route: JSON.stringify(route),
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	})
}

export const assignmentsOfTaskQuery = (taskId: string) => sql.selectFrom('ai_provider_assignments').selectAll().where('task_uuid', '=', taskId).orderBy('id')

/** All decisions about a task, oldest first: the last one stands. */
export async function assignmentsOfTask(db: Database, taskId: string): Promise<AssignmentView[]> {
	return (await db.all(assignmentsOfTaskQuery(taskId))).map((row) => {
		const route = RouteDecision.parse(JSON.parse(row.route))
		return { taskId: row.task_uuid, provider: route.provider, status: row.status, executionId: row.execution_id, route, createdAt: row.created_at }
	})
}
