import type { WorkflowStep, WorkflowStepConfig } from 'cloudflare:workers'
import type { Failure } from '@shared/contracts'
import { outcomeOf } from '../services/executions/failures.ts'
import { TASK_SETTLED } from './events.ts'

const TRIES = 4
export const RETRY: WorkflowStepConfig = { retries: { limit: TRIES - 1, delay: 500, backoff: 'exponential' }, timeout: 120_000 }

/** Ends a run with a failure that is already known; never leaves the workflows. */
export class Failed extends Error {
	readonly failure: Failure
	constructor(failure: Failure) {
		super(failure.message)
		this.failure = failure
	}
}

/** Ends the run when a step found a failure. */
export function holds(failure: Failure | null): void {
	if (failure) throw new Failed(failure)
}

/** How a look at something that takes its time went, and how soon to look again when nobody calls. */
interface Waiting {
	what: string
	firstMs: number
	longestMs: number
	/** Given when the next look is due, Unix ms. */
	isDone: (lookAgainMs: number) => Promise<boolean>
}

/** Durable steps of one Workflow instance. Every step may be run again after a crash. */
export function createDurableRun(step: WorkflowStep) {
	/** One durable step. A failure that no retry can help ends the run, with its reason. */
	async function take<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
		const outcome = await step.do(name, RETRY, async (context) => JSON.stringify(await outcomeOf(context.attempt >= TRIES, work)))
		const result = JSON.parse(outcome) as Awaited<ReturnType<typeof outcomeOf<Value>>>
		if (!result.ok) throw new Failed(result.failure)
		return result.value
	}

	/** Looks, waits for a nudge, and looks again, ever less often. The event is a nudge; what the look finds is the truth. */
	async function wait({ what, firstMs, longestMs, isDone }: Waiting): Promise<void> {
		for (let look = 0, pollMs = firstMs; ; look++, pollMs = Math.min(pollMs * 1.5, longestMs)) {
			if (await take(`${what}: look ${look}`, () => isDone(pollMs))) return
			await step.waitForEvent(`${what}: wait ${look}`, { type: TASK_SETTLED, timeout: pollMs }).catch(() => undefined)
		}
	}

	return { take, wait }
}
export type DurableRun = ReturnType<typeof createDurableRun>
