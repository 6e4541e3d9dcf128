import { WorkflowEntrypoint } from 'cloudflare:workers'
import type { WorkflowEvent, WorkflowStep } from 'cloudflare:workers'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import type { TaskExecutionParams } from '../services/executions/dispatcher.ts'
import { toFailure } from '../services/executions/failures.ts'
import { TASK_SETTLED } from './events.ts'
import { createDurableRun, Failed, holds, RETRY } from './durableRun.ts'
import { julesRun } from './julesRun.ts'
import { land } from './land.ts'

const LONGEST_POLL_MS = 5 * 60_000
const LONGEST_COLLISION_WAIT_MS = 30 * 60_000

/**
 * The life of one execution, and the only place where it is decided. Its instance id is the execution id, so a
 * repeated queue message starts nothing twice. Every step may be run again after a crash.
 */
export class TaskExecution extends WorkflowEntrypoint<Env, TaskExecutionParams> {
	override async run(event: Readonly<WorkflowEvent<TaskExecutionParams>>, step: WorkflowStep): Promise<{ status: string }> {
		const { executionId } = event.payload
		const { jules, landingSteps, lifecycle, pullRequests, settlement, vars } = createServices(this.env, this.ctx)
		const { pollMs } = vars
		const { take, wait } = createDurableRun(step, { onParked: (parked) => lifecycle.park(executionId, parked) })
		const settled = (what: string, containerTaskId: string) =>
			wait({ what, firstMs: pollMs, longestMs: LONGEST_POLL_MS, isDone: async () => (await lifecycle.taskState(executionId, containerTaskId)).isSettled })

		/** Waits for work on the same lines of the same branch, but not for ever: what comes too early is merged. */
		const prepared = async () => {
			for (let look = 0; ; look++) {
				const isPatient = () => Date.now() - event.timestamp.getTime() < LONGEST_COLLISION_WAIT_MS
				const { waitFor, ...place } = await take(look === 0 ? 'workspace ready' : `workspace ready ${look}`, () => lifecycle.prepare(executionId, { isPatient: isPatient() }))
				if (waitFor.length === 0) return place
				await step.waitForEvent(`others: wait ${look}`, { type: TASK_SETTLED, timeout: Math.min(pollMs * 1.5 ** look, LONGEST_POLL_MS) }).catch(() => undefined)
			}
		}

		const pullRequestOpened = async () => {
			try {
				await take('pull request', () => pullRequests.open(executionId))
			} catch (error) {
				const failure = failureOf(error)
				await step.do('pull request missing', RETRY, () => pullRequests.giveUp(executionId, failure))
			}
		}

		const agentRun = async () => {
			const run = await take('dispatch', () => lifecycle.dispatch(executionId))
			await settled('agent', run.containerTaskId)
			holds(await take('collect patch set', () => lifecycle.collect(executionId, run.containerTaskId)))
		}

		try {
			const { branch, isOnGitHub, providerType } = await prepared()
			if (providerType === 'jules') await julesRun({ executionId, jules, take, step })
			else await agentRun()
			const { commit } = await land({
				branch,
				run: { take, wait, settled, pollMs },
				steps: {
					policy: () => landingSteps.policy(executionId),
					decision: (waiting) => landingSteps.decision(executionId, waiting),
					makeCandidate: () => landingSteps.makeCandidate(executionId),
					validate: (candidate) => landingSteps.validate(executionId, candidate),
					judge: (validated) => landingSteps.judge(executionId, validated),
					advance: (candidate) => landingSteps.advance(executionId, candidate),
				},
			})
			if (isOnGitHub) await pullRequestOpened()
			await step.do('settle', RETRY, () => settlement.complete(executionId, commit))
			return { status: 'completed' }
		} catch (error) {
			const failure = failureOf(error)
			await step.do('settle failure', RETRY, () => settlement.fail(executionId, failure))
			return { status: failure.code }
		}
	}
}

const failureOf = (error: unknown) => (error instanceof Failed ? error.failure : toFailure(error))
