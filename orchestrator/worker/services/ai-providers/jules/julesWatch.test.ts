import { describe, expect, it } from 'vitest'
import type { JulesActivity, JulesArtifact, JulesEvent, JulesOutput, JulesState } from './julesTypes.ts'
import { watchJules, watchSettings } from './julesWatch.ts'
import type { WatchAction } from './julesWatch.ts'
import { startWatch } from './julesWatchMemory.ts'
import type { WatchMemory } from './julesWatchMemory.ts'

const MINUTE = 60_000
const PATCH: JulesArtifact = { kind: 'changeSet', changeSet: { source: null, unidiffPatch: 'late', baseCommitId: null, suggestedCommitMessage: '' } }
const OUTPUT: JulesOutput = { kind: 'changeSet', changeSet: { source: null, unidiffPatch: 'out', baseCommitId: null, suggestedCommitMessage: '' } }
const PULL: JulesOutput = { kind: 'pullRequest', pullRequest: { url: 'https://github.com/a/b/pull/1', title: '', description: '', baseRef: null, headRef: null } }

interface Look {
	minute: number
	state: JulesState
	/** What was listed at this look. */
	events?: Seen[]
	outputs?: JulesOutput[]
}
type Seen = JulesEvent & { by?: 'agent' | 'user' | 'system'; artifacts?: JulesArtifact[]; minute?: number }

const say = (message: string): Seen => ({ kind: 'agentMessaged', message })
const work = (artifacts: JulesArtifact[] = []): Seen => ({ kind: 'progressUpdated', title: '', description: '', artifacts })
const user = (message: string): Seen => ({ kind: 'userMessaged', message, by: 'user' })
const plan = (id: string): Seen => ({ kind: 'planGenerated', plan: { id, steps: [] } })
const completed: Seen = { kind: 'sessionCompleted', by: 'system' }
const failed = (reason: string): Seen => ({ kind: 'sessionFailed', reason, by: 'system' })

/** The actions of each look, in short. */
function watch(looks: Look[]): { short: string[]; actions: WatchAction[][]; known: WatchMemory } {
	let known = startWatch(0, MINUTE)
	let count = 0
	const actions = looks.map(({ minute, state, events = [], outputs = [] }) => {
		const activities = events.map(({ by = 'agent', artifacts = [], minute: at = minute, ...event }): JulesActivity => {
			count += 1
			return { id: `a${count}`, at: at * MINUTE, originator: by, description: '', artifacts, event }
		})
		const decision = watchJules({ session: { id: '1', state, stateName: state, outputs }, activities, known, settings: watchSettings(MINUTE), now: minute * MINUTE })
		// What a watch knows has to survive in a workflow.
		known = JSON.parse(JSON.stringify(decision.known))
		return decision.actions
	})
	return { actions, known, short: actions.map((list) => list.map(inShort).join(', ')) }
}

function inShort(action: WatchAction): string {
	switch (action.do) {
		case 'wait':
			return 'wait'
		case 'askPlanApproval':
			return `plan ${action.plan?.id ?? '-'}`
		case 'askQuestion':
			return `question ${action.text}`
		case 'giveUp':
			return `giveUp ${action.code}`
		case 'fail':
			return `fail ${action.reason}`
		case 'collect':
			return `collect ${action.key} ${action.changeSet?.unidiffPatch ?? '-'}${action.isLate ? ' late' : ''}`
		case 'nudge':
			return 'nudge'
	}
}

const at = (minute: number, state: JulesState, events: Seen[] = [], outputs: JulesOutput[] = []): Look => ({ minute, state, events, outputs })
const HIDDEN_QUESTION = 'question Jules waits for an answer and does not show its question. Its page may have it.'

