import type { ClaimRequest } from '@shared/contracts'
import { kindsOf, targetsOf } from '@shared/container-task-queue'
import { sql as raw } from 'kysely'
import type { RawBuilder } from 'kysely'
import { boundLimit } from '../boundLimit.ts'
import { virtualClock } from './containerTaskShares.ts'

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

/** What the choice among lanes binds; see `laneValues`. */
export interface LaneValues {
	targets: string
	kinds: string
	limit: number
	maxRunning: number
}

// These queries name their partial index: the planner has no statistics and would rather search by status and sort, which
// costs a pass over all pending tasks. A partial index fits only when its condition stands there word for word.
const ready = raw`status = 'pending' and run_after = 0 and blocked_by = 0`
const inClaimIndex = raw`from container_tasks indexed by container_tasks_claim where ${ready}`

/** All that a class asks of a runner: the first columns of the claim index. `is` finds null too. */
const ofLane = raw`target_worker is lane.target_worker and target_container is lane.target_container and task_type is lane.task_type and requires is lane.requires`

// A lane is a class of tasks and a Worker; in the claim index its tasks stand together in the order of claims. So this hops from lane to
// lane, by classes that the runner can take and by Workers that have such a task: O(lanes · log n), whatever else is pending.
function lanes({ targets, kinds }: Pick<LaneValues, 'targets' | 'kinds'>): RawBuilder<unknown> {
	// Between these the Worker of a lane lies: all of them, or the one that claims for itself.
	const next = (after: RawBuilder<unknown>) => raw`(select worker_name ${inClaimIndex} and ${ofLane} and ${after} and worker_name <= coalesce(lane.owner, char(1114111)) order by worker_name limit 1)`
	return raw`
		target as (
			select value ->> 0 as target_worker, value ->> 1 as target_container, value ->> 2 as owner from json_each(${targets}) as given
			where exists (select 1 ${inClaimIndex} and target_worker is (given.value ->> 0) and target_container is (given.value ->> 1))
		),
		class as (select target.*, value ->> 0 as task_type, value ->> 1 as requires from target cross join json_each(${kinds})),
		lane as (
			select lane.*, ${next(raw`worker_name >= coalesce(lane.owner, '')`)} as worker from class as lane
			union all
			select target_worker, target_container, owner, task_type, requires, ${next(raw`worker_name > lane.worker`)} from lane where lane.worker is not null
		)`
}

const firstOfLane = (limit: RawBuilder<number>) => raw<number>`(select id ${inClaimIndex} and ${ofLane} and worker_name = lane.worker order by priority desc, id limit ${limit})`
const servedBefore = raw`max(coalesce(share.served, 0), ${virtualClock})`
const shareOfLane = raw`lane left join container_task_shares as share on share.worker_name = lane.worker`
const mayRun = (maxRunning: number) => raw`lane.worker is not null and coalesce(share.running, 0) < coalesce(share.max_running, ${maxRunning})`

/** Ids of up to `limit` tasks that a claim takes, by the rule `chooseFairly`: reads the first few of each lane. */
export function severalClaimableIds(values: LaneValues): RawBuilder<number> {
	const { limit, maxRunning } = values
	return raw<number>`(
		with recursive ${lanes(values)},
		ranked as (
			select task.id, task.priority, row_number() over (partition by task.worker_name order by task.priority desc, task.id) as place,
				coalesce(share.max_running, ${maxRunning}) - coalesce(share.running, 0) as room, ${servedBefore} as served
			from ${shareOfLane} cross join container_tasks as task on task.id in ${firstOfLane(boundLimit(limit))}
			where ${mayRun(maxRunning)}
		)
		select id from ranked where place <= room order by priority desc, served + place, id limit ${boundLimit(limit)}
	)`
}

/** The same for one task, which is the first of its lane: without a table of what each lane has, it costs a tenth. */
export function nextClaimableId(values: Omit<LaneValues, 'limit'>): RawBuilder<number> {
	const { maxRunning } = values
	return raw<number>`(
		with recursive ${lanes(values)},
		first as (
			select task.id, task.priority, ${servedBefore} as served
			from ${shareOfLane} cross join container_tasks as task on task.id = ${firstOfLane(raw.lit(1))}
			where ${mayRun(maxRunning)}
		)
		select id from first order by priority desc, served, id limit 1
	)`
}

/** The id of the one task when it may be claimed now. Its time may have come without anybody having noticed. */
export function oneClaimableId(claimable: Claimable, taskId: string): RawBuilder<number> {
	const { capabilities, containerName, workerName, owner } = claimable
	return raw<number>`(
		select id from container_tasks where task_id = ${taskId} and status = 'pending' and run_after <= ${claimable.now} and blocked_by = 0
		and task_type in (${raw.join(claimable.taskTypes)}) and (requires is null or requires in (select value from json_each(${JSON.stringify(capabilities)})))
		and (target_container is null or target_container = ${containerName}) and (target_worker is null or target_worker = ${workerName})
		${owner === undefined ? raw`` : raw`and (worker_name = ${owner} or target_worker = ${owner})`}
		and not exists (select 1 from container_task_shares as share where share.worker_name = container_tasks.worker_name and share.running >= coalesce(share.max_running, ${claimable.maxRunning}))
	)`
}

type Target = ReturnType<typeof targetsOf>[number]
/** Who claims for one Worker gets that Worker's tasks, and others' only where they are meant for it. */
const toTargets = (targets: readonly Target[], owner: string | undefined): string => JSON.stringify(targets.map(({ targetWorker, targetContainer }) => [targetWorker, targetContainer, targetWorker === null ? (owner ?? null) : null]))

export const laneValues = ({ workerName, containerName, taskTypes, capabilities, owner, limit, maxRunning }: Claimable): LaneValues => ({
	targets: toTargets(targetsOf({ workerName, containerName }), owner),
	kinds: JSON.stringify(kindsOf({ taskTypes, capabilities: [...capabilities] }).map(({ taskType, requires }) => [taskType, requires])),
	limit,
	maxRunning,
})

/** What runners that differ in nothing but their containers may all take; the container of `claimable` is not looked at. */
export const sharedLaneValues = (claimable: Claimable): LaneValues => ({
	...laneValues(claimable),
	targets: toTargets(targetsOf(claimable).filter(({ targetContainer }) => targetContainer === null), claimable.owner),
})

/** What is meant for one of these containers, as `anyReadyFor` binds it. */
export const targetsOfContainers = (workerName: string, containerNames: readonly string[]): string =>
	toTargets(containerNames.flatMap((containerName) => targetsOf({ workerName, containerName })).filter(({ targetContainer }) => targetContainer !== null), undefined)

/** A row when any ready task is meant for one of these. */
export const anyReadyFor = (targets: string): RawBuilder<unknown> =>
	raw`(select 1 as found from json_each(${targets}) as given where exists (select 1 ${inClaimIndex} and target_worker is (given.value ->> 0) and target_container is (given.value ->> 1)) limit 1)`
