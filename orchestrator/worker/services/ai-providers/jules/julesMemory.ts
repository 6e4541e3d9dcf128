import { AppError } from '@shared/contracts'
import type { PatchSetId } from '@shared/contracts'
import type { ActivityCursor } from './julesActivities.ts'
import type { WatchMemory } from './julesWatchMemory.ts'

/** A result of the session, stored as a patch set. */
export interface JulesResult {
	patchSetId: PatchSetId
	baseCommit: string
	/** Stands for this result of this session. */
	key: string
	at: number
}

/** What the handler knows between two looks: a row, because a step of a Workflow may return a megabyte at most. */
export interface JulesMemory {
	cursor: ActivityCursor | null
	watch: WatchMemory
	/** Of the first result; chosen before it is made, so that a repeated step makes the same one. */
	patchSetId: PatchSetId
	/** The question that a person has not answered yet. */
	waiting: { requestId: string; kind: 'plan-approval' | 'question' } | null
	result: JulesResult | null
	pullRequests: string[]
	/** Since when the API has not answered. */
	troubleSince: number | null
	/** How long the agent has worked, without the time in which it waited for its start or for a person. */
	workedMs: number
	lookedAt: number
}

const MAX_STEPS = 100
const MAX_STEP_CHARS = 2000
const MAX_TEXT_CHARS = 20_000
const MAX_ASKED = 500
/** A row of D1 holds 2 MB. */
const MAX_MEMORY_CHARS = 1_000_000

/** As JSON, without what a session could make too long. Throws PROVIDER_OUTPUT_INVALID when it is too long all the same. */
export function writeMemory(memory: JulesMemory): string {
	const { watch } = memory
	const { plan, question, failureReason } = watch
	const steps = plan?.steps.slice(0, MAX_STEPS).map((step) => ({ ...step, title: step.title.slice(0, MAX_STEP_CHARS), description: step.description.slice(0, MAX_STEP_CHARS) })) ?? []
	const bounded: WatchMemory = {
		...watch,
		plan: plan && { ...plan, steps },
		question: question && { ...question, text: question.text.slice(0, MAX_TEXT_CHARS) },
		failureReason: failureReason && failureReason.slice(0, MAX_TEXT_CHARS),
		asked: watch.asked.slice(-MAX_ASKED),
	}
	const text = JSON.stringify({ ...memory, watch: bounded })
	if (text.length > MAX_MEMORY_CHARS) throw new AppError('PROVIDER_OUTPUT_INVALID', `What has to be remembered of the Jules session has ${text.length} characters; at most ${MAX_MEMORY_CHARS} are kept.`)
	return text
}

/** Of our own row. */
export const readMemory = (text: string) => JSON.parse(text) as JulesMemory