describe('watchJules', () => {
	it.each<[string, Look[], string[]]>([
		['waits while the agent works', [at(0, 'QUEUED'), at(1, 'PLANNING'), at(2, 'IN_PROGRESS', [work()])], ['wait', 'wait', 'wait']],
		['nudges after 15 minutes of silence, once', [at(0, 'IN_PROGRESS', [work()]), at(14.9, 'IN_PROGRESS'), at(15, 'IN_PROGRESS'), at(16, 'IN_PROGRESS')], ['wait', 'wait', 'nudge, wait', 'wait']],
		['counts from the start when the agent never spoke', [at(14, 'PLANNING'), at(15, 'PLANNING')], ['wait', 'nudge, wait']],
		['counts the agent only', [at(0, 'IN_PROGRESS', [work()]), at(10, 'IN_PROGRESS', [user('hello'), { ...work(), by: 'system' }]), at(15, 'IN_PROGRESS')], ['wait', 'wait', 'nudge, wait']],
		['gives up ten minutes after the nudge', [at(15, 'IN_PROGRESS'), at(24, 'IN_PROGRESS', [user('nudge')]), at(25, 'IN_PROGRESS')], ['nudge, wait', 'wait', 'giveUp AGENT_STALLED']],
		['takes an answer to the nudge for life', [at(15, 'IN_PROGRESS'), at(20, 'IN_PROGRESS', [work()]), at(26, 'IN_PROGRESS'), at(35, 'IN_PROGRESS')], ['nudge, wait', 'wait', 'wait', 'nudge, wait']],
		['gives what was said before the nudge its time', [at(15, 'IN_PROGRESS'), at(16, 'IN_PROGRESS', [{ ...work(), minute: 1 }]), at(29, 'IN_PROGRESS'), at(30, 'IN_PROGRESS')], ['nudge, wait', 'wait', 'wait', 'nudge, wait']],
		['believes no time that has not come', [at(0, 'IN_PROGRESS', [{ ...work(), minute: 9999 }]), at(15, 'IN_PROGRESS')], ['wait', 'nudge, wait']],
		[
			'nudges three times in all',
			[at(15, 'IN_PROGRESS'), at(16, 'IN_PROGRESS', [work()]), at(31, 'IN_PROGRESS'), at(32, 'IN_PROGRESS', [work()]), at(47, 'IN_PROGRESS'), at(48, 'IN_PROGRESS', [work()]), at(63, 'IN_PROGRESS')],
			['nudge, wait', 'wait', 'nudge, wait', 'wait', 'nudge, wait', 'wait', 'giveUp AGENT_STALLED'],
		],
		['nudges what is paused, for it may be dead', [at(1, 'PAUSED', [work()]), at(16, 'PAUSED'), at(26, 'PAUSED')], ['wait', 'nudge, wait', 'giveUp AGENT_STALLED']],
		['nudges what is in a state that nobody knows', [at(15, 'STATE_UNSPECIFIED'), at(25, 'STATE_UNSPECIFIED')], ['nudge, wait', 'giveUp AGENT_STALLED']],
		['lets a session wait for its start', [at(0, 'QUEUED'), at(59, 'QUEUED'), at(60, 'QUEUED')], ['wait', 'wait', 'giveUp PROVIDER_UNAVAILABLE']],
		['counts silence from the start of the work', [at(0, 'QUEUED'), at(50, 'IN_PROGRESS'), at(64, 'IN_PROGRESS'), at(65, 'IN_PROGRESS')], ['wait', 'wait', 'wait', 'nudge, wait']],

		['asks for the approval of a plan once', [at(1, 'AWAITING_PLAN_APPROVAL', [plan('p')]), at(2, 'AWAITING_PLAN_APPROVAL'), at(90, 'AWAITING_PLAN_APPROVAL')], ['plan p, wait', 'wait', 'wait']],
		['knows the plan that was listed before', [at(1, 'PLANNING', [plan('p')]), at(2, 'AWAITING_PLAN_APPROVAL')], ['wait', 'plan p, wait']],
		['asks for each plan', [at(1, 'AWAITING_PLAN_APPROVAL', [plan('p')]), at(2, 'PLANNING', [user('no')]), at(3, 'AWAITING_PLAN_APPROVAL', [plan('q')])], ['plan p, wait', 'wait', 'plan q, wait']],
		['asks for a plan that does not show, after a while', [at(1, 'AWAITING_PLAN_APPROVAL'), at(2, 'AWAITING_PLAN_APPROVAL'), at(3, 'AWAITING_PLAN_APPROVAL'), at(9, 'AWAITING_PLAN_APPROVAL')], ['wait', 'wait', 'plan -, wait', 'wait']],
		['does not ask again while the state is old', [at(1, 'AWAITING_PLAN_APPROVAL', [plan('p')]), at(9, 'AWAITING_PLAN_APPROVAL', [{ kind: 'planApproved', planId: 'p', by: 'user' }])], ['plan p, wait', 'wait']],
		['gives a person all the time', [at(1, 'AWAITING_PLAN_APPROVAL', [plan('p')]), at(600, 'AWAITING_PLAN_APPROVAL'), at(601, 'IN_PROGRESS'), at(615, 'IN_PROGRESS'), at(616, 'IN_PROGRESS')], ['plan p, wait', 'wait', 'wait', 'wait', 'nudge, wait']],

		['passes a question on once', [at(1, 'AWAITING_USER_FEEDBACK', [say('Colour?')]), at(2, 'AWAITING_USER_FEEDBACK'), at(99, 'AWAITING_USER_FEEDBACK', [user('red')])], ['question Colour?, wait', 'wait', 'wait']],
		['passes each question on', [at(1, 'AWAITING_USER_FEEDBACK', [say('Colour?')]), at(2, 'AWAITING_USER_FEEDBACK', [user('red'), say('Which red?')])], ['question Colour?, wait', 'question Which red?, wait']],
		['takes only the last word for a question', [at(1, 'IN_PROGRESS', [say('I begin.'), work()]), at(2, 'AWAITING_USER_FEEDBACK'), at(3, 'AWAITING_USER_FEEDBACK', [say('Colour?')])], ['wait', 'wait', 'question Colour?, wait']],
		['says that there is a question when it does not show', [at(1, 'AWAITING_USER_FEEDBACK'), at(3, 'AWAITING_USER_FEEDBACK'), at(9, 'AWAITING_USER_FEEDBACK')], ['wait', `${HIDDEN_QUESTION}, wait`, 'wait']],

		['fails with the reason', [at(1, 'FAILED', [failed('No tests.')])], ['fail No tests.']],
		['waits a little for the reason', [at(1, 'FAILED'), at(2, 'FAILED', [failed('No tests.')])], ['wait', 'fail No tests.']],
		['fails without a reason when none comes', [at(1, 'FAILED'), at(3, 'FAILED')], ['wait', 'fail Jules gave no reason.']],
		['fails before the state says so', [at(1, 'IN_PROGRESS', [failed('No tests.')])], ['fail No tests.']],
		['does not fail when the agent worked on', [at(1, 'IN_PROGRESS', [failed('No tests.'), work()])], ['wait']],
		['keeps the reason when the agent has the last word', [at(1, 'FAILED', [failed('No tests.'), say('Sorry.')])], ['fail No tests.']],
		['takes a completion after a failure', [at(1, 'COMPLETED', [failed('No tests.'), completed], [OUTPUT])], ['collect 1/a2 out']],

		['collects what is completed', [at(1, 'COMPLETED', [work([PATCH]), completed], [OUTPUT, PULL])], ['collect 1/a2 out']],
		['collects once', [at(1, 'COMPLETED', [completed], [OUTPUT]), at(2, 'COMPLETED', [], [OUTPUT]), at(99, 'COMPLETED', [user('thanks')], [OUTPUT])], ['collect 1/a1 out', 'wait', 'wait']],
		['waits a little for the completion to be listed', [at(1, 'COMPLETED', [work()], [OUTPUT]), at(2, 'COMPLETED', [completed], [OUTPUT])], ['wait', 'collect 1/a2 out']],
		['collects when it is never listed', [at(1, 'COMPLETED', [work()], [OUTPUT]), at(3, 'COMPLETED', [], [OUTPUT]), at(9, 'COMPLETED', [], [OUTPUT])], ['wait', 'collect 1/completed-a1 out', 'wait']],
		['waits for the state that goes with the completion', [at(1, 'IN_PROGRESS', [completed]), at(2, 'COMPLETED', [], [OUTPUT])], ['wait', 'collect 1/a1 out']],
		['collects no change as such', [at(1, 'COMPLETED', [completed])], ['collect 1/a1 -']],
		['collects a late change once', [at(1, 'COMPLETED', [completed], [OUTPUT]), at(60, 'COMPLETED', [work([PATCH])], [OUTPUT]), at(61, 'COMPLETED', [], [OUTPUT])], ['collect 1/a1 out', 'collect 1/a2 late late', 'wait']],
		[
			'collects a second completion, and waits for it without a nudge',
			[at(1, 'COMPLETED', [completed], [OUTPUT]), at(60, 'IN_PROGRESS', [work([PATCH])]), at(200, 'IN_PROGRESS'), at(201, 'COMPLETED', [completed], [OUTPUT])],
			['collect 1/a1 out', 'wait', 'wait', 'collect 1/a3 out late'],
		],
		['loses no result to a later failure', [at(1, 'COMPLETED', [completed], [OUTPUT]), at(60, 'FAILED', [failed('No.')])], ['collect 1/a1 out', 'wait']],
	])('%s', (_what, looks, expected) => {
		expect(watch(looks).short).toEqual(expected)
	})

	it('tells where a change set is that was listed before, and gives the pull requests', () => {
		const { actions } = watch([at(1, 'IN_PROGRESS', [work([PATCH]), work()]), at(2, 'COMPLETED', [completed], [PULL])])
		expect(actions[1]).toEqual([{ do: 'collect', key: '1/a3', isLate: false, changeSet: null, changeSetActivityId: 'a1', pullRequests: [PULL.kind === 'pullRequest' && PULL.pullRequest] }])
	})

	it('looks ever later while nothing happens, and at once when something does', () => {
		const { actions } = watch([at(0, 'IN_PROGRESS', [work()]), at(1, 'IN_PROGRESS'), at(2, 'IN_PROGRESS'), at(3, 'IN_PROGRESS'), at(4, 'IN_PROGRESS'), at(5, 'IN_PROGRESS'), at(6, 'IN_PROGRESS', [work()])])
		expect(actions.map(([action]) => action)).toEqual([60, 90, 135, 202.5, 300, 300, 60].map((seconds) => ({ do: 'wait', ms: seconds * 1000 })))
	})

	it('looks when silence becomes a fault, and not after that', () => {
		const quiet = [0, 1, 2, 3, 4, 5].map((minute) => at(minute, 'IN_PROGRESS', minute === 0 ? [work()] : []))
		const { actions } = watch([...quiet, at(12, 'IN_PROGRESS'), at(14.5, 'IN_PROGRESS'), at(15, 'IN_PROGRESS')])
		expect(actions.slice(6)).toEqual([[{ do: 'wait', ms: 3 * MINUTE }], [{ do: 'wait', ms: MINUTE }], [{ do: 'nudge' }, { do: 'wait', ms: MINUTE }]])
	})
})
