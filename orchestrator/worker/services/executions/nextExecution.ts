import { AppError, PROVIDER_SECRETS } from '@shared/contracts'
import type { ProviderTaskMessage, RouteDecision, TaskView } from '@shared/contracts'
import { insertExecution } from '../../database/repositories/executions.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { updateTask } from '../../database/repositories/orders.ts'
import type { Order } from '../../database/repositories/orders.ts'
import type { Ids } from '../ids.ts'
import type { Origin } from '../origin.ts'

interface NextExecution {
	task: Pick<TaskView, 'taskId' | 'prompt'>
	order: Order
	route: RouteDecision
	attempt: number
	origin: Origin
	ids: Ids
	at: number
}

/** The statements that queue an execution, and the message that tells the queue. Throws WORKSPACE_UNSUPPORTED. */
export function nextExecution({ task, order, route, attempt, origin, ids, at }: NextExecution) {
	if (order.workspaceId === null) {
		throw new AppError('WORKSPACE_UNSUPPORTED', `Order ${order.orderId} has no workspace. Place it again.`)
	}
	const executionId = ids.execution()
	const { taskId } = task
	const input = { prompt: task.prompt, validate: order.validate, wallClockMs: order.wallClockMs, stallMs: order.stallMs, branch: order.branch, factory: order.factory }
	const budgetMicroUsd = order.budgetUsd === null ? null : Math.round(order.budgetUsd * 1e6)
	const message: ProviderTaskMessage = {
		task_id: taskId,
		execution_id: executionId,
		provider: route.provider,
		factory: order.factory ?? origin.workerName,
		cli_command: [route.provider],
		env_vars: [PROVIDER_SECRETS[route.provider]],
	}
	const statements = [
		insertExecution({ executionId, taskId, orderId: order.orderId, provider: route.provider, providerType: route.provider === 'jules' ? 'jules' : 'cli', model: route.model, input, attempt, route, workspaceId: order.workspaceId, budgetMicroUsd, origin, at }),
		updateTask({ taskId, status: 'running', provider: route.provider, executionId, error: null, at }),
		appendLog({ source: 'orchestrator.router', operation: 'execution.queued', orderId: order.orderId, taskId, executionId, details: { provider: route.provider, model: route.model, mode: route.mode, reason: route.reason, attempt }, workerName: origin.workerName, at }),
	]
	return { executionId, message, statements }
}
