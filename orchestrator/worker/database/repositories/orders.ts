import { OrderId, TaskId, WorkspaceId, WorkspaceRef } from '@shared/contracts'
import type { OrderRequest, OrderStatus, ProviderName, ScopeEntry, TaskStatus, TaskType, TaskView } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

type OrderRow = Selectable<Schema['orders']>
type TaskRow = Selectable<Schema['tasks']>

/** An order as the services see it. */
export interface Order {
	orderId: OrderId
	prompt: string
	taskType: TaskType
	workspaceId: WorkspaceId | null
	workspaceRef: WorkspaceRef
	branch: string
	commit: string | null
	/** The one that was opened last. */
	pullRequest: { number: number; url: string } | null
	status: OrderStatus
	priority: OrderRequest['priority']
	costProfile: OrderRequest['costProfile']
	budgetUsd: number | null
	provider: ProviderName | null
	preferredModel: string | null
	validate: string[]
	factory: string | null
	wallClockMs: number
	stallMs: number
	workerName: string
	createdAt: number
	updatedAt: number
}

function toOrder(row: OrderRow): Order {
	return {
		orderId: OrderId.parse(row.id),
		prompt: row.prompt,
		taskType: row.task_type as TaskType,
		workspaceId: row.workspace_id === null ? null : WorkspaceId.parse(row.workspace_id),
		workspaceRef: WorkspaceRef.parse(JSON.parse(row.workspace_ref)),
		branch: row.branch,
		commit: row.commit_id,
		pullRequest: row.pull_request_number === null || row.pull_request_url === null ? null : { number: row.pull_request_number, url: row.pull_request_url },
		status: row.status as OrderStatus,
		priority: row.priority as Order['priority'],
		costProfile: row.cost_profile as Order['costProfile'],
		budgetUsd: row.budget_usd,
		provider: row.provider as ProviderName | null,
		preferredModel: row.preferred_model,
		validate: JSON.parse(row.validate_commands) as string[],
		factory: row.factory,
		wallClockMs: row.wall_clock_ms,
		stallMs: row.stall_ms,
		workerName: row.worker_name,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	}
}

function toTask(row: TaskRow): TaskView {
	return {
		taskId: TaskId.parse(row.uuid),
		orderId: OrderId.parse(row.order_id),
		taskType: row.task_type as TaskType,
		prompt: row.prompt,
		status: row.status as TaskStatus,
		provider: row.provider as ProviderName | null,
		executionId: row.execution_id as TaskView['executionId'],
		error: row.error === null ? null : (JSON.parse(row.error) as TaskView['error']),
		parentTaskId: row.parent_task_uuid === null ? null : TaskId.parse(row.parent_task_uuid),
		depth: row.depth,
		scope: row.scope === null ? null : (JSON.parse(row.scope) as ScopeEntry[]),
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	}
}

export interface NewOrder {
	orderId: OrderId
	taskId: TaskId
	request: OrderRequest
	workspaceId: WorkspaceId | null
	origin: Origin
	at: number
}

/** The order and its first task. Fails as a whole when the order id is taken. */
export function insertOrder({ orderId, taskId, request, workspaceId, origin, at }: NewOrder): Statement[] {
	const written = { worker_name: origin.workerName, container_name: origin.containerName ?? null, created_at: at, updated_at: at }
	return [
		sql.insertInto('orders').values({
			id: orderId,
			prompt: request.prompt,
			task_type: request.taskType,
			workspace_id: workspaceId,
			workspace_ref: JSON.stringify(request.workspace),
			branch: `factory/${orderId}`,
			status: 'open',
			priority: request.priority,
			cost_profile: request.costProfile,
			budget_usd: request.budgetUsd ?? null,
			provider: request.provider ?? null,
			preferred_model: request.preferredModel ?? null,
			validate_commands: JSON.stringify(request.validate),
			factory: request.factory ?? null,
			context: request.context ? JSON.stringify(request.context) : null,
			wall_clock_ms: request.wallClockMs,
			stall_ms: request.stallMs,
			...written,
		}),
		insertTask({ taskId, orderId, taskType: request.taskType, prompt: request.prompt, scope: request.scope ?? null, origin, at }),
	]
}

