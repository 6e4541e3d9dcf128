import type { JulesActivity, JulesPlan, JulesState } from './julesTypes.ts'
import type { WatchInput } from './julesWatch.ts'

/** What a watch remembers between two looks. Plain data, so that a workflow can keep it. */
export interface WatchMemory {
	state: JulesState | null
	/** When `state` was first seen. */
	stateSince: number
	/** Since when the agent owes a sign of life: its last one, or when the session was started or a person let it go on. */
	quietSince: number
	/** Null when the last nudge was answered, or none was given. */
	nudgedAt: number | null
	nudges: number
	pollMs: number
	/** The newest plan. */
	plan: JulesPlan | null
	/** The agent's last message, unless it worked on after that. */
	question: { id: string; text: string } | null
	/** The ids of the plans and questions that a person was asked about. */
	asked: string[]
	/** The `stateSince` in which a person was last asked. */
	askedIn: number | null
	/** The session failed and the agent has not worked since. */
	hasFailed: boolean
	failureReason: string | null
	lastActivityId: string | null
	changeSetActivityId: string | null
	/** The activity that stands for the newest result: a completion, or a change set after one. */
	resultId: string | null
	/** The result that was collected. */
	collectedId: string | null
}

/** Where a watch starts: `startedAt` is when the session was made. */
export function startWatch(startedAt: number, pollMs: number): WatchMemory {
	return {
		state: null,
		stateSince: startedAt,
		quietSince: startedAt,
		nudgedAt: null,
		nudges: 0,
		pollMs,
		plan: null,
		question: null,
		asked: [],
		askedIn: null,
		hasFailed: false,
		failureReason: null,
		lastActivityId: null,
		changeSetActivityId: null,
		resultId: null,
		collectedId: null,
	}
}

/** States in which it is not the agent's turn. */
export const NOT_ITS_TURN: ReadonlySet<JulesState> = new Set<JulesState>(['QUEUED', 'AWAITING_PLAN_APPROVAL', 'AWAITING_USER_FEEDBACK'])

export function updateKnown({ session, activities, known, now }: Pick<WatchInput, 'session' | 'activities' | 'known' | 'now'>): WatchMemory {
	const memory = activities.reduce((before, activity) => remember(before, activity, now), known)
	if (memory.state === session.state) return memory
	const isItsTurnNow = memory.state !== null && NOT_ITS_TURN.has(memory.state) && !NOT_ITS_TURN.has(session.state)
	return { ...memory, state: session.state, stateSince: now, quietSince: isItsTurnNow ? now : memory.quietSince }
}

function remember(known: WatchMemory, activity: JulesActivity, now: number): WatchMemory {
	const { id, originator, artifacts } = activity
	const memory = { ...known, lastActivityId: id }
	if (originator === 'agent') {
		// What was said before the nudge and listed after it has no claim to a nudge at once.
		memory.quietSince = Math.max(memory.quietSince, Math.min(activity.at, now), memory.nudgedAt ?? 0)
		memory.nudgedAt = null
		memory.hasFailed = false
		memory.question = null
	}
	if (artifacts.some(({ kind }) => kind === 'changeSet' || kind === 'olderChangeSet')) {
		memory.changeSetActivityId = id
		if (memory.resultId !== null) memory.resultId = id
	}
	return { ...memory, ...learn(activity) }
}

/** What the event itself tells. */
function learn({ id, event }: JulesActivity): Partial<WatchMemory> {
	switch (event.kind) {
		case 'planGenerated':
			return { plan: event.plan }
		case 'agentMessaged':
			return { question: { id, text: event.message } }
		case 'sessionCompleted':
			return { resultId: id, hasFailed: false }
		case 'sessionFailed':
			return { hasFailed: true, failureReason: event.reason }
		case 'planApproved':
		case 'userMessaged':
		case 'progressUpdated':
		case 'unknown':
			return {}
		default:
			return event satisfies never
	}
}
