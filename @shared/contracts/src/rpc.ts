import type { ClaimedTask, ContainerTask, ContainerTaskInput, ContainerTaskStatus, HeartbeatReply, ProgressEvent, TaskError } from './containerTask.ts'
import type { ExecutionView, LogEntry } from './execution.ts'
import type { OrderCreated, OrderInput, OrderView, TaskView } from './order.ts'
import type { PatchSet } from './patch.ts'
import type { ProviderName, ProviderStats, ProviderStatus, RouteDecision } from './provider.ts'

/** A list and where to go on; `nextCursor` is opaque and null at the end. */
export interface Page<Item> {
	items: Item[]
	nextCursor: string | null
}
export interface PageRequest {
	limit?: number | undefined
	cursor?: string | undefined
}

/** What became of an order to work: the execution that was queued and the route that led to it. */
export interface ExecutionStarted {
	executionId: string
	taskId: string
	provider: ProviderName
	route: RouteDecision
}

export interface AssignmentView {
	taskId: string
	provider: ProviderName
	status: string
	executionId: string | null
	route: RouteDecision
	createdAt: number
}

/** Binding `ORCHESTRATOR_TASKS`. */
export interface TasksRpc {
	createOrder(order: OrderInput, options?: { idempotencyKey?: string }): Promise<OrderCreated>
	getOrder(orderId: string): Promise<OrderView>
	listOrders(page?: PageRequest): Promise<Page<OrderView>>
	getTask(taskId: string): Promise<TaskView>
	getTasksForOrder(orderId: string): Promise<TaskView[]>
}

/** Binding `ORCHESTRATOR_AI_PROVIDER`. */
export interface AIProviderRpc {
	/** Decides and stores the assignment; throws NO_PROVIDER_AVAILABLE with the reasons when nobody can take the task. */
	assignProvider(taskId: string, preferredProvider?: ProviderName): Promise<RouteDecision>
	executeTask(taskId: string, provider?: ProviderName): Promise<ExecutionStarted>
	getProviderStatus(providerName: ProviderName): Promise<ProviderStatus>
	listAvailableProviders(taskId: string): Promise<RouteDecision['candidates']>
	listProviders(): Promise<ProviderStatus[]>
	getExecution(executionId: string): Promise<ExecutionView>
	getExecutionLog(executionId: string, page?: PageRequest): Promise<Page<LogEntry>>
	getPatchSet(executionId: string): Promise<PatchSet | null>
	cancelExecution(executionId: string, reason?: string): Promise<ExecutionView>
	getAssignmentHistory(taskId: string): Promise<AssignmentView[]>
	getProviderStats(): Promise<ProviderStats[]>
}

export interface Lease {
	leaseToken: string
}
export interface TaskFilter extends PageRequest {
	status?: ContainerTaskStatus | undefined
	executionId?: string | undefined
}

/** Binding `ORCHESTRATOR_TASK_QUEUE`. A leased task needs its lease token to be completed or failed. */
export interface ContainerTaskQueueRpc {
	submitTask(task: Partial<ContainerTaskInput> & Pick<ContainerTaskInput, 'taskType'>): Promise<string>
	getTask(taskId: string): Promise<ContainerTask>
	getTasks(filter?: TaskFilter): Promise<Page<ContainerTask>>
	claimTask(workerName: string, containerName: string): Promise<ClaimedTask | null>
	heartbeat(taskId: string, leaseToken: string, progress?: ProgressEvent[]): Promise<HeartbeatReply>
	completeTask(taskId: string, output: Record<string, unknown>, lease?: Lease): Promise<ContainerTask>
	failTask(taskId: string, error: TaskError, lease?: Lease): Promise<ContainerTask>
	cancelTask(taskId: string, reason: string): Promise<ContainerTask>
}
