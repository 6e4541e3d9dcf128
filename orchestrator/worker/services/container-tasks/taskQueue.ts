import { AppError } from '@shared/contracts'
import type { ClaimedTask, ClaimRequest, ContainerTask, HeartbeatReply, Page, TaskFilter } from '@shared/contracts'
import { listContainerTasks } from '../../database/repositories/containerTasks.ts'
import type { Origin } from '../origin.ts'
import { cancelTask } from './cancel.ts'
import { claimTasks, requeueLapsed } from './claim.ts'
import type { ClaimScope } from './claim.ts'
import { mustFind } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { listEvidence } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { heartbeat } from './heartbeat.ts'
import type { Heartbeat } from './heartbeat.ts'
import { withOutput } from './outputStore.ts'
import { completeTask, failTask } from './settle.ts'
import type { CompleteReport, FailReport } from './settle.ts'
import { submitTasks } from './submit.ts'
import type { TaskInput } from './submit.ts'

const MAX_PAGE = 200

/**
 * The container task queue on D1. Where a method takes `owner`, only tasks of that Worker exist for it; absent means all.
 */
export interface TaskQueue {
	submit(input: TaskInput, origin: Origin): Promise<ContainerTask>
	submitMany(inputs: readonly TaskInput[], origin: Origin): Promise<ContainerTask[]>
	get(taskId: string, owner?: string): Promise<ContainerTask>
	/** Newest first. Outputs that are too long for a row are null here; `get` has them. */
	list(filter?: TaskFilter, owner?: string): Promise<Page<ContainerTask>>
	claim(request: ClaimRequest, scope?: ClaimScope): Promise<ClaimedTask[]>
	heartbeat(taskId: string, beat: Heartbeat, owner?: string): Promise<HeartbeatReply>
	complete(taskId: string, report: CompleteReport, owner?: string): Promise<ContainerTask>
	fail(taskId: string, report: FailReport, owner?: string): Promise<ContainerTask>
	cancel(taskId: string, reason: string, owner?: string): Promise<ContainerTask>
	requeueLapsed(): Promise<ContainerTask[]>
	/** Reports that came with a lease that was lost: kept, never applied. */
	evidence(taskId: string, owner?: string): Promise<Evidence[]>
}

export function createTaskQueue(deps: TaskQueueDeps): TaskQueue {
	return {
		async submit(input, origin) {
			const [task] = await submitTasks(deps, [input], origin)
			if (!task) throw new AppError('INTERNAL', 'The container task was not stored.')
			return task
		},
		submitMany: (inputs, origin) => submitTasks(deps, inputs, origin),
		get: async (taskId, owner) => withOutput(deps.outputs, await mustFind(deps.db, { taskId, owner })),
		list: (filter = {}, owner) => list(deps, filter, owner),
		claim: (request, scope = {}) => claimTasks(deps, request, scope),
		heartbeat: (taskId, beat, owner) => heartbeat(deps, { taskId, owner }, beat),
		complete: (taskId, report, owner) => completeTask(deps, { taskId, owner }, report),
		fail: (taskId, report, owner) => failTask(deps, { taskId, owner }, report),
		cancel: (taskId, reason, owner) => cancelTask(deps, { taskId, owner }, reason),
		requeueLapsed: () => requeueLapsed(deps),
		evidence: (taskId, owner) => listEvidence(deps, { taskId, owner }),
	}
}

async function list(deps: TaskQueueDeps, filter: TaskFilter, owner?: string): Promise<Page<ContainerTask>> {
	const limit = Math.min(Math.max(filter.limit ?? 50, 1), MAX_PAGE)
	const before = filter.cursor === undefined ? undefined : Number(filter.cursor)
	if (before !== undefined && !(Number.isSafeInteger(before) && before > 0)) {
		throw new AppError('INVALID_INPUT', 'The cursor is not one that this list returned: pass nextCursor back unchanged, or leave it out.')
	}
	const records = await listContainerTasks(deps.db, { workerName: owner, status: filter.status, executionId: filter.executionId, before, limit: limit + 1 })
	const items = records.slice(0, limit)
	return { items: items.map((record) => record.task), nextCursor: records.length > limit ? String(items.at(-1)?.id) : null }
}
