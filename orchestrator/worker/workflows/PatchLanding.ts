import { WorkflowEntrypoint } from 'cloudflare:workers'
import type { WorkflowEvent, WorkflowStep } from 'cloudflare:workers'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import { toFailure } from '../services/executions/failures.ts'
import type { PatchLandingParams } from '../services/patch-manager/batches.ts'
import { createDurableRun, Failed, RETRY } from './durableRun.ts'
import { land } from './land.ts'

const LONGEST_POLL_MS = 60_000

/** Lands a batch: patches without an agent, a kept set once more, an undo. Its instance id is the batch id. */
export class PatchLanding extends WorkflowEntrypoint<Env, PatchLandingParams> {
	override async run(event: Readonly<WorkflowEvent<PatchLandingParams>>, step: WorkflowStep): Promise<{ status: string }> {
		const { batchId } = event.payload
		const { batches, vars } = createServices(this.env, this.ctx)
		const { pollMs } = vars
		const { take, wait } = createDurableRun(step, { onParked: ({ until }) => batches.park(batchId, until) })
		const settled = (what: string, containerTaskId: string) => wait({ what, firstMs: pollMs, longestMs: LONGEST_POLL_MS, isDone: () => batches.isSettled(batchId, containerTaskId) })

		try {
			const { branch, validateOnly } = await take('begin', () => batches.begin(batchId))
			const candidate = await land({
				branch,
				validateOnly,
				run: { take, wait, settled, pollMs },
				steps: {
					policy: () => batches.policy(batchId),
					decision: (waiting) => batches.decision(batchId, waiting),
					makeCandidate: () => batches.makeCandidate(batchId),
					validate: (made) => batches.validate(batchId, made),
					judge: (validated) => batches.judge(batchId, validated),
					advance: (made) => batches.advance(batchId, made),
				},
			})
			return await step.do('close', RETRY, () => batches.complete(batchId, candidate))
		} catch (error) {
			const failure = error instanceof Failed ? error.failure : toFailure(error)
			return await step.do('close failed', RETRY, () => batches.fail(batchId, failure))
		}
	}
}
