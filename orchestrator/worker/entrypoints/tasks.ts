import { BaseWorkerEntrypoint, callerOf } from '@shared/worker-base'
import type { OrderCreated, OrderInput, OrderView, Page, PageRequest, TaskCreated, TaskInput, TasksRpc, TaskView } from '@shared/contracts'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'

/** Binding ORCHESTRATOR_TASKS: orders and their tasks. */
export class Tasks extends BaseWorkerEntrypoint<Env> implements TasksRpc {
	readonly #services = createServices(this.env, this.ctx)

	async createOrder(order: OrderInput, options: { idempotencyKey?: string } = {}): Promise<OrderCreated> {
		return this.#services.orders.create(order, callerOf(this.ctx), options.idempotencyKey)
	}
	async getOrder(orderId: string): Promise<OrderView> {
		return this.#services.orders.get(orderId)
	}
	async listOrders(page: PageRequest = {}): Promise<Page<OrderView>> {
		return this.#services.orders.list(page, callerOf(this.ctx).workerName)
	}
	async createTask(orderId: string, task: TaskInput, options: { idempotencyKey?: string } = {}): Promise<TaskCreated> {
		return this.#services.orders.addTask(orderId, task, { ...callerOf(this.ctx), idempotencyKey: options.idempotencyKey })
	}
	async getTask(taskId: string): Promise<TaskView> {
		return this.#services.orders.task(taskId)
	}
	async getTasksForOrder(orderId: string): Promise<TaskView[]> {
		return this.#services.orders.tasks(orderId)
	}
}
