import { ContainerTaskStatus, WorkerShare } from '@shared/contracts'
import type { QueueSummary } from '@shared/contracts'
import { DEFAULT_MAX_RUNNING } from '@shared/container-task-queue'
import { limitStatement, listShares } from '../../database/repositories/containerTaskShares.ts'
import type { ShareRow } from '../../database/repositories/containerTaskShares.ts'
import { statusCountQuery } from '../../database/repositories/containerTasks.ts'
import type { TaskQueueDeps } from './context.ts'

/** Counting costs a row for each task, so it ends here. */
const COUNT_TO = 10_000
const WORKERS_SHOWN = 200

export async function summarise(deps: TaskQueueDeps, owner?: string): Promise<QueueSummary> {
	const [rows, shares] = await Promise.all([
		deps.db.batch(ContainerTaskStatus.options.map((status) => statusCountQuery(status, COUNT_TO, owner))),
		listShares(deps.db, owner, WORKERS_SHOWN),
	])
	const counts = (rows.flat() as { status: ContainerTaskStatus; count: number }[]).map(({ status, count }) => [status, count] as const)
	return { counts: Object.fromEntries(counts) as QueueSummary['counts'], countedTo: COUNT_TO, workers: shares.map((share) => toShare(deps, share)) }
}

export async function setMaxRunning(deps: TaskQueueDeps, workerName: string, maxRunning: number | null): Promise<WorkerShare> {
	await deps.db.run(limitStatement({ workerName, maxRunning, now: deps.now() }))
	const [share = { workerName, running: 0, maxRunning }] = await listShares(deps.db, workerName, 1)
	return toShare(deps, share)
}

const toShare = (deps: TaskQueueDeps, { workerName, running, maxRunning }: ShareRow): WorkerShare =>
	WorkerShare.parse({ workerName, running, maxRunning: maxRunning ?? deps.maxRunning ?? DEFAULT_MAX_RUNNING })
