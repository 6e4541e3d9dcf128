import type { ErrorCode } from '@shared/contracts'
import { changeSetOf } from './julesChangeSet.ts'
import type { JulesActivity, JulesChangeSet, JulesPlan, JulesPullRequest, JulesSession, JulesState } from './julesTypes.ts'
import { updateKnown } from './julesWatchMemory.ts'
import type { WatchMemory } from './julesWatchMemory.ts'

/** How patient the watch is. Tests and the local stack take milliseconds. */
export interface WatchSettings {
	/** The bounds of the time between two looks. */
	minPollMs: number
	maxPollMs: number
	/** A healthy agent says something every half minute; 99 % of its gaps are below 8 minutes. */
	stallMs: number
	/** A nudge is answered in 8 minutes or never. */
	nudgeMs: number
	/** How long a session may wait to be started. */
	queueMs: number
	/** The state of a session and its activities are not written at once; how long one may lack the other. */
	graceMs: number
	/** Nudges that were answered and led to nothing, until it is enough. */
	maxNudges: number
}

const MINUTE_MS = 60_000
const WATCH_SETTINGS: WatchSettings = {
	minPollMs: MINUTE_MS,
	maxPollMs: 5 * MINUTE_MS,
	stallMs: 15 * MINUTE_MS,
	nudgeMs: 10 * MINUTE_MS,
	queueMs: 60 * MINUTE_MS,
	graceMs: 2 * MINUTE_MS,
	maxNudges: 3,
}

/** How patient the watch is when the first look comes after `minPollMs`: a local stack waits in seconds for what takes minutes. */
export function watchSettings(minPollMs: number): WatchSettings {
	const scaled = (ms: number) => Math.ceil((ms * minPollMs) / WATCH_SETTINGS.minPollMs)
	const { maxPollMs, stallMs, nudgeMs, queueMs, graceMs, maxNudges } = WATCH_SETTINGS
	return { minPollMs, maxPollMs: scaled(maxPollMs), stallMs: scaled(stallMs), nudgeMs: scaled(nudgeMs), queueMs: scaled(queueMs), graceMs: scaled(graceMs), maxNudges }
}

export type WatchAction =
	| { do: 'wait'; ms: number }
	/** The plan is null when the session waits for an approval and shows no plan. */
	| { do: 'askPlanApproval'; plan: JulesPlan | null }
	| { do: 'askQuestion'; text: string }
	| { do: 'nudge' }
	| { do: 'giveUp'; code: ErrorCode; reason: string }
	| { do: 'fail'; reason: string }
	| ({ do: 'collect' } & Collection)

export interface Collection {
	/** Stands for this result of this session: what is collected under a key once is not collected again. */
	key: string
	/** True for what came after a result that had been collected. */
	isLate: boolean
	/** Null when neither the outputs nor these activities have one. */
	changeSet: JulesChangeSet | null
	/** Where to read the change set when it is null; null when no activity ever had one. */
	changeSetActivityId: string | null
	pullRequests: JulesPullRequest[]
}

export interface WatchInput {
	session: Pick<JulesSession, 'id' | 'state' | 'stateName' | 'outputs'>
	/** Those since the last look, oldest first. */
	activities: readonly JulesActivity[]
	known: WatchMemory
	settings: WatchSettings
	now: number
}

/** What to do now, in this order, and what to know at the next look. The last action is one of wait, giveUp, fail and collect. */
export interface WatchDecision {
	actions: WatchAction[]
	known: WatchMemory
}

interface View extends WatchInput {
	isActive: boolean
	/** There was a result before these activities. */
	hadResult: boolean
}

/** Decides on what was read of a session; does nothing itself. */
export function watchJules(input: WatchInput): WatchDecision {
	const known = updateKnown(input)
	const view: View = { ...input, known, isActive: input.activities.length > 0, hadResult: input.known.resultId !== null }
	const { state } = input.session
	return state !== 'COMPLETED' && known.hasFailed ? onFailed(view) : DECISIONS[state](view)
}

const DECISIONS: Record<JulesState, (view: View) => WatchDecision> = {
	STATE_UNSPECIFIED: onWorking,
	QUEUED: onQueued,
	PLANNING: onWorking,
	AWAITING_PLAN_APPROVAL: (view) =>
		onAwaiting(view, {
			shown: view.known.plan && { id: `plan ${view.known.plan.id}`, action: { do: 'askPlanApproval', plan: view.known.plan } },
			hidden: { do: 'askPlanApproval', plan: null },
		}),
	AWAITING_USER_FEEDBACK: (view) =>
		onAwaiting(view, {
			shown: view.known.question && { id: view.known.question.id, action: { do: 'askQuestion', text: view.known.question.text } },
			hidden: { do: 'askQuestion', text: 'Jules waits for an answer and does not show its question. Its page may have it.' },
		}),
	IN_PROGRESS: onWorking,
	// May be a pause that somebody made or a silent death: only an answer to a nudge tells.
	PAUSED: onWorking,
	FAILED: onFailed,
	COMPLETED: onCompleted,
}

