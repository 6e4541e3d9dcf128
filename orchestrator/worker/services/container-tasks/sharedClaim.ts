import type { ClaimedTask } from '@shared/contracts'
import type { ClaimNext } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { toClaimedRows, untidyQuery } from '../../database/repositories/containerTaskClaims.ts'
import { sharedClaimStatements } from '../../database/repositories/containerTaskSharedClaims.ts'
import { claimerOf, claimNext, grantAll, tidy, toClaimable } from './claim.ts'
import type { TaskQueueDeps } from './context.ts'
import { handOut } from './handedOut.ts'

/** What of a claim has to be equal so that it can be made together with others; null when it has to be made for itself. */
export function sharedClaimKey({ request, scope }: ClaimNext): string | null {
	const { workerName, taskTypes, capabilities, max } = request
	return max === 1 && scope.taskId === undefined ? JSON.stringify([workerName, scope.owner ?? null, taskTypes, capabilities]) : null
}

/** Claims of different containers with the same key, as part of a batch: one task each. */
export interface SharedClaim {
	statements: Statement[]
	/** For each of the claims what it took; called by its own request. */
	finish: (rows: readonly unknown[][]) => Promise<((deps: TaskQueueDeps) => Promise<ClaimedTask[]>)[]>
}

export function prepareSharedClaim(deps: TaskQueueDeps, nexts: readonly [ClaimNext, ...ClaimNext[]]): SharedClaim {
	const [{ request, scope }] = nexts
	const claimable = toClaimable(deps, request, scope)
	const claimers = nexts.map((next) => ({ assignedTo: claimerOf(next.request), containerName: next.request.containerName, leaseBase: deps.ids.leaseToken() }))
	return {
		statements: [untidyQuery(claimable.now), ...sharedClaimStatements(claimable, claimers, { claimId: deps.ids.containerTask(), leaseMs: deps.leaseMs })],
		async finish([untidy = [], , , taken = [], own = []]) {
			const records = new Map(handOut(toClaimedRows(taken)).map((record) => [record.task.assignedTo, record]))
			// Whoever got nothing looks again for itself where there may be something.
			const isMore = (untidy.length > 0 && (await tidy(deps))) || own.length > 0
			return nexts.map((next) => {
				const record = records.get(claimerOf(next.request))
				return async (theirs: TaskQueueDeps) => (record ? grantAll(theirs, [record]) : isMore ? claimNext(theirs, next) : [])
			})
		},
	}
}
