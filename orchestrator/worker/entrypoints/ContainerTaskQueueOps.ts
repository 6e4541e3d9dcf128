import {
	AppError,
	ClaimRequest,
	CompleteManyRequest,
	CompleteRequest,
	ContainerTaskInput,
	ContainerTaskStatus,
	ExecutionId,
	FailRequest,
	HeartbeatRequest,
	NextClaim,
	TaskPlanInput,
} from '@shared/contracts'
import type { ClaimedTask, CompletedTask, CompleteManyReply, ContainerTask, ContainerTaskQueueRpc, HeartbeatReply, Lease, Page, ProgressEvent, QueueSummary, TaskError, TaskFilter, TaskPlan } from '@shared/contracts'
import type { ClaimNext, PlanInput, PlannedTaskInput, TaskInput } from '@shared/container-task-queue'
import { BaseWorkerEntrypoint, callerOf } from '@shared/worker-base'
import { z } from 'zod'
import type { Env } from '../env.ts'
import { createWorkServices } from '../services.ts'
import { checkOutsideTask } from '../services/container-tasks/outside.ts'
import { parseInput } from './parseInput.ts'

const Text = z.string().min(1).max(1000)
const Filter = z.strictObject({
	status: ContainerTaskStatus.optional(),
	executionId: ExecutionId.optional(),
	limit: z.int().min(1).max(1000).optional(),
	cursor: z.string().max(200).optional(),
})
/** A ClaimedTask will do: what else it carries is left alone. */
const LeaseArgument = z.object({ leaseToken: z.string().min(1).max(200) }).optional()
const CompleteArgument = z.object({ leaseToken: z.string().min(1).max(200), claimNext: NextClaim.optional() }).optional()
const Output = CompleteRequest.shape.output

/** Binding ORCHESTRATOR_TASK_QUEUE: work for containers. A Worker sees, claims and settles its own tasks only. */
export class ContainerTaskQueueOps extends BaseWorkerEntrypoint<Env> implements ContainerTaskQueueRpc {
	readonly #queue = createWorkServices(this.env, this.ctx).queue

	async submitTask(task: TaskInput): Promise<string> {
		const input = checkOutsideTask(parseInput(ContainerTaskInput, task, 'task'))
		return (await this.#queue.submit(input, callerOf(this.ctx))).taskId
	}
	async submitTasks(tasks: PlannedTaskInput[]): Promise<string[]> {
		const inputs = parseInput(TaskPlanInput.shape.tasks, tasks, 'list of tasks')
		return (await this.#queue.submitMany(inputs.map(checkOutsideTask), callerOf(this.ctx))).map((task) => task.taskId)
	}
	async submitPlan(plan: PlanInput): Promise<TaskPlan> {
		const input = parseInput(TaskPlanInput, plan, 'plan')
		return this.#queue.submitPlan({ ...input, tasks: input.tasks.map(checkOutsideTask) }, callerOf(this.ctx))
	}
	async getPlan(planId: string): Promise<TaskPlan> {
		return this.#queue.plan(parseInput(Text, planId, 'plan id'), callerOf(this.ctx).workerName)
	}
	async getTask(taskId: string): Promise<ContainerTask> {
		return this.#queue.get(parseInput(Text, taskId, 'task id'), callerOf(this.ctx).workerName)
	}
	async getTasks(filter: TaskFilter = {}): Promise<Page<ContainerTask>> {
		return this.#queue.list(parseInput(Filter, filter, 'filter'), callerOf(this.ctx).workerName)
	}
	/** The next task that asks for no capability; null when there is none. */
	async claimTask(workerName: string, containerName: string): Promise<ClaimedTask | null> {
		const [task] = await this.claimTasks({ workerName, containerName })
		return task ?? null
	}
	async claimTasks(request: z.input<typeof ClaimRequest>): Promise<ClaimedTask[]> {
		return this.#queue.claim(this.#own(parseInput(ClaimRequest, request, 'claim')), { owner: callerOf(this.ctx).workerName })
	}
	async heartbeat(taskId: string, leaseToken: string, progress: ProgressEvent[] = []): Promise<HeartbeatReply> {
		return this.#queue.heartbeat(parseInput(Text, taskId, 'task id'), parseInput(HeartbeatRequest, { leaseToken, progress }, 'heartbeat'), callerOf(this.ctx).workerName)
	}
	/** With `claimNext`, what it claimed is `next` of the answer. */
	async completeTask(taskId: string, output: Record<string, unknown>, lease?: Lease & { claimNext?: z.input<typeof NextClaim> }): Promise<CompletedTask> {
		const { leaseToken, claimNext } = parseInput(CompleteArgument, lease, 'lease') ?? {}
		const report = { leaseToken, output: parseInput(Output, output, 'output'), next: this.#next(claimNext) }
		return this.#queue.complete(parseInput(Text, taskId, 'task id'), report, callerOf(this.ctx).workerName)
	}
	async completeTasks(reports: z.input<typeof CompleteManyRequest>['reports'], options: { claimNext?: z.input<typeof NextClaim> } = {}): Promise<CompleteManyReply> {
		const request = parseInput(CompleteManyRequest, { ...options, reports }, 'list of reports')
		return this.#queue.completeMany(request.reports, { next: this.#next(request.claimNext), owner: callerOf(this.ctx).workerName })
	}
	async failTask(taskId: string, error: Partial<TaskError> & Pick<TaskError, 'code' | 'message'>, lease?: Lease): Promise<ContainerTask> {
		const leaseToken = parseInput(LeaseArgument, lease, 'lease')?.leaseToken
		return this.#queue.fail(parseInput(Text, taskId, 'task id'), { leaseToken, error: parseInput(FailRequest.shape.error, error, 'error') }, callerOf(this.ctx).workerName)
	}
	async cancelTask(taskId: string, reason: string): Promise<ContainerTask> {
		return this.#queue.cancel(parseInput(Text, taskId, 'task id'), parseInput(Text, reason, 'reason'), callerOf(this.ctx).workerName)
	}
	async getSummary(): Promise<QueueSummary> {
		return this.#queue.summary(callerOf(this.ctx).workerName)
	}
	/** A Worker claims for its own runners. */
	#own<Request extends NextClaim>(request: Request): Request {
		const { workerName } = callerOf(this.ctx)
		if (request.workerName !== workerName) throw new AppError('FORBIDDEN', `${workerName} claims for itself, not for ${request.workerName}.`)
		return request
	}
	#next(request: NextClaim | undefined): ClaimNext | undefined {
		return request && { request: this.#own(request), scope: { owner: callerOf(this.ctx).workerName } }
	}
}
