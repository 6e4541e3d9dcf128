import type { ClaimRequest } from '@shared/contracts'
import { kindsOf, targetsOf } from '@shared/container-task-queue'
import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { lapsedIds } from './containerTaskLapses.ts'
import { logTasks } from './containerTaskLog.ts'
import { countStarts, virtualClock } from './containerTaskShares.ts'

/** Which ready tasks a runner may take. `owner` and `taskId` narrow it to what one Worker may take, or to one task. */
export interface Claimable {
	workerName: string
	containerName: string
	taskTypes: ClaimRequest['taskTypes']
	capabilities: readonly string[]
	now: number
	limit: number
	/** How many tasks of one Worker may run where it has no number of its own. */
	maxRunning: number
	owner?: string | undefined
	taskId?: string | undefined
}

// These queries name their partial index: the planner has no statistics and would rather search by status and sort, which
// costs a pass over all pending tasks. A partial index fits only when its condition stands there word for word.
const ready = raw`status = 'pending' and run_after = 0 and blocked_by = 0`
const inClaimIndex = raw`from container_tasks indexed by container_tasks_claim where ${ready}`

/** All that a class asks of a runner: the first columns of the claim index. `is` finds null too. */
const ofLane = raw`target_worker is lane.target_worker and target_container is lane.target_container and task_type is lane.task_type and requires is lane.requires`

/**
 * Ids of the tasks that a claim takes, by the rule `chooseFairly`. A lane is a class of tasks and a Worker; in the claim index its
 * tasks stand together in the order of claims. So this hops from lane to lane, by classes that the runner can take and by Workers
 * that have such a task, and reads the first few of each: O(lanes · log n), whatever else is pending.
 */
export function claimableIds(claimable: Claimable): RawBuilder<number> {
	if (claimable.taskId !== undefined) return oneClaimableId(claimable, claimable.taskId)
	const { limit, maxRunning } = claimable
	// Between these the Worker of a lane lies: all of them, or the one that claims for itself.
	const next = (after: RawBuilder<unknown>) => raw`(select worker_name ${inClaimIndex} and ${ofLane} and ${after} and worker_name <= coalesce(lane.owner, char(1114111)) order by worker_name limit 1)`
	return raw<number>`(
		with recursive target as (
			select value ->> 0 as target_worker, value ->> 1 as target_container, value ->> 2 as owner from json_each(${targetsText(claimable)}) as given
			where exists (select 1 ${inClaimIndex} and target_worker is (given.value ->> 0) and target_container is (given.value ->> 1))
		),
		class as (select target.*, value ->> 0 as task_type, value ->> 1 as requires from target cross join json_each(${kindsText(claimable)})),
		lane as (
			select lane.*, ${next(raw`worker_name >= coalesce(lane.owner, '')`)} as worker from class as lane
			union all
			select target_worker, target_container, owner, task_type, requires, ${next(raw`worker_name > lane.worker`)} from lane where lane.worker is not null
		),
		ranked as (
			select task.id, task.priority, row_number() over (partition by task.worker_name order by task.priority desc, task.id) as place,
				coalesce(share.max_running, ${maxRunning}) - coalesce(share.running, 0) as room, max(coalesce(share.served, 0), ${virtualClock}) as served
			from lane left join container_task_shares as share on share.worker_name = lane.worker
			cross join container_tasks as task on task.id in (select id ${inClaimIndex} and ${ofLane} and worker_name = lane.worker order by priority desc, id limit ${limit})
			where lane.worker is not null and coalesce(share.running, 0) < coalesce(share.max_running, ${maxRunning})
		)
		select id from ranked where place <= room order by priority desc, served + place, id limit ${limit}
	)`
}