export interface NewTask {
	taskId: TaskId
	orderId: string
	taskType: TaskType
	prompt: string
	scope: readonly ScopeEntry[] | null
	/** The task whose conflict this one resolves. */
	parent?: { taskId: string; depth: number; context: Record<string, unknown> }
	origin: Origin
	at: number
}

export function insertTask({ parent, origin, at, ...task }: NewTask): Statement {
	return sql.insertInto('tasks').values({
		uuid: task.taskId,
		order_id: task.orderId,
		task_type: task.taskType,
		prompt: task.prompt,
		status: 'pending',
		scope: task.scope && JSON.stringify(task.scope),
		...(parent ? { parent_task_uuid: parent.taskId, depth: parent.depth + 1, context: JSON.stringify(parent.context) } : {}),
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	})
}

export async function findOrder(db: Database, orderId: string): Promise<Order | undefined> {
	const row = await db.first(sql.selectFrom('orders').selectAll().where('id', '=', orderId))
	return row && toOrder(row)
}

export async function findTask(db: Database, taskId: string): Promise<TaskView | undefined> {
	const row = await db.first(sql.selectFrom('tasks').selectAll().where('uuid', '=', taskId))
	return row && toTask(row)
}

export const tasksOfOrderQuery = (orderIds: readonly string[]) =>
	sql.selectFrom('tasks').selectAll().where('order_id', 'in', orderIds).orderBy('order_id').orderBy('created_at').orderBy('uuid')

export async function tasksOfOrders(db: Database, orderIds: readonly string[]): Promise<TaskView[]> {
	return orderIds.length === 0 ? [] : (await db.all(tasksOfOrderQuery(orderIds))).map(toTask)
}

/** Orders newest first. `before` is the place where the page before ended. */
export function ordersQuery({ workerName, before, limit }: { workerName?: string | undefined; before?: [number, string] | undefined; limit: number }) {
	let query = sql.selectFrom('orders').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit)
	if (workerName !== undefined) query = query.where('worker_name', '=', workerName)
	if (before) {
		const [at, id] = before
		query = query.where((where) => where.or([where('created_at', '<', at), where.and([where('created_at', '=', at), where('id', '<', id)])]))
	}
	return query
}

export async function listOrders(db: Database, page: Parameters<typeof ordersQuery>[0]): Promise<Order[]> {
	return (await db.all(ordersQuery(page))).map(toOrder)
}

export interface TaskChange {
	taskId: string
	status: TaskStatus
	at: number
	provider?: ProviderName
	executionId?: string
	error?: { code: string; message: string } | null
}

export function updateTask({ taskId, status, at, provider, executionId, error }: TaskChange): Statement {
	return sql
		.updateTable('tasks')
		.set({
			status,
			updated_at: at,
			...(provider ? { provider } : {}),
			...(executionId ? { execution_id: executionId } : {}),
			...(error === undefined ? {} : { error: error && JSON.stringify(error) }),
		})
		.where('uuid', '=', taskId)
}

/** A task whose conflict another task took over: that one speaks for it. */
const isTakenOver = raw<boolean>`exists (select 1 from tasks as child where child.parent_task_uuid = tasks.uuid)`

/**
 * Gives an order the state that its tasks add up to: open while one of them is, failed or cancelled as soon as one ended so, else
 * completed. `commit` is where its branch stands now.
 */
export function settleOrder({ orderId, commit, at }: { orderId: string; commit?: string; at: number }): Statement {
	const has = (...statuses: TaskStatus[]) =>
		raw`exists (select 1 from tasks where order_id = ${orderId} and status in (${raw.join(statuses)}) and not ${isTakenOver})`
	const status = raw<string>`case when ${has('pending', 'assigned', 'running')} then 'open' when ${has('failed')} then 'failed' when ${has('cancelled')} then 'cancelled' else 'completed' end`
	return sql
		.updateTable('orders')
		.set({ status, updated_at: at, ...(commit ? { commit_id: commit } : {}) })
		.where('id', '=', orderId)
}
