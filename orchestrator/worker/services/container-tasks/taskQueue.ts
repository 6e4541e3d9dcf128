import { AppError } from '@shared/contracts'
import type { ContainerTask, Page } from '@shared/contracts'
import type { TaskFilter, TaskQueue as TaskQueuePort } from '@shared/container-task-queue'
import { recountStatement } from '../../database/repositories/containerTaskShares.ts'
import { findContainerTask, listContainerTasks } from '../../database/repositories/containerTasks.ts'
import { archiveClosed, findArchivedTask } from './archive.ts'
import { cancelTask } from './cancel.ts'
import { claimTasks, requeueLapsed } from './claim.ts'
import { readStream } from './commandOutput.ts'
import { completeMany, completeTask } from './complete.ts'
import { isVisible, notFound } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'
import { listEvidence } from './evidence.ts'
import { heartbeat } from './heartbeat.ts'
import { withOutput } from './outputStore.ts'
import { getPlan, submitPlan } from './plans.ts'
import { failTask } from './settle.ts'
import { submitTasks } from './submit.ts'
import { setMaxRunning, summarise } from './summary.ts'

const MAX_PAGE = 200
/** Fifty tasks a round: what one run of the sweeper may move without coming near the limit of what a request may do. */
const ARCHIVE_ROUNDS = 4

/** The container task queue on D1. */
export interface TaskQueue extends TaskQueuePort {
	/** Clears lapsed leases and lets in tasks whose time has come; returns the tasks that had lapsed. For the sweeper. */
	requeueLapsed(): Promise<ContainerTask[]>
	/** Counts anew what runs, and moves tasks that ended longer than `keepMs` ago to the bucket, where `get`, `evidence` and `plan` still find them. */
	maintain(keepMs: number): Promise<{ tasks: number; plans: number }>
}

export function createTaskQueue(deps: TaskQueueDeps): TaskQueue {
	return {
		async submit(input, origin) {
			const [task] = await submitTasks(deps, [input], { origin })
			if (!task) throw new AppError('INTERNAL', 'The container task was not stored.')
			return task
		},
		submitMany: (inputs, origin) => submitTasks(deps, inputs, { origin }),
		submitPlan: (plan, origin) => submitPlan(deps, plan, origin),
		plan: (planId, owner) => getPlan(deps, planId, owner),
		get: (taskId, owner) => get(deps, { taskId, owner }),
		list: (filter = {}, owner) => list(deps, filter, owner),
		stream: (taskId, name, owner) => readStream(deps, { taskId, owner }, name),
		claim: (request, scope = {}) => claimTasks(deps, request, scope),
		heartbeat: (taskId, beat, owner) => heartbeat(deps, { taskId, owner }, beat),
		complete: (taskId, report, owner) => completeTask(deps, { taskId, owner }, report),
		completeMany: (reports, options) => completeMany(deps, reports, options),
		fail: (taskId, report, owner) => failTask(deps, { taskId, owner }, report),
		cancel: (taskId, reason, owner) => cancelTask(deps, { taskId, owner }, reason),
		evidence: (taskId, owner) => evidence(deps, { taskId, owner }),
		summary: (owner) => summarise(deps, owner),
		setMaxRunning: (workerName, maxRunning) => setMaxRunning(deps, workerName, maxRunning),
		requeueLapsed: () => requeueLapsed(deps),
		async maintain(keepMs) {
			const now = deps.now()
			await deps.db.run(recountStatement(now))
			return archiveClosed(deps, now - keepMs, ARCHIVE_ROUNDS)
		},
	}
}

async function get(deps: TaskQueueDeps, ref: TaskRef): Promise<ContainerTask> {
	const record = (await findContainerTask(deps.db, ref.taskId)) ?? (await findArchivedTask(deps, ref.taskId))?.record
	return record && isVisible(record.task, ref.owner) ? withOutput(deps.outputs, record) : notFound(ref)
}

async function evidence(deps: TaskQueueDeps, ref: TaskRef) {
	if (await findContainerTask(deps.db, ref.taskId)) return listEvidence(deps, ref)
	const archived = await findArchivedTask(deps, ref.taskId)
	return archived && isVisible(archived.record.task, ref.owner) ? archived.evidence() : notFound(ref)
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
