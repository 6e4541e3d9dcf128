import type { WorkflowStep, WorkflowStepConfig } from 'cloudflare:workers'
import type { Failure } from '@shared/contracts'
import { outcomeOf } from '../services/executions/failures.ts'
import type { Outcome } from '../services/executions/failures.ts'
import { TASK_SETTLED } from './events.ts'

const TRIES = 4
export const RETRY: WorkflowStepConfig = { retries: { limit: TRIES - 1, delay: 500, backoff: 'exponential' }, timeout: 120_000 }

/** How long all the pauses of one step may take together. */
const LONGEST_PARK_MS = 6 * 3_600_000
/** A clock of somebody else may be behind ours, so a moment that has passed is not taken at its word; doubled with each pause. */
const SHORTEST_PARK_MS = 1000

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

/** A step that waits for a known moment. */
export interface Parked {
	step: string
	/** Unix ms. */
	until: number
	failure: Failure
}

export interface DurableRunOptions {
	/** Tells that the run waits until then, so that nobody takes it for forgotten. May be called again by a repeated step. */
	onParked: (parked: Parked) => Promise<void>
}

type Attempt<Value> = Outcome<Value> & { at: number; until?: number }

/** Durable steps of one Workflow instance. Every step may be run again after a crash. */
export function createDurableRun(step: WorkflowStep, { onParked }: DurableRunOptions) {
	/**
	 * One durable step. A failure that no retry can help ends the run, with its reason. One that names the moment from which it can succeed parks the
	 * run until then: nothing is held, and a nudge, for example of a cancellation, has it look earlier.
	 */
	async function take<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
		let firstAt: number | undefined
		for (let pause = 0; ; pause++) {
			const stepName = pause === 0 ? name : `${name}: after pause ${pause}`
			const attempt = JSON.parse(await step.do(stepName, RETRY, async (context) => JSON.stringify(await attemptOf({ name, pause, firstAt, isLastTry: context.attempt >= TRIES }, work)))) as Attempt<Value>
			if (attempt.ok) return attempt.value
			if (attempt.until === undefined) throw new Failed(attempt.failure)
			firstAt ??= attempt.at
			const timeout = Math.max(attempt.until - Date.now(), 1)
			await step.waitForEvent(`${name}: pause ${pause}`, { type: TASK_SETTLED, timeout }).catch(() => undefined)
		}
	}

	async function attemptOf<Value>({ name, pause, firstAt, isLastTry }: { name: string; pause: number; firstAt: number | undefined; isLastTry: boolean }, work: () => Promise<Value>): Promise<Attempt<Value>> {
		const outcome = await outcomeOf(isLastTry, work)
		const at = Date.now()
		const until = outcome.ok ? null : parkedUntil(outcome.retryAt, { at, pause, firstAt: firstAt ?? at })
		if (outcome.ok || until === null) return { ...outcome, at }
		await onParked({ step: name, until, failure: outcome.failure })
		return { ...outcome, at, until }
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

/** Until when a step waits; null when there is no moment to wait for, or when it would take too long in all. */
export function parkedUntil(retryAt: number | undefined, { at, pause, firstAt }: { at: number; pause: number; firstAt: number }): number | null {
	if (retryAt === undefined) return null
	const until = Math.max(retryAt, at + SHORTEST_PARK_MS * 2 ** pause)
	return until - firstAt > LONGEST_PARK_MS ? null : until
}