/** The id of the one task when it may be claimed now. Its time may have come without anybody having noticed. */
function oneClaimableId(claimable: Claimable, taskId: string): RawBuilder<number> {
	const { capabilities, containerName, workerName, owner } = claimable
	return raw<number>`(
		select id from container_tasks where task_id = ${taskId} and status = 'pending' and run_after <= ${claimable.now} and blocked_by = 0
		and task_type in (${raw.join(claimable.taskTypes)}) and (requires is null or requires in (select value from json_each(${JSON.stringify(capabilities)})))
		and (target_container is null or target_container = ${containerName}) and (target_worker is null or target_worker = ${workerName})
		${owner === undefined ? raw`` : raw`and (worker_name = ${owner} or target_worker = ${owner})`}
		and not exists (select 1 from container_task_shares as share where share.worker_name = container_tasks.worker_name and share.running >= coalesce(share.max_running, ${claimable.maxRunning}))
	)`
}

/** Who claims for one Worker gets that Worker's tasks, and others' only where they are meant for it. */
const targetsText = ({ workerName, containerName, owner }: Claimable): string =>
	JSON.stringify(targetsOf({ workerName, containerName }).map(({ targetWorker, targetContainer }) => [targetWorker, targetContainer, targetWorker === null ? (owner ?? null) : null]))

const kindsText = ({ taskTypes, capabilities }: Claimable): string => JSON.stringify(kindsOf({ taskTypes, capabilities: [...capabilities] }).map(({ taskType, requires }) => [taskType, requires]))

const dueIds = (now: number, limit: number): RawBuilder<number> =>
	raw<number>`(select id from container_tasks indexed by container_tasks_due where status = 'pending' and run_after > 0 and blocked_by = 0 and run_after <= ${now} order by run_after limit ${limit})`

const rowsOf = (ids: RawBuilder<number>, name: string) => sql.selectFrom(raw<{ id: number }>`${ids}`.as(name)).select(raw<number>`id`.as('id'))

/** Returns a row when there are leases that ran out or tasks whose time has come: both have to be tidied before they can be claimed. */
export const untidyQuery = (now: number) => rowsOf(lapsedIds(now, 1), 'lapsed').unionAll(rowsOf(dueIds(now, 1), 'due'))

/** Returns a row when there is anything that a claim would change; read-only, for waiting. */
export const hasWorkQuery = (claimable: Claimable) => rowsOf(claimableIds({ ...claimable, limit: 1 }), 'ready').unionAll(untidyQuery(claimable.now))

/** Puts tasks whose time has come among the ready ones; returns their ids. */
export const promoteStatement = (now: number, limit: number) => sql.updateTable('container_tasks').set({ run_after: 0, updated_at: now }).where('id', 'in', dueIds(now, limit)).returning('id')

/** Who claims, and under which lease. Each task's token is `leaseBase.<row id>`: its own, and known to the claimer only. */
export interface Claimer {
	/** Names this claim in the log; no secret. */
	claimId: string
	assignedTo: string
	leaseBase: string
	leaseMs: number
}

/**
 * A claim: its log, its count, and the update that returns the rows. The tasks are chosen once, by the log. What follows reads the
 * choice from there: a batch is one transaction, so the newest lines are those that were just written.
 */
export function claimStatements(claimable: Claimable, claimer: Claimer): [log: Statement, count: Statement, claim: Statement] {
	const { now, limit } = claimable
	const chosen = raw<string>`(select details ->> 'taskId' from operation_logs where id > (select max(id) from operation_logs) - ${limit} and operation = 'queue.claimed' and details ->> 'claim' = ${claimer.claimId})`
	const log = logTasks((where) => where('id', 'in', claimableIds(claimable)), {
		operation: 'queue.claimed',
		at: now,
		details: { claim: claimer.claimId, attempt: raw`attempt + 1`, assignedTo: claimer.assignedTo },
	})
	const claim = sql
		.updateTable('container_tasks')
		.set({
			status: 'assigned',
			attempt: raw<number>`attempt + 1`,
			assigned_to: claimer.assignedTo,
			lease_token: raw<string>`${claimer.leaseBase} || '.' || id`,
			lease_expires_at: raw<number>`${now} + min(${claimer.leaseMs}, timeout_ms)`,
			run_after: 0,
			assigned_at: now,
			started_at: null,
			updated_at: now,
		})
		.where('task_id', 'in', chosen)
		.returningAll()
	return [log, countStarts(chosen, now), claim]
}
