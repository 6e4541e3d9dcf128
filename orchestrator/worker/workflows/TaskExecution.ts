import { WorkflowEntrypoint } from 'cloudflare:workers'
import type { WorkflowEvent, WorkflowStep, WorkflowStepConfig } from 'cloudflare:workers'
import type { Failure } from '@shared/contracts'
import type { Env } from '../env.ts'
import { createServices } from '../services.ts'
import type { TaskExecutionParams } from '../services/executions/dispatcher.ts'
import { outcomeOf, toFailure } from '../services/executions/failures.ts'
import { TASK_SETTLED } from './events.ts'

const TRIES = 4
const RETRY: WorkflowStepConfig = { retries: { limit: TRIES - 1, delay: 500, backoff: 'exponential' }, timeout: 120_000 }
const LONGEST_POLL_MS = 5 * 60_000

/** Ends the run with a failure that is already known; never leaves this file. */
class Failed extends Error {
	readonly failure: Failure
	constructor(failure: Failure) {
		super(failure.message)
		this.failure = failure
	}
}

/**
 * The life of one execution, and the only place where it is decided. Its instance id is the execution id, so a
 * repeated queue message starts nothing twice. Every step may be run again after a crash.
 */
export class TaskExecution extends WorkflowEntrypoint<Env, TaskExecutionParams> {
	override async run(event: Readonly<WorkflowEvent<TaskExecutionParams>>, step: WorkflowStep): Promise<{ status: string }> {
		const { executionId } = event.payload
		const { lifecycle, settlement, vars } = createServices(this.env, this.ctx)

		/** One durable step. A failure that no retry can help ends the run, with its reason. */
		const take = async <Value>(name: string, work: () => Promise<Value>): Promise<Value> => {
			const outcome = await step.do(name, RETRY, async (context) => {
				const result = await outcomeOf(context.attempt >= TRIES, work)
				return JSON.stringify(result)
			})
			const result = JSON.parse(outcome) as Awaited<ReturnType<typeof outcomeOf<Value>>>
			if (!result.ok) throw new Failed(result.failure)
			return result.value
		}
		const holds = (failure: Failure | null) => {
			if (failure) throw new Failed(failure)
		}
		/** Waits until a container task has ended. The event is a nudge; the row is the truth. */
		const settled = async (what: string, containerTaskId: string) => {
			for (let look = 0, pollMs = vars.pollMs; ; look++, pollMs = Math.min(pollMs * 1.5, LONGEST_POLL_MS)) {
				const { isSettled } = await take(`${what}: look ${look}`, () => lifecycle.taskState(executionId, containerTaskId))
				if (isSettled) return
				await step.waitForEvent(`${what}: wait ${look}`, { type: TASK_SETTLED, timeout: pollMs }).catch(() => undefined)
			}
		}

		try {
			await take('workspace ready', () => lifecycle.prepare(executionId))
			const run = await take('dispatch', () => lifecycle.dispatch(executionId))
			await settled('agent', run.containerTaskId)
			holds(await take('collect patch set', () => lifecycle.collect(executionId, run.containerTaskId)))
			await take('policy', () => lifecycle.policy(executionId))
			const candidate = await take('candidate commit', () => lifecycle.makeCandidate(executionId))
			const check = await take('validate', () => lifecycle.validate(executionId, candidate))
			await settled('validation', check.containerTaskId)
			holds(await take('judge validation', () => lifecycle.judge(executionId, check.containerTaskId)))
			await take('advance', () => lifecycle.advance(executionId, candidate))
			await step.do('settle', RETRY, () => settlement.complete(executionId, candidate.commit))
			return { status: 'completed' }
		} catch (error) {
			const failure = error instanceof Failed ? error.failure : toFailure(error)
			await step.do('settle failure', RETRY, () => settlement.fail(executionId, failure))
			return { status: failure.code }
		}
	}
}
