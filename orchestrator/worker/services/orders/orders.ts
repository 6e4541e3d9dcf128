import { AppError, isAppError, OrderRequest, TaskId, TaskRequest, WorkspaceId } from '@shared/contracts'
import type { ExecutionId, OrderCreated, OrderInput, OrderView, Page, PageRequest, ProviderName, RouteDecision, TaskInput, TaskView } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { claimKey, findKey } from '../../database/repositories/idempotencyKeys.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { findOrder, findTask, insertOrder, insertTask, listOrders, settleOrder, tasksOfOrders } from '../../database/repositories/orders.ts'
import type { Order } from '../../database/repositories/orders.ts'
import { decodeCursor, encodeCursor, toPage } from '../cursor.ts'
import type { Ids } from '../ids.ts'
import type { Origin } from '../origin.ts'
import { parse } from '../parse.ts'

export interface OrdersDeps {
	db: Database
	now: () => number
	ids: Ids
	/** SHA-256 in hex. */
	digest: (text: string) => Promise<string>
	/** Makes or finds the workspace of an order. */
	openWorkspace: (request: OrderRequest, origin: Origin, workspaceId: WorkspaceId | undefined) => Promise<WorkspaceId>
	execute: (taskId: string, provider: ProviderName | undefined, origin: Origin) => Promise<{ executionId: string; route: RouteDecision }>
}

interface Started {
	executionId: ExecutionId | null
	route: RouteDecision | null
}
const NOT_STARTED: Started = { executionId: null, route: null }

