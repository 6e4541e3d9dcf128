import { AppError } from '@shared/contracts'
import type { ContainerTask , TaskPlan } from '@shared/contracts'
import { isClosed } from '@shared/container-task-queue'
import type { Origin, PlanInput } from '@shared/container-task-queue'
import { findPlan, insertPlan } from '../../database/repositories/containerTaskPlans.ts'
import type { PlanRecord } from '../../database/repositories/containerTaskPlans.ts'
import { containerTasksOfIdsQuery, toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { sha256Of } from '../sha256.ts'
import { findArchivedPlan, findArchivedTask } from './archive.ts'
import type { TaskQueueDeps } from './context.ts'
import { submitTasks } from './submit.ts'

/** Submits tasks as a plan. The same key and tasks again return the first plan; the same key with other tasks throws IDEMPOTENCY_CONFLICT. */
export async function submitPlan(deps: TaskQueueDeps, { tasks, idempotencyKey }: PlanInput, origin: Origin): Promise<TaskPlan> {
	const requestHash = await sha256Of(JSON.stringify(tasks))
	const submission = { requestHash, idempotencyKey, origin }
	const known = await findSubmitted(deps, submission)
	if (known) return planOf(deps, known)
	const planId = `PLN-${deps.ids.containerTask().slice('CTK-'.length)}`
	const at = deps.now()
	try {
		const stored = await submitTasks(deps, tasks, { origin, together: { planId, statements: (taskIds) => [insertPlan({ planId, taskIds, requestHash, idempotencyKey, origin, at })] } })
		return view({ planId, createdAt: at }, stored)
	} catch (error) {
		// Another call with the same key was faster; anything else is what it is.
		const faster = await findSubmitted(deps, submission)
		if (!faster) throw error
		return planOf(deps, faster)
	}
}

async function findSubmitted(deps: TaskQueueDeps, { requestHash, idempotencyKey, origin: { workerName } }: { requestHash: string; idempotencyKey: string | undefined; origin: Origin }): Promise<PlanRecord | undefined> {
	const known = idempotencyKey === undefined ? undefined : await findPlan(deps.db, { workerName, idempotencyKey })
	if (known && known.requestHash !== requestHash) throw new AppError('IDEMPOTENCY_CONFLICT', `The idempotency key was used for another plan, ${known.planId}. Use a new key for other tasks.`)
	return known
}

/** Throws CONTAINER_TASK_NOT_FOUND; the same for a plan of another Worker. */
export async function getPlan(deps: TaskQueueDeps, planId: string, owner?: string): Promise<TaskPlan> {
	const plan = (await findPlan(deps.db, { planId })) ?? (await findArchivedPlan(deps, planId))
	if (!plan || (owner !== undefined && plan.workerName !== owner)) throw new AppError('CONTAINER_TASK_NOT_FOUND', `There is no plan ${planId.slice(0, 40)}${owner === undefined ? '' : ` of ${owner}`}.`)
	return planOf(deps, plan)
}

async function planOf(deps: TaskQueueDeps, plan: PlanRecord): Promise<TaskPlan> {
	const present = new Map(toTaskRecords(await deps.db.all(containerTasksOfIdsQuery(plan.taskIds))).map(({ task }) => [task.taskId as string, task]))
	const tasks = await Promise.all(plan.taskIds.map(async (taskId) => present.get(taskId) ?? (await findArchivedTask(deps, taskId))?.record.task))
	return view(
		plan,
		tasks.filter((task) => task !== undefined),
	)
}

function view({ planId, createdAt }: Pick<PlanRecord, 'planId' | 'createdAt'>, tasks: ContainerTask[]): TaskPlan {
	const count = (is: (task: ContainerTask) => boolean) => tasks.filter(is).length
	const counts = {
		pending: count(({ status }) => status === 'pending'),
		blocked: count(({ blockedBy = 0 }) => blockedBy > 0),
		assigned: count(({ status }) => status === 'assigned'),
		running: count(({ status }) => status === 'running'),
		completed: count(({ status }) => status === 'completed'),
		failed: count(({ status }) => status === 'failed'),
	}
	const ended = counts.failed > 0 ? 'failed' : 'completed'
	return { planId, status: tasks.every((task) => isClosed(task.status)) ? ended : 'open', counts, tasks, createdAt }
}
