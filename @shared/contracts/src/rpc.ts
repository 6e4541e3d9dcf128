import type {
	ClaimedTask,
	ClaimRequest,
	CompletedTask,
	CompleteManyReply,
	ContainerTask,
	ContainerTaskInput,
	ContainerTaskStatus,
	HeartbeatReply,
	PlannedTask,
	ProgressEvent,
	QueueSummary,
	TaskError,
	TaskPlan,
} from './containerTask.ts'
import type { ExecutionView, LogEntry } from './execution.ts'
import type { OrderCreated, OrderInput, OrderView, TaskInput, TaskView } from './order.ts'
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

export interface TaskCreated {
	taskId: string
	executionId: string | null
	route: RouteDecision | null
}

/** Binding `ORCHESTRATOR_TASKS`. */
export interface TasksRpc {
	createOrder(order: OrderInput, options?: { idempotencyKey?: string }): Promise<OrderCreated>
	getOrder(orderId: string): Promise<OrderView>
	listOrders(page?: PageRequest): Promise<Page<OrderView>>
	getTask(taskId: string): Promise<TaskView>
	/** Adds a task to an order: it lands on the order's branch, beside the others. */
	createTask(orderId: string, task: TaskInput, options?: { idempotencyKey?: string }): Promise<TaskCreated>
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

type NewContainerTask = Partial<ContainerTaskInput> & Pick<ContainerTaskInput, 'taskType'>
type NewPlannedTask = NewContainerTask & Pick<PlannedTask, 'key'>
type NewClaim = Partial<ClaimRequest> & Pick<ClaimRequest, 'workerName' | 'containerName'>
interface NewReport extends Lease {
	taskId: string
	output: Record<string, unknown>
}

/** Binding `ORCHESTRATOR_TASK_QUEUE`. A leased task needs its lease token to be completed or failed. */
export interface ContainerTaskQueueRpc {
	submitTask(task: NewContainerTask): Promise<string>
	/** All or none; the ids in the order of the tasks. */
	submitTasks(tasks: NewPlannedTask[]): Promise<string[]>
	/** As `submitTasks`, under an id of their own and, with an idempotency key, once. */
	submitPlan(plan: { tasks: NewPlannedTask[]; idempotencyKey?: string }): Promise<TaskPlan>
	getPlan(planId: string): Promise<TaskPlan>
	getTask(taskId: string): Promise<ContainerTask>
	getTasks(filter?: TaskFilter): Promise<Page<ContainerTask>>
	claimTask(workerName: string, containerName: string): Promise<ClaimedTask | null>
	claimTasks(request: NewClaim): Promise<ClaimedTask[]>
	heartbeat(taskId: string, leaseToken: string, progress?: ProgressEvent[]): Promise<HeartbeatReply>
	/** With `claimNext`, what it claimed is `next` of the answer. */
	completeTask(taskId: string, output: Record<string, unknown>, lease?: Lease & { claimNext?: NewClaim }): Promise<CompletedTask>
	completeTasks(reports: NewReport[], options?: { claimNext?: NewClaim }): Promise<CompleteManyReply>
	failTask(taskId: string, error: TaskError, lease?: Lease): Promise<ContainerTask>
	cancelTask(taskId: string, reason: string): Promise<ContainerTask>
	getSummary(): Promise<QueueSummary>
}
