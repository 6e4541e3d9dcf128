import type {
	ClaimedTask,
	ClaimRequest,
	CompletedTask,
	CompleteManyReply,
	ContainerTask,
	ContainerTaskInput,
	ContainerTaskStatus,
	ExecutionId,
	HeartbeatReply,
	NextClaim,
	Page,
	PlannedTask,
	ProgressEvent,
	QueueSummary,
	TaskError,
	TaskPlan,
	WorkerShare,
} from '@shared/contracts'
import type { StreamName } from './streams.ts'

/** A task as callers write it, with defaults left out. */
export type TaskInput = Partial<ContainerTaskInput> & Pick<ContainerTaskInput, 'taskType'>
export type PlannedTaskInput = TaskInput & { key?: PlannedTask['key'] }
export interface PlanInput {
	tasks: readonly PlannedTaskInput[]
	idempotencyKey?: string | undefined
}

/** Who acts: written to every row. */
export interface Origin {
	workerName: string
	containerName?: string | undefined
}

export interface TaskFilter {
	status?: ContainerTaskStatus | undefined
	executionId?: ExecutionId | string | undefined
	limit?: number | undefined
	cursor?: string | undefined
}

/** Narrows a claim to what one Worker may take, or to one task. */
export interface ClaimScope {
	/** Tasks of this Worker, and tasks of others that are meant for it. */
	owner?: string | undefined
	taskId?: string | undefined
	/** Aborted when the claimer is gone: a lease that nobody hears of would only have to lapse. */
	signal?: AbortSignal | undefined
}

export interface Heartbeat {
	leaseToken: string
	progress?: readonly ProgressEvent[]
}
interface Report {
	leaseToken?: string | undefined
	progress?: readonly ProgressEvent[]
}
export interface CompleteReport extends Report {
	output: Record<string, unknown>
}
export interface FailReport extends Report {
	error: TaskError
	/** What was made before the failure. */
	output?: Record<string, unknown> | undefined
}

/** What to claim in the same call, and for whom. */
export interface ClaimNext {
	request: NextClaim
	scope: ClaimScope
}

/** A late report, as it is kept: for people, and for whoever wants to apply it by hand. */
export interface Evidence {
	id: number
	kind: string
	reason: string
	/** The runner that sent it, as far as the task knew it. */
	containerName: string | null
	body: unknown
	at: number
}

/** What the doors need of a queue. Where a method takes `owner`, only tasks of that Worker exist for it; absent means all. */
export interface TaskQueue {
	submit(input: TaskInput, origin: Origin): Promise<ContainerTask>
	/** All or none. */
	submitMany(inputs: readonly PlannedTaskInput[], origin: Origin): Promise<ContainerTask[]>
	submitPlan(plan: PlanInput, origin: Origin): Promise<TaskPlan>
	plan(planId: string, owner?: string): Promise<TaskPlan>
	get(taskId: string, owner?: string): Promise<ContainerTask>
	/** Newest first. Outputs that are too long for a row are null here; `get` has them. */
	list(filter?: TaskFilter, owner?: string): Promise<Page<ContainerTask>>
	/** The whole of a stream of which `get` has the end. */
	stream(taskId: string, name: StreamName, owner?: string): Promise<string>
	claim(request: ClaimRequest, scope?: ClaimScope): Promise<ClaimedTask[]>
	heartbeat(taskId: string, beat: Heartbeat, owner?: string): Promise<HeartbeatReply>
	complete(taskId: string, report: CompleteReport & { next?: ClaimNext | undefined }, owner?: string): Promise<CompletedTask>
	/** Each report stands for itself. */
	completeMany(reports: readonly (CompleteReport & { taskId: string })[], options: { next?: ClaimNext | undefined; owner?: string | undefined }): Promise<CompleteManyReply>
	fail(taskId: string, report: FailReport, owner?: string): Promise<ContainerTask>
	cancel(taskId: string, reason: string, owner?: string): Promise<ContainerTask>
	/** Reports that came with a lease that was lost: kept, never applied. */
	evidence(taskId: string, owner?: string): Promise<Evidence[]>
	summary(owner?: string): Promise<QueueSummary>
	/** How many tasks of a Worker may run at once; null = the default. */
	setMaxRunning(workerName: string, maxRunning: number | null): Promise<WorkerShare>
}
