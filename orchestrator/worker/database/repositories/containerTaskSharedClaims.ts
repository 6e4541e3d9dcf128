import { sql as raw } from 'kysely'
import { sql } from '../client.ts'
import type { Statement } from '../client.ts'
import { prepared } from '../prepared.ts'
import { assigned, countChosen, isOfClaim, logClaim, RETURNED } from './containerTaskClaims.ts'
import type { Claimer } from './containerTaskClaims.ts'
import { anyReadyFor, severalClaimableIds, sharedLaneValues, targetsOfContainers } from './containerTaskChoice.ts'
import type { Claimable, LaneValues } from './containerTaskChoice.ts'

/** One of several claimers that differ in nothing but their containers. */
export type SharedClaimer = Pick<Claimer, 'assignedTo' | 'leaseBase'> & { containerName: string }

interface SharedClaim extends LaneValues {
	claimId: string
	/** Who takes part as `[assignedTo, leaseBase]`, in the order in which they asked. */
	claimers: string
	/** Of their containers. */
	own: string
	leaseMs: number
	now: number
}

/** Each task gets one of the claimers. Which of them gets which does not matter: any may take what another could. */
const logShared = prepared((claim: SharedClaim) =>
	logClaim(raw<number>`(select id from ${severalClaimableIds(claim)} where not exists ${anyReadyFor(claim.own)})`, {
		claimId: claim.claimId,
		assignedTo: raw`${claim.claimers} ->> ('$[' || (row_number() over (order by id) - 1) || '][0]')`,
		now: claim.now,
	}),
)

const assignShared = prepared((claim: SharedClaim) =>
	sql
		.updateTable('container_tasks')
		.from([
			sql.selectFrom('operation_logs').select([raw<string>`details ->> 'taskId'`.as('chosen'), raw<string>`details ->> 'assignedTo'`.as('claimer')]).where(isOfClaim(claim)).as('line'),
			raw<{ value: string }>`json_each(${claim.claimers})`.as('given'),
		])
		.set(assigned({ assignedTo: raw<string>`line.claimer`, leaseBase: raw<string>`given.value ->> 1`, leaseMs: claim.leaseMs, now: claim.now }))
		.where(raw<boolean>`container_tasks.task_id = line.chosen and given.value ->> 0 = line.claimer`)
		.returning(RETURNED),
)

const lookForOwn = prepared(({ own }: { own: string }) => sql.selectFrom(raw<{ found: number }>`${anyReadyFor(own)}`.as('own')).select('found'))

/**
 * A claim of one task each for several runners, which differ in nothing but their containers: as `claimStatements`, with the rows of all of
 * them. It takes nothing while a task is ready that is meant for one of their containers, which the last statement tells with a row:
 * which of them may take what depends then, so each has to claim for itself.
 */
export function sharedClaimStatements(claimable: Omit<Claimable, 'limit'>, claimers: readonly SharedClaimer[], more: { claimId: string; leaseMs: number }): [log: Statement, count: Statement, claim: Statement, own: Statement] {
	const limit = claimers.length
	const own = targetsOfContainers(claimable.workerName, claimers.map(({ containerName }) => containerName))
	const claim: SharedClaim = { ...sharedLaneValues({ ...claimable, limit }), ...more, now: claimable.now, own, claimers: JSON.stringify(claimers.map(({ assignedTo, leaseBase }) => [assignedTo, leaseBase])) }
	return [logShared(claim), countChosen({ claimId: claim.claimId, limit, now: claim.now }), assignShared(claim), lookForOwn({ own })]
}
