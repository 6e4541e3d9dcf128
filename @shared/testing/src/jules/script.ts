import { FAKE_JULES_NAME } from './googleErrors.ts'
import type { JulesScenario, JulesStep } from './scenario.ts'
import type { SessionWorkspace } from './workspace.ts'

export interface SessionInput {
	prompt: string
	title: string
	source: { name: string; branch: string } | null
	requirePlanApproval: boolean
	automationMode: string
}

/** The field that names what happened, with what the wire has beside it. */
export interface ScriptedActivity {
	originator: 'user' | 'agent' | 'system'
	event: Record<string, unknown>
	artifacts?: unknown[]
}

/** What happens at one moment of a session, and whom it waits for before. */
export interface Beat {
	delayMs: number
	until?: 'approval' | 'message' | 'never'
	state?: string
	activity?: ScriptedActivity
	outputs?: unknown[]
}

const SIGNATURE = `[${FAKE_JULES_NAME}]`
const TERMINAL = new Set(['COMPLETED', 'FAILED'])

interface Writing {
	input: SessionInput
	scenario: JulesScenario
	workspace: SessionWorkspace
	beats: Beat[]
	/** Added to the delay of the next beat. */
	waitMs: number
	state: string
	pullRequestURL: string
}

/** Plays the steps in the workspace and writes down when which of them is to be seen. */
export async function writeScript(options: Pick<Writing, 'input' | 'scenario' | 'workspace' | 'pullRequestURL'>): Promise<Beat[]> {
	const writing: Writing = { ...options, beats: [], waitMs: 0, state: 'QUEUED' }
	const { scenario } = options
	const steps = scenario.jules.steps ?? scenario.steps
	plan(writing, steps)
	for (const [index, step] of steps.entries()) {
		try {
			await writeStep(writing, step)
		} catch (error) {
			fail(writing, `Step ${index + 1} of scenario "${scenario.name}" failed: ${error instanceof Error ? error.message : String(error)}`)
			break
		}
	}
	const last = steps.at(-1)
	const hasEnded = TERMINAL.has(writing.state) || (last !== undefined && 'stall' in last && last.stall === 'for-ever')
	if (!hasEnded) await complete(writing)
	return writing.beats
}

/** The session of a prompt that no scenario fits. */
export function unmatchedScript(): Beat[] {
	const reason = `No scenario matches this prompt, so nothing was changed. ${SIGNATURE}`
	return [{ delayMs: 1, state: 'FAILED', activity: { originator: 'system', event: { sessionFailed: { reason } } } }]
}

function push(writing: Writing, beat: Omit<Beat, 'delayMs'>): void {
	writing.beats.push({ delayMs: writing.scenario.jules.delayMs + writing.waitMs, ...beat })
	writing.waitMs = 0
	writing.state = beat.state ?? writing.state
}

function plan(writing: Writing, steps: readonly JulesStep[]): void {
	const planSteps = steps.flatMap((step) => ('edit' in step ? [`Edit ${step.edit.path}`] : 'write' in step ? [`Write ${step.write.path}`] : 'shell' in step ? ['Run a command'] : []))
	// An index of 0 is left out, as protocol buffers do.
	const listed = planSteps.map((title, index) => ({ id: `step-${index}`, title, description: `${title} ${SIGNATURE}`, ...(index === 0 ? {} : { index }) }))
	push(writing, { state: 'PLANNING' })
	push(writing, { activity: { originator: 'agent', event: { planGenerated: { plan: { id: PLAN_ID, steps: listed } } } } })
	if (writing.input.requirePlanApproval) {
		push(writing, { state: 'AWAITING_PLAN_APPROVAL' })
		push(writing, { until: 'approval', state: 'IN_PROGRESS' })
	} else {
		push(writing, { state: 'IN_PROGRESS', activity: { originator: 'system', event: { planApproved: { planId: PLAN_ID } } } })
	}
}

export const PLAN_ID = 'plan-1'

async function writeStep(writing: Writing, step: JulesStep): Promise<void> {
	if ('waitMs' in step) writing.waitMs += step.waitMs
	else if ('state' in step) push(writing, { state: step.state })
	else if ('stall' in step) {
		const isTerminal = TERMINAL.has(writing.state)
		push(writing, step.stall === 'for-ever' ? { until: 'never' } : { until: 'message', ...(isTerminal || writing.state === 'PAUSED' ? { state: 'IN_PROGRESS' } : {}) })
	} else if ('ask' in step) {
		push(writing, { state: 'AWAITING_USER_FEEDBACK', activity: { originator: 'agent', event: { agentMessaged: { agentMessage: `${step.ask} ${SIGNATURE}` } } } })
		push(writing, { until: 'message', state: 'IN_PROGRESS' })
	} else if ('fail' in step) fail(writing, step.fail)
	else if ('complete' in step) await complete(writing)
	else if ('activity' in step) push(writing, { ...revival(writing), activity: { originator: 'agent', event: step.activity } })
	else if ('artifact' in step) push(writing, { ...revival(writing), activity: progress('Made an artifact', [step.artifact]) })
	else if ('say' in step) push(writing, { ...revival(writing), activity: { originator: 'agent', event: { agentMessaged: { agentMessage: `${step.say} ${SIGNATURE}` } } } })
	else {
		await writing.workspace.play(step)
		const title = 'edit' in step ? `Edited ${step.edit.path}` : 'write' in step ? `Wrote ${step.write.path}` : 'Ran a command'
		push(writing, { ...revival(writing), activity: progress(title, [{ changeSet: await changeSet(writing) }]) })
	}
}

const revival = ({ state }: Writing): { state?: string } => (TERMINAL.has(state) ? { state: 'IN_PROGRESS' } : {})

const progress = (title: string, artifacts: unknown[]): ScriptedActivity => ({ originator: 'agent', event: { progressUpdated: { title, description: `${title}. ${SIGNATURE}` } }, artifacts })

function fail(writing: Writing, reason: string): void {
	push(writing, { state: 'FAILED', activity: { originator: 'system', event: { sessionFailed: { reason } } } })
}

async function complete(writing: Writing): Promise<void> {
	const { input, scenario, workspace } = writing
	const changes = await changeSet(writing)
	const wantsPullRequest = scenario.jules.pullRequest ?? input.automationMode === 'AUTO_CREATE_PR'
	const pullRequest = {
		url: writing.pullRequestURL,
		title: input.title,
		description: `Pull request of a scripted session; it exists nowhere. ${SIGNATURE}`,
		baseRef: input.source?.branch,
		headRef: `jules-${scenario.name.replaceAll(/[^\w-]+/g, '-')}`,
	}
	const outputs = [{ changeSet: changes }, ...(wantsPullRequest && workspace.baseCommitId !== null ? [{ pullRequest }] : [])]
	push(writing, { state: 'COMPLETED', activity: { originator: 'system', event: { sessionCompleted: {} } }, outputs })
}

async function changeSet({ workspace, input, scenario }: Writing): Promise<unknown> {
	const { baseCommitId } = workspace
	const unidiffPatch = await workspace.diff()
	return {
		...(input.source ? { source: input.source.name } : {}),
		gitPatch: { unidiffPatch, ...(baseCommitId === null ? {} : { baseCommitId }), suggestedCommitMessage: `${scenario.name}\n\nWritten by a script. ${SIGNATURE}` },
	}
}
