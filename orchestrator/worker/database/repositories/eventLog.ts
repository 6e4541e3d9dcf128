import { sql as raw } from 'kysely'
import type { RawBuilder, Selectable } from 'kysely'
import { sql } from '../client.ts'
import type { Schema } from '../client.ts'
import { idList } from '../idList.ts'

// The log as one stream that is read by id. A D1 database writes one transaction after the other, and a line gets its id in the
// transaction that makes it visible; AUTOINCREMENT never gives an id twice, not even after a deletion. So no line ever appears
// behind a larger id that was already read, and "everything after id n" is complete.

export type LogRow = Selectable<Schema['operation_logs']>

export const linesAfterQuery = (since: number, limit: number) => sql.selectFrom('operation_logs').selectAll().where('id', '>', since).orderBy('id').limit(limit)

/** Null while nothing was ever logged. */
export const newestLineQuery = () => sql.selectFrom('operation_logs').select(({ fn }) => fn.max<number | null>('id').as('id'))

/** What a snapshot is about: all that is open, or the order, task, execution or container task of this id. */
export interface StateScope {
	workerName?: string | undefined
	task?: string | undefined
	limit: number
}

const EXECUTION = ['execution_id', 'task_uuid', 'order_id', 'provider_name', 'status', 'phase', 'attempt', 'next_execution_id', 'worker_name', 'created_at', 'updated_at', 'completed_at'] as const

/** Executions without what can be long; one more than `limit` says that there are more. */
export function executionStatesQuery({ workerName, task, limit }: StateScope) {
	let query = sql.selectFrom('ai_provider_executions').select(EXECUTION).limit(limit + 1)
	if (workerName !== undefined) query = query.where('worker_name', '=', workerName)
	if (task === undefined) return query.where('completed_at', 'is', null).orderBy('seen_at', 'desc').orderBy('execution_id', 'desc')
	if (task.startsWith('EXE-')) return query.where('execution_id', '=', task)
	const ofTasks = task.startsWith('TSK-')
		? raw<string>`(select ${task})`
		: task.startsWith('ORD-')
			? raw<string>`(select uuid from tasks where order_id = ${task})`
			: raw<string>`(select e.task_uuid from container_tasks t join ai_provider_executions e on e.execution_id = t.execution_id where t.task_id = ${task})`
	return query.where('task_uuid', 'in', ofTasks).orderBy('created_at', 'desc')
}

const CONTAINER_TASK = ['task_id', 'task_type', 'status', 'outcome', 'priority', 'requires', 'execution_id', 'assigned_to', 'attempt', 'worker_name', 'created_at', 'updated_at', 'completed_at'] as const

/** Container tasks in the same way. */
export function containerTaskStatesQuery({ workerName, task, limit }: StateScope) {
	let query = sql.selectFrom('container_tasks').select(CONTAINER_TASK).orderBy('id', 'desc').limit(limit + 1)
	if (workerName !== undefined) query = query.where('worker_name', '=', workerName)
	if (task === undefined) return query.where('status', 'in', ['pending', 'assigned', 'running'])
	if (task.startsWith('CTK-')) return query.where('task_id', '=', task)
	if (task.startsWith('EXE-')) return query.where('execution_id', '=', task)
	const where = task.startsWith('TSK-') ? raw`task_uuid = ${task}` : raw`task_uuid in (select uuid from tasks where order_id = ${task})`
	return query.where('execution_id', 'in', raw<string>`(select execution_id from ai_provider_executions where ${where})`)
}

export function instanceStatesQuery({ workerName, limit }: StateScope) {
	const query = sql
		.selectFrom('container_instances')
		.select(['instance_id', 'worker_name', 'container_name', 'state', 'degraded', 'draining', 'generation', 'port', 'detail', 'last_health_check', 'created_at', 'updated_at'])
		.orderBy('id', 'desc')
		.limit(limit + 1)
	return workerName === undefined ? query : query.where('worker_name', '=', workerName)
}

/** A kind of work, as a runner asks for it. */
export interface WorkKind {
	task_type: string
	requires: string | null
}

const isReady = raw<boolean>`task.status = 'pending' and task.run_after = 0 and task.blocked_by = 0`
const kindsOf = (from: RawBuilder<unknown>) => sql.selectFrom(raw<WorkKind>`(select task.task_type, task.requires ${from})`.as('kind')).select(['task_type', 'requires'])

/** Which kinds of work can be claimed among these tasks and those that waited for them. */
export const readyKindsQuery = (taskIds: readonly string[]) =>
	kindsOf(raw`from container_tasks as task where task.task_id in ${idList(taskIds)} and ${isReady}`).union(
		kindsOf(raw`from container_task_dependencies as edge cross join container_tasks as task on task.task_id = edge.task_id where edge.depends_on in ${idList(taskIds)} and ${isReady}`),
	)

// Both halves name their partial index, as claims do: without statistics the planner would rather search by status and sort.
const due = raw`container_tasks as task indexed by container_tasks_due where task.status = 'pending' and task.run_after > 0 and task.blocked_by = 0`
const lapsing = raw`container_tasks as task indexed by container_tasks_lapse where task.status in ('assigned', 'running')`

/** Kinds of work whose time came, or whose lease ran out, after `since` and until `now`; a claim clears them for itself. */
export const dueKindsQuery = (since: number, now: number, limit: number) =>
	kindsOf(raw`from ${due} and task.run_after > ${since} and task.run_after <= ${now} order by task.run_after limit ${limit}`).union(
		kindsOf(raw`from ${lapsing} and task.lease_expires_at > ${since} and task.lease_expires_at <= ${now} order by task.lease_expires_at limit ${limit}`),
	)

/** When the next of them will be, after `now`. */
export const nextDueQuery = (now: number) =>
	sql.selectNoFrom(
		raw<number | null>`(select min(at) from (
			select * from (select task.run_after as at from ${due} and task.run_after > ${now} order by task.run_after limit 1)
			union all
			select * from (select task.lease_expires_at as at from ${lapsing} and task.lease_expires_at > ${now} order by task.lease_expires_at limit 1)
		))`.as('at'),
	)
