import { ContainerTaskId } from '@shared/contracts'
import type { Evidence } from '@shared/container-task-queue'
import { archivableQuery, deleteArchived, deletePlans, emptyPlansQuery, evidenceOfTasksQuery } from '../../database/repositories/containerTaskArchive.ts'
import type { PlanRecord } from '../../database/repositories/containerTaskPlans.ts'
import { toTaskRecord } from '../../database/repositories/containerTasks.ts'
import type { ContainerTaskRow, TaskRecord } from '../../database/repositories/containerTasks.ts'
import type { TaskQueueDeps } from './context.ts'
import { readEvidence } from './evidence.ts'
import type { EvidenceRow } from './evidence.ts'

/** Tasks of one round; each is an object of its own, and a request may only make so many. */
const TASKS_AT_ONCE = 50
const PLANS_AT_ONCE = 50

interface ArchivedTask {
	task: ContainerTaskRow
	evidence: EvidenceRow[]
}

const taskKey = (taskId: string) => `container-tasks/${taskId}/archive.json`
const planKey = (planId: string) => `container-task-plans/${planId}.json`

/**
 * Moves tasks that ended before `before` out of the table, with their evidence, and plans of which no task is left. What is stored
 * first is deleted after, under keys that say what it is: a round that broke off is simply done again. Returns how many were moved;
 * when that is `rounds` times fifty there may be more.
 */
export async function archiveClosed(deps: Pick<TaskQueueDeps, 'db' | 'outputs'>, before: number, rounds: number): Promise<{ tasks: number; plans: number }> {
	let moved = 0
	for (let round = 0; round < rounds; round++) {
		const tasks = await deps.db.all(archivableQuery(before, TASKS_AT_ONCE))
		const taskIds = tasks.map(({ task_id }) => task_id)
		const evidence = tasks.length > 0 ? await deps.db.all(evidenceOfTasksQuery(taskIds)) : []
		await Promise.all(
			tasks.map((task) => {
				const archived: ArchivedTask = { task, evidence: evidence.filter(({ task_id }) => task_id === task.task_id) }
				return deps.outputs.put(taskKey(task.task_id), JSON.stringify(archived))
			}),
		)
		if (tasks.length > 0) await deps.db.batch(deleteArchived(taskIds))
		moved += tasks.length
		if (tasks.length < TASKS_AT_ONCE) break
	}
	return { tasks: moved, plans: await archivePlans(deps, before) }
}

async function archivePlans(deps: Pick<TaskQueueDeps, 'db' | 'outputs'>, before: number): Promise<number> {
	const plans = await deps.db.all(emptyPlansQuery(before, PLANS_AT_ONCE))
	await Promise.all(
		plans.map((row) => {
			const plan: PlanRecord = { planId: row.plan_id, workerName: row.worker_name, taskIds: JSON.parse(row.task_ids) as string[], requestHash: row.request_hash, createdAt: row.created_at }
			return deps.outputs.put(planKey(row.plan_id), JSON.stringify(plan))
		}),
	)
	if (plans.length > 0) await deps.db.run(deletePlans(plans.map(({ plan_id }) => plan_id)))
	return plans.length
}

/** A task that was moved out of the table. The id is checked, because it becomes part of a key. */
export async function findArchivedTask(deps: TaskQueueDeps, taskId: string): Promise<{ record: TaskRecord; evidence: () => Promise<Evidence[]> } | undefined> {
	if (!ContainerTaskId.safeParse(taskId).success) return undefined
	const text = await deps.outputs.get(taskKey(taskId))
	if (text === null) return undefined
	const archived = JSON.parse(text) as ArchivedTask
	return { record: toTaskRecord(archived.task), evidence: () => readEvidence(deps, archived.evidence) }
}

export async function findArchivedPlan(deps: TaskQueueDeps, planId: string): Promise<PlanRecord | undefined> {
	const text = /^PLN-\w{16}$/.test(planId) ? await deps.outputs.get(planKey(planId)) : null
	return text === null ? undefined : (JSON.parse(text) as PlanRecord)
}
