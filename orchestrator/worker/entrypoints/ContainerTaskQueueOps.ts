import {
	AppError,
	ClaimRequest,
	CompleteRequest,
	ContainerTaskInput,
	ContainerTaskStatus,
	ExecutionId,
	FailRequest,
	HeartbeatRequest,
} from '@shared/contracts'
import type { ClaimedTask, ContainerTask, ContainerTaskQueueRpc, HeartbeatReply, Lease, Page, ProgressEvent, TaskError, TaskFilter } from '@shared/contracts'
import { BaseWorkerEntrypoint, callerOf } from '@shared/worker-base'
import { z } from 'zod'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import { checkOutsideTask } from '../services/container-tasks/outside.ts'
import type { TaskInput } from '../services/container-tasks/submit.ts'
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
const Output = CompleteRequest.shape.output

/** Binding ORCHESTRATOR_TASK_QUEUE: work for containers. A Worker sees, claims and settles its own tasks only. */
export class ContainerTaskQueueOps extends BaseWorkerEntrypoint<Env> implements ContainerTaskQueueRpc {
	readonly #queue = createServices(this.env, this.ctx).queue

	async submitTask(task: TaskInput): Promise<string> {
		const input = checkOutsideTask(parseInput(ContainerTaskInput, task, 'task'))
		return (await this.#queue.submit(input, callerOf(this.ctx))).taskId
	}
	async submitTasks(tasks: TaskInput[]): Promise<string[]> {
		const inputs = parseInput(z.array(ContainerTaskInput).min(1).max(100), tasks, 'list of tasks')
		return (await this.#queue.submitMany(inputs.map(checkOutsideTask), callerOf(this.ctx))).map((task) => task.taskId)
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
		const { workerName } = callerOf(this.ctx)
		const parsed = parseInput(ClaimRequest, request, 'claim')
		if (parsed.workerName !== workerName) throw new AppError('FORBIDDEN', `${workerName} claims for itself, not for ${parsed.workerName}.`)
		return this.#queue.claim(parsed, { owner: workerName })
	}
	async heartbeat(taskId: string, leaseToken: string, progress: ProgressEvent[] = []): Promise<HeartbeatReply> {
		return this.#queue.heartbeat(parseInput(Text, taskId, 'task id'), parseInput(HeartbeatRequest, { leaseToken, progress }, 'heartbeat'), callerOf(this.ctx).workerName)
	}
	async completeTask(taskId: string, output: Record<string, unknown>, lease?: Lease): Promise<ContainerTask> {
		const leaseToken = parseInput(LeaseArgument, lease, 'lease')?.leaseToken
		return this.#queue.complete(parseInput(Text, taskId, 'task id'), { leaseToken, output: parseInput(Output, output, 'output') }, callerOf(this.ctx).workerName)
	}
	async failTask(taskId: string, error: Partial<TaskError> & Pick<TaskError, 'code' | 'message'>, lease?: Lease): Promise<ContainerTask> {
		const leaseToken = parseInput(LeaseArgument, lease, 'lease')?.leaseToken
		return this.#queue.fail(parseInput(Text, taskId, 'task id'), { leaseToken, error: parseInput(FailRequest.shape.error, error, 'error') }, callerOf(this.ctx).workerName)
	}
	async cancelTask(taskId: string, reason: string): Promise<ContainerTask> {
		return this.#queue.cancel(parseInput(Text, taskId, 'task id'), parseInput(Text, reason, 'reason'), callerOf(this.ctx).workerName)
	}
}
