import type { ClaimedTask, ClaimRequest, ContainerTask } from '@shared/contracts'
import { isClosed } from '@shared/container-task-queue'
import { claimStatement, hasWorkQuery, lapseStatement, logClaim, logLapse } from '../../database/repositories/containerTaskClaims.ts'
import type { Claimable, Claimer } from '../../database/repositories/containerTaskClaims.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { ringCount, waitForBell } from './bell.ts'
import { announce, describe, noteTrouble } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { failTask } from './settle.ts'

/** Lapsed leases that one claim clears away; the sweeper does the rest. */
const LAPSES_PER_CLAIM = 20
/** For so long a claimer that waits is taken to be alive without asking again. */
const FRESH_MS = 1000
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 500

/** Narrows a claim to the tasks of one Worker, or to one task. */
export interface ClaimScope {
	owner?: string | undefined
	taskId?: string | undefined
	/** Aborted when the claimer is gone: a lease that nobody hears of would only have to lapse. */
	signal?: AbortSignal | undefined
}

/**
 * Takes up to `max` tasks, the highest priority first, then the oldest. One batch clears lapsed leases and claims, so a
 * task that just lapsed is taken by the same call. When there is nothing it waits up to `waitMs` and returns, still with nothing,
 * as soon as there may be something: the caller asks again. Only a caller that asked a moment ago is taken to be alive; one that
 * died while it waited would take the task with it until its lease lapses.
 */
export async function claimTasks(deps: TaskQueueDeps, request: ClaimRequest, scope: ClaimScope): Promise<ClaimedTask[]> {
	const askedAt = deps.now()
	const until = askedAt + request.waitMs
	const sleep = deps.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)))
	let rings = ringCount()
	const claimed = await claimNow(deps, request, scope)
	if (claimed.length > 0) return claimed
	for (let pauseMs = FIRST_PAUSE_MS; deps.now() < until && !scope.signal?.aborted; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
		await waitForBell(rings, sleep(Math.min(pauseMs, until - deps.now())))
		rings = ringCount()
		if (!(await deps.db.first(hasWorkQuery(toClaimable(deps, request, scope))))) continue
		const isFresh = deps.now() - askedAt < FRESH_MS && !scope.signal?.aborted
		return isFresh ? claimNow(deps, request, scope) : []
	}
	return []
}

function toClaimable(deps: TaskQueueDeps, request: ClaimRequest, scope: ClaimScope): Claimable {
	const { taskTypes, capabilities, containerName, max: limit } = request
	return { taskTypes, capabilities, containerName, limit, now: deps.now(), owner: scope.owner, taskId: scope.taskId }
}

async function claimNow(deps: TaskQueueDeps, request: ClaimRequest, scope: ClaimScope): Promise<ClaimedTask[]> {
	const claimable = toClaimable(deps, request, scope)
	const { now } = claimable
	const claimer: Claimer = { assignedTo: `${request.workerName}:${request.containerName}`, leaseBase: deps.ids.leaseToken(), leaseMs: deps.leaseMs }
	const [, lapsed = [], , taken = []] = await deps.db.batch([
		logLapse(now, LAPSES_PER_CLAIM),
		lapseStatement(now, LAPSES_PER_CLAIM),
		logClaim(claimable, claimer),
		claimStatement(claimable, claimer),
	])
	await announceLapsed(deps, lapsed)
	// RETURNING promises no order.
	const records = toTaskRecords(taken).sort((a, b) => b.task.priority - a.task.priority || a.id - b.id)
	const granted = await Promise.all(records.map((record) => grant(deps, record)))
	return granted.filter((task) => task !== null)
}

/** Adds what the runner needs. A task that gets no grant cannot be run by anybody right now, so its attempt ends here. */
async function grant(deps: TaskQueueDeps, { task, leaseToken }: TaskRecord): Promise<ClaimedTask | null> {
	const leaseExpiresAt = task.leaseExpiresAt ?? 0
	if (leaseToken === null) return null
	try {
		return { task, leaseToken, leaseExpiresAt, leaseMs: deps.leaseMs, grant: await deps.listener.grant(task, leaseExpiresAt) }
	} catch (error) {
		await noteTrouble(deps, task, { operation: 'queue.grant-failed', level: 'error', error })
		await failTask(deps, { taskId: task.taskId }, { leaseToken, error: describe(error) })
		return null
	}
}

async function announceLapsed(deps: TaskQueueDeps, rows: readonly unknown[]): Promise<ContainerTask[]> {
	const tasks = toTaskRecords(rows).map((record) => record.task)
	await announce(
		deps,
		tasks.filter((task) => isClosed(task.status)),
	)
	return tasks
}

/** Clears all lapsed leases; returns the tasks as they are now. For the sweeper, so that a queue without runners moves too. */
export async function requeueLapsed(deps: TaskQueueDeps): Promise<ContainerTask[]> {
	const changed: ContainerTask[] = []
	const chunk = 100
	for (let last = chunk; last === chunk; ) {
		const now = deps.now()
		const [, rows = []] = await deps.db.batch([logLapse(now, chunk), lapseStatement(now, chunk)])
		changed.push(...(await announceLapsed(deps, rows)))
		last = rows.length
	}
	return changed
}