/** Orders and their tasks: create, find, list. */
export function createOrders(deps: OrdersDeps) {
	const { db, now, ids } = deps

	async function mustFindOrder(orderId: string): Promise<Order> {
		const order = await findOrder(db, orderId)
		if (!order) throw new AppError('ORDER_NOT_FOUND', `There is no order ${orderId.slice(0, 40)}. Order ids look like ORD-7K2M9Q.`)
		return order
	}

	/** Stores order and first task, and starts the work unless `execute` is false. A repeat with the same key gets the first answer. */
	async function create(input: OrderInput, origin: Origin, idempotencyKey?: string): Promise<OrderCreated> {
		const request = parse(OrderRequest, input, 'order')
		const key = keyFor('order', idempotencyKey, origin)
		const requestHash = await deps.digest(JSON.stringify(request))
		const earlier = key === undefined ? undefined : await answerOfKey(key, requestHash)
		if (earlier !== undefined) return resume(earlier, request, origin)
		// A repeat after a crash finds the repository that the first call made.
		const own = key === undefined ? undefined : WorkspaceId.parse(`wsp-${(await deps.digest(key)).slice(0, 12)}`)
		const workspaceId = await deps.openWorkspace(request, origin, own)
		const orderId = ids.order()
		const taskId = ids.task()
		const at = now()
		try {
			await db.batch([
				...(key === undefined ? [] : [claimKey({ key, requestHash, response: orderId, origin, at })]),
				...insertOrder({ orderId, taskId, request, workspaceId, origin, at }),
				appendLog({ source: 'orchestrator.orders', operation: 'order.created', orderId, taskId, details: { taskType: request.taskType, workspaceId }, workerName: origin.workerName, at }),
			])
		} catch (error) {
			// The same key may have been claimed while the workspace was made; then the first order is the answer.
			const first = key === undefined ? undefined : await answerOfKey(key, requestHash)
			if (first === undefined) throw error
			return resume(first, request, origin)
		}
		return start({ orderId, taskId, workspaceId, execute: request.execute }, origin)
	}

	async function answerOfKey(key: string, requestHash: string): Promise<string | undefined> {
		const found = await findKey(db, key)
		if (!found) return undefined
		if (found.requestHash !== requestHash) {
			throw new AppError('IDEMPOTENCY_CONFLICT', 'This Idempotency-Key was used with another body. Use a new key for new work.')
		}
		return found.response ?? undefined
	}

	async function start(order: { orderId: OrderCreated['orderId']; taskId: OrderCreated['taskId']; workspaceId: WorkspaceId | null; execute: boolean }, origin: Origin) {
		const { execute, ...created } = order
		return { ...created, ...(execute ? await startTask(created, undefined, origin) : NOT_STARTED) }
	}

	/** Starts the work of a task that is stored. Throws what executing throws, with its id. */
	async function startTask(task: Pick<OrderCreated, 'orderId' | 'taskId'>, provider: ProviderName | undefined, origin: Origin): Promise<Started> {
		try {
			const started = await deps.execute(task.taskId, provider, origin)
			return { executionId: started.executionId as ExecutionId, route: started.route }
		} catch (error) {
			// A repeat of the same call was faster: then its execution is the answer.
			const found = isAppError(error) && error.code === 'TASK_BUSY' ? await findTask(db, task.taskId) : undefined
			if (!found?.executionId) throw withOrder(error, task)
			return { executionId: found.executionId, route: null }
		}
	}

	/** The answer for an order that exists; starts its work when the first call did not get that far. */
	async function resume(orderId: string, request: OrderRequest, origin: Origin): Promise<OrderCreated> {
		const order = await mustFindOrder(orderId)
		const [task] = await tasksOfOrders(db, [orderId])
		if (!task) throw new AppError('TASK_NOT_FOUND', `Order ${orderId} has no task.`)
		const found = { orderId: order.orderId, taskId: task.taskId, workspaceId: order.workspaceId }
		if (task.executionId !== null) return { ...found, executionId: task.executionId, route: null }
		return start({ ...found, execute: request.execute }, origin)
	}

	/**
	 * One more task for an order; an order that was closed is open again. A repeat with the same key gets the first task. Throws what executing
	 * throws, with the task's id: it is stored.
	 */
	async function addTask(orderId: string, input: TaskInput, origin: Origin & { idempotencyKey?: string | undefined }): Promise<{ taskId: TaskId } & Started> {
		const order = await mustFindOrder(orderId)
		const request = parse(TaskRequest, input, 'task')
		const key = keyFor('task', origin.idempotencyKey, origin)
		const requestHash = await deps.digest(JSON.stringify({ orderId: order.orderId, request }))
		const earlier = key === undefined ? undefined : await answerOfKey(key, requestHash)
		const taskId = earlier === undefined ? await storeTask(order, request, { origin, key, requestHash }) : TaskId.parse(earlier)
		const known = earlier === undefined ? undefined : await findTask(db, taskId)
		if (known !== undefined && known.executionId !== null) return { taskId, executionId: known.executionId, route: null }
		return { taskId, ...(request.execute ? await startTask({ orderId: order.orderId, taskId }, request.provider, origin) : NOT_STARTED) }
	}

	/** Returns the task of whoever claimed the key first. */
	async function storeTask({ orderId, taskType: usual }: Order, request: TaskRequest, { origin, key, requestHash }: { origin: Origin; key: string | undefined; requestHash: string }): Promise<TaskId> {
		const { prompt, scope = null, taskType = usual } = request
		const taskId = ids.task()
		const at = now()
		try {
			await db.batch([
				...(key === undefined ? [] : [claimKey({ key, requestHash, response: taskId, origin, at })]),
				insertTask({ taskId, orderId, taskType, prompt, scope, origin, at }),
				settleOrder({ orderId, at }),
				appendLog({ source: 'orchestrator.orders', operation: 'task.created', orderId, taskId, details: { taskType }, workerName: origin.workerName, at }),
			])
			return taskId
		} catch (error) {
			const first = key === undefined ? undefined : await answerOfKey(key, requestHash)
			if (first === undefined) throw error
			return TaskId.parse(first)
		}
	}

	async function list(page: PageRequest, workerName?: string): Promise<Page<OrderView>> {
		const limit = Math.min(Math.max(page.limit ?? 50, 1), 90)
		const orders = await listOrders(db, { workerName, before: decodeCursor(page.cursor), limit: limit + 1 })
		const { items, nextCursor } = toPage(orders, limit, (order) => encodeCursor(order.createdAt, order.orderId))
		const tasks = await tasksOfOrders(db, items.map((order) => order.orderId))
		return { items: items.map((order) => toView(order, tasks.filter((task) => task.orderId === order.orderId))), nextCursor }
	}

	return {
		create,
		addTask,
		list,
		async get(orderId: string): Promise<OrderView> {
			const order = await mustFindOrder(orderId)
			return toView(order, await tasksOfOrders(db, [orderId]))
		},
		async tasks(orderId: string): Promise<TaskView[]> {
			await mustFindOrder(orderId)
			return tasksOfOrders(db, [orderId])
		},
		async task(taskId: string): Promise<TaskView> {
			const task = await findTask(db, taskId)
			if (!task) throw new AppError('TASK_NOT_FOUND', `There is no task ${taskId.slice(0, 40)}.`)
			return task
		},
	}
}
export type Orders = ReturnType<typeof createOrders>

/** Keys of one caller and one kind of work meet nobody else's. */
function keyFor(what: 'order' | 'task', key: string | undefined, { workerName }: Origin): string | undefined {
	return key === undefined ? undefined : `${workerName} ${what} ${key.slice(0, 200)}`
}

/** The order is stored: its refusal names it, so that the work can be started once somebody can do it. */
function withOrder(error: unknown, { orderId, taskId }: Pick<OrderCreated, 'orderId' | 'taskId'>): unknown {
	return isAppError(error) ? new AppError(error.code, error.message, { ...error.details, orderId, taskId }) : error
}

function toView(order: Order, tasks: TaskView[]): OrderView {
	return {
		orderId: order.orderId,
		prompt: order.prompt,
		status: order.status,
		taskType: order.taskType,
		priority: order.priority,
		costProfile: order.costProfile,
		budgetUsd: order.budgetUsd,
		workspaceId: order.workspaceId,
		branch: order.branch,
		clonePath: order.workspaceId === null ? null : `/git/${order.workspaceId}`,
		commit: order.commit,
		pullRequest: order.pullRequest,
		workerName: order.workerName,
		tasks,
		createdAt: order.createdAt,
		updatedAt: order.updatedAt,
	}
}