function onFailed(view: View): WatchDecision {
	const { known } = view
	// A failure after the result takes nothing from it. Before, the reason may be listed a look later than the state, or never.
	if (known.collectedId !== null || (known.failureReason === null && isInGrace(view))) return wait(view)
	return { known, actions: [{ do: 'fail', reason: known.failureReason || 'Jules gave no reason.' }] }
}

function onQueued(view: View): WatchDecision {
	const { known, now, settings } = view
	const deadline = known.stateSince + settings.queueMs
	if (now < deadline) return wait(view, { deadline })
	return { known, actions: [{ do: 'giveUp', code: 'PROVIDER_UNAVAILABLE', reason: `Jules has not started the session within ${minutes(settings.queueMs)}.` }] }
}

/** Asks a person about each thing that Jules shows, and once when it waits without showing any. */
function onAwaiting(view: View, { shown, hidden }: { shown: { id: string; action: WatchAction } | null; hidden: WatchAction }): WatchDecision {
	const { known } = view
	const askedIn = known.stateSince
	if (shown && !known.asked.includes(shown.id)) return wait({ ...view, known: { ...known, asked: [...known.asked, shown.id], askedIn } }, { before: [shown.action] })
	if (known.askedIn === askedIn || isInGrace(view)) return wait(view)
	return wait({ ...view, known: { ...known, askedIn } }, { before: [hidden] })
}

function onWorking(view: View): WatchDecision {
	const { known, now, settings, session } = view
	// Once there is a result, silence is no fault; whoever revived the session gets all the time.
	if (known.collectedId !== null) return wait(view)
	const state = session.state === 'STATE_UNSPECIFIED' ? `in the state ${session.stateName.slice(0, 60)}` : session.state
	if (known.nudgedAt !== null) {
		if (now - known.nudgedAt < settings.nudgeMs) return wait(view, { deadline: known.nudgedAt + settings.nudgeMs })
		return stalled(known, `The session is ${state}; Jules has not answered for ${minutes(settings.nudgeMs)} after it was asked to go on.`)
	}
	if (now - known.quietSince < settings.stallMs) return wait(view, { deadline: known.quietSince + settings.stallMs })
	if (known.nudges >= settings.maxNudges) return stalled(known, `The session is ${state}; Jules fell silent again after ${known.nudges} requests to go on.`)
	return wait({ ...view, known: { ...known, nudgedAt: now, nudges: known.nudges + 1 } }, { deadline: now + settings.nudgeMs, before: [{ do: 'nudge' }] })
}

function onCompleted(view: View): WatchDecision {
	const { known, session, activities, hadResult } = view
	// The outputs are there before the activity that says so; collecting then would collect the same again at the next look.
	if (known.resultId === known.collectedId && (known.collectedId !== null || isInGrace(view))) return wait(view)
	const resultId = known.resultId ?? `completed-${known.lastActivityId ?? 'at-once'}`
	const collection: Collection = {
		key: `${session.id}/${resultId}`,
		isLate: known.collectedId !== null,
		changeSet: changeSetOf({ session, activities, hadResult }),
		changeSetActivityId: known.changeSetActivityId,
		pullRequests: session.outputs.flatMap((output) => (output.kind === 'pullRequest' ? [output.pullRequest] : [])),
	}
	return { known: { ...known, resultId, collectedId: resultId }, actions: [{ do: 'collect', ...collection }] }
}

/** Looks soon while something happens and ever later while nothing does, but not past the moment where silence becomes a fault. */
function wait(view: View, { deadline, before = [] }: { deadline?: number; before?: WatchAction[] } = {}): WatchDecision {
	const { known, settings, isActive, now } = view
	const pollMs = isActive || before.length > 0 ? settings.minPollMs : Math.min(settings.maxPollMs, Math.max(settings.minPollMs, known.pollMs * 1.5))
	const untilDeadline = deadline === undefined ? pollMs : Math.max(settings.minPollMs, deadline - now)
	return { known: { ...known, pollMs }, actions: [...before, { do: 'wait', ms: Math.min(pollMs, untilDeadline) }] }
}

const isInGrace = ({ known, now, settings }: View) => now - known.stateSince < settings.graceMs

const stalled = (known: WatchMemory, reason: string): WatchDecision => ({ known, actions: [{ do: 'giveUp', code: 'AGENT_STALLED', reason }] })

function minutes(ms: number): string {
	return ms < MINUTE_MS ? `${ms} ms` : `${Math.round(ms / MINUTE_MS)} minutes`
}
