import { createHash } from 'node:crypto'
import { GoogleError } from './googleErrors.ts'
import { PLAN_ID } from './script.ts'
import type { Beat, ScriptedActivity, SessionInput } from './script.ts'
import type { JulesScenario } from './scenario.ts'

export interface FakeActivity {
	id: string
	at: number
	/** As on the wire. */
	resource: Record<string, unknown>
}

export interface FakeSession {
	id: string
	createdAt: number
	isArchived: boolean
	/** Undefined when none fits the prompt. */
	scenario: JulesScenario | undefined
	/** How often the session is still unknown to those who ask. */
	early404s: number
	activities: FakeActivity[]
	/** Plays what is due by `now`. */
	advance(now: number): void
	/** The session as on the wire. */
	resource(): Record<string, unknown>
	approve(now: number): void
	say(prompt: string, now: number): void
}

export interface NewFakeSession {
	id: string
	input: SessionInput
	scenario: JulesScenario | undefined
	beats: Beat[]
	now: number
}

/** A session that plays its beats as time goes by: nothing happens until somebody looks. */
export function createFakeSession({ id, input, scenario, beats: script, now: createdAt }: NewFakeSession): FakeSession {
	const beats = [...script]
	const activities: FakeActivity[] = []
	let state = 'QUEUED'
	let outputs: unknown[] | undefined
	let clock = createdAt

	const add = (at: number, { originator, event, artifacts }: ScriptedActivity) => {
		const activityId = createHash('sha256').update(`${id}/${activities.length}`).digest('hex').slice(0, 32)
		const dated = event['planGenerated'] ? { planGenerated: withCreateTime(event['planGenerated'], at) } : event
		const resource = { name: `sessions/${id}/activities/${activityId}`, id: activityId, createTime: timestamp(at), originator, ...dated, ...(artifacts ? { artifacts } : {}) }
		activities.push({ id: activityId, at, resource })
	}
	const play = (beat: Beat, at: number) => {
		beats.shift()
		clock = at
		if (beat.activity) add(at, beat.activity)
		state = beat.state ?? state
		outputs = beat.outputs ?? outputs
	}
	const advance = (now: number) => {
		for (let beat = beats[0]; beat && beat.until === undefined && clock + beat.delayMs <= now; beat = beats[0]) play(beat, clock + beat.delayMs)
	}
	const answer = (until: 'approval' | 'message', now: number) => {
		const [beat] = beats
		if (beat && beat.until === until) play(beat, now)
	}
	return {
		id,
		createdAt,
		isArchived: false,
		scenario,
		early404s: scenario?.jules.early404s ?? 0,
		activities,
		advance,
		resource() {
			const { prompt, title, source, requirePlanApproval, automationMode } = input
			return {
				name: `sessions/${id}`,
				id,
				prompt,
				title,
				...(source ? { sourceContext: { source: source.name, githubRepoContext: { startingBranch: source.branch } } } : {}),
				requirePlanApproval,
				automationMode,
				state,
				url: `https://jules.google.com/session/${id}`,
				createTime: timestamp(createdAt),
				updateTime: timestamp(clock),
				...(outputs ? { outputs } : {}),
				...(this.isArchived ? { archived: true } : {}),
			}
		},
		approve(now) {
			advance(now)
			if (beats[0]?.until !== 'approval') throw new GoogleError(400, 'The session is not waiting for a plan approval.', { googleStatus: 'FAILED_PRECONDITION' })
			add(now, { originator: 'user', event: { planApproved: { planId: PLAN_ID } } })
			answer('approval', now)
		},
		say(prompt, now) {
			advance(now)
			add(now, { originator: 'user', event: { userMessaged: { userMessage: prompt } } })
			answer('message', now)
		},
	}
}

/** Microseconds, as the API writes them. */
const timestamp = (at: number) => new Date(at).toISOString().replace('Z', '000Z')

function withCreateTime(planGenerated: unknown, at: number): unknown {
	const { plan } = Object(planGenerated)
	return { plan: { ...plan, createTime: timestamp(at) } }
}
