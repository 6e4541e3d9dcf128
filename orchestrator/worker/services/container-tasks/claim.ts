import type { ClaimedTask, ClaimRequest, ContainerTask, NextClaim } from '@shared/contracts'
import { DEFAULT_MAX_RUNNING, kindsOf, targetsOf } from '@shared/container-task-queue'
import type { ClaimNext, ClaimScope } from '@shared/container-task-queue'
import { createLogger } from '@shared/worker-base'
import type { Statement } from '../../database/client.ts'
import { claimStatements, hasWorkQuery, promoteStatement, toClaimedRows, untidyQuery } from '../../database/repositories/containerTaskClaims.ts'
import type { Claimer } from '../../database/repositories/containerTaskClaims.ts'
import type { Claimable } from '../../database/repositories/containerTaskChoice.ts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'
import { ringCount, waitForBell } from './bell.ts'
import { describe, isVisible, noteTrouble } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { handOut } from './handedOut.ts'
import { prepareLapse } from './lapse.ts'
import { failTask } from './settle.ts'

/** Lapsed leases that one claim clears away, and tasks that it lets in; the sweeper does the rest. */
const LAPSES_PER_CLAIM = 20
const DUE_PER_CLAIM = 100
const SWEPT_AT_ONCE = 100
/** For so long a claimer that waits is taken to be alive without asking again. */
const FRESH_MS = 1000
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 500

const log = createLogger()

/**
 * Takes up to `max` tasks: the highest priority first, then by turns among Workers, then the oldest. When there is nothing it waits up to `waitMs` and returns, still with nothing,
 * as soon as there may be something: the caller asks again. Only a caller that asked a moment ago is taken to be alive; one that
 * died while it waited would take the task with it until its lease lapses.
 */
export async function claimTasks(deps: TaskQueueDeps, request: ClaimRequest, scope: ClaimScope): Promise<ClaimedTask[]> {
	const askedAt = deps.now()
	const until = askedAt + request.waitMs
	const isFresh = () => deps.now() - askedAt < FRESH_MS
	const isThere = () => isFresh() && !scope.signal?.aborted
	const own = prepareClaim(deps, request, scope)
	const claimNow = async () => own.finish(await deps.db.batch(own.statements()))
	const claim = { wants: (task: ContainerTask) => wants(request, scope, task), isFresh, statements: () => (isThere() ? own.statements() : undefined) }
	let rings = ringCount()
	const claimed = await claimNow()
	if (claimed.length > 0) return claimed
	for (let pauseMs = FIRST_PAUSE_MS; deps.now() < until && !scope.signal?.aborted; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
		const now = deps.now()
		const woken = await waitForBell(rings, { now, timeoutMs: Math.min(pauseMs, until - now), sleep: deps.sleep, claim })
		rings = ringCount()
		if (!woken.isMeant && !(await deps.db.first(hasWorkQuery(toClaimable(deps, request, scope))))) continue
		if (woken.rows === undefined && !isThere()) return []
		const came = woken.rows === undefined ? await claimNow() : await own.finish(woken.rows)
		if (came.length > 0 || !woken.isMeant) return came
	}
	return []
}

/** Claims what there is, without waiting. */
export const claimNext = (deps: TaskQueueDeps, { request, scope }: ClaimNext): Promise<ClaimedTask[]> => claimTasks(deps, { ...request, waitMs: 0 }, scope)

/** Whether a claim may take this task, as far as one can tell without looking. */
const wants = (request: ClaimRequest, { owner, taskId }: ClaimScope, task: ContainerTask): boolean =>
	(taskId === undefined || task.taskId === taskId) &&
	isVisible(task, owner) &&
	targetsOf(request).some(({ targetWorker, targetContainer }) => targetWorker === (task.targetWorker ?? null) && targetContainer === task.containerName) &&
	kindsOf(request).some(({ taskType, requires }) => taskType === task.taskType && requires === task.requires)

export function toClaimable(deps: TaskQueueDeps, request: NextClaim, scope: ClaimScope): Claimable {
	const { max: limit, ...runner } = request
	return { ...runner, limit, maxRunning: deps.maxRunning ?? DEFAULT_MAX_RUNNING, now: deps.now(), owner: scope.owner, taskId: scope.taskId }
}

/** As it stands in `assigned_to`. */
export const claimerOf = ({ workerName, containerName }: NextClaim): string => `${workerName}:${containerName}`

/** A claim as part of a batch: its statements as of now, which are four, and what to do with what they returned. */
export interface PreparedClaim {
	/** Those of a claim of its own, with each call. */
	statements: () => Statement[]
	finish: (rows: readonly unknown[][]) => Promise<ClaimedTask[]>
}

export function prepareClaim(deps: TaskQueueDeps, request: NextClaim, scope: ClaimScope): PreparedClaim {
	function statements(): Statement[] {
		const claimable = toClaimable(deps, request, scope)
		const claimer: Claimer = { claimId: deps.ids.containerTask(), assignedTo: claimerOf(request), leaseBase: deps.ids.leaseToken(), leaseMs: deps.leaseMs }
		return [untidyQuery(claimable.now), ...claimStatements(claimable, claimer)]
	}
	const takenBy = ([, , , taken = []]: readonly unknown[][]) => handOut(toClaimedRows(taken))
	return {
		statements,
		async finish(rows) {
			const records = takenBy(rows)
			const [untidy = []] = rows
			const isTidied = untidy.length > 0 && (await tidy(deps))
			// Once more, so that a task that just lapsed is taken by the same call.
			return grantAll(deps, isTidied && records.length === 0 ? takenBy(await deps.db.batch(statements())) : records)
		},
	}
}

/** Lapsed leases and tasks whose time has come are rare, so a claim looks for them and clears them away only when there are any. */
export async function tidy(deps: TaskQueueDeps): Promise<boolean> {
	try {
		const now = deps.now()
		const lapse = prepareLapse(now, LAPSES_PER_CLAIM)
		const rows = await deps.db.batch([...lapse.statements, promoteStatement(now, DUE_PER_CLAIM)])
		await lapse.announce(deps, rows)
		return true
	} catch (error) {
		// What was claimed already must reach its runner.
		log.error('queue.tidy-failed', { error })
		return false
	}
}

export async function grantAll(deps: TaskQueueDeps, records: readonly TaskRecord[]): Promise<ClaimedTask[]> {
	// RETURNING promises no order.
	const inOrder = records.toSorted((a, b) => b.task.priority - a.task.priority || a.id - b.id)
	const granted = await Promise.all(inOrder.map((record) => grant(deps, record)))
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

/** Clears all lapsed leases and lets in what is due; returns the lapsed tasks as they are now. For the sweeper, so that a queue without runners moves too. */
export async function requeueLapsed(deps: TaskQueueDeps): Promise<ContainerTask[]> {
	const changed: ContainerTask[] = []
	for (let isMore = true; isMore; ) {
		const now = deps.now()
		const lapse = prepareLapse(now, SWEPT_AT_ONCE)
		const [due = [], ...rows] = await deps.db.batch([promoteStatement(now, SWEPT_AT_ONCE), ...lapse.statements])
		const lapsed = await lapse.announce(deps, rows)
		changed.push(...lapsed)
		isMore = lapsed.length === SWEPT_AT_ONCE || due.length === SWEPT_AT_ONCE
	}
	return changed
}
