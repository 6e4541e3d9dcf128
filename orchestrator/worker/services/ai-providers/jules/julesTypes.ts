import { z } from 'zod'

/** What Jules answers, read loosely: the API is `v1alpha`, so what is new or missing must not end a session that is being paid for. */

export const JULES_STATES = [
	'STATE_UNSPECIFIED',
	'QUEUED',
	'PLANNING',
	'AWAITING_PLAN_APPROVAL',
	'AWAITING_USER_FEEDBACK',
	'IN_PROGRESS',
	'PAUSED',
	'FAILED',
	'COMPLETED',
] as const
export type JulesState = (typeof JULES_STATES)[number]

// The JSON form of protocol buffers leaves out what is empty, zero or false.
const text = z.string().default('')
const optionalText = z.string().nullish().transform((value) => (value ? value : null))
/** Shown to people as a link. */
const isWebAddress = (text: string) => URL.parse(text)?.protocol === 'https:'
const time = z.string().transform((value, context) => {
	const at = Date.parse(value)
	if (Number.isNaN(at)) context.addIssue({ code: 'custom', message: 'not a time' })
	return at
})

export type JulesPlan = z.infer<typeof JulesPlan>
export const JulesPlan = z.object({
	id: text,
	steps: z.array(z.object({ id: text, title: text, description: text, index: z.number().default(0) })).default([]),
})

/** A diff against `baseCommitId`, which is null when the session has no repository. An empty patch is no change. */
export type JulesChangeSet = z.infer<typeof JulesChangeSet>
export const JulesChangeSet = z
	.object({ source: optionalText, gitPatch: z.object({ unidiffPatch: text, baseCommitId: optionalText, suggestedCommitMessage: text }) })
	.transform(({ source, gitPatch }) => ({ source, ...gitPatch }))

export type JulesPullRequest = z.infer<typeof JulesPullRequest>
export const JulesPullRequest = z.object({ url: z.string().refine(isWebAddress), title: text, description: text, baseRef: optionalText, headRef: optionalText })

/** `unknown` keeps the name of a kind that this code does not know, or of one whose content it cannot read. */
export type JulesOutput = { kind: 'changeSet'; changeSet: JulesChangeSet } | { kind: 'pullRequest'; pullRequest: JulesPullRequest } | { kind: 'unknown'; name: string }

export type JulesArtifact =
	| { kind: 'changeSet'; changeSet: JulesChangeSet }
	/** A change set that a later one of the same listing replaces. */
	| { kind: 'olderChangeSet' }
	/** Without the data, which nobody here needs. */
	| { kind: 'media'; mimeType: string }
	| { kind: 'bashOutput'; command: string; output: string; exitCode: number }
	| { kind: 'unknown'; name: string }

export type JulesEvent =
	| { kind: 'agentMessaged' | 'userMessaged'; message: string }
	| { kind: 'planGenerated'; plan: JulesPlan }
	| { kind: 'planApproved'; planId: string }
	| { kind: 'progressUpdated'; title: string; description: string }
	| { kind: 'sessionCompleted' }
	| { kind: 'sessionFailed'; reason: string }
	| { kind: 'unknown'; name: string }

const Output = z.looseObject({}).transform((raw): JulesOutput => {
	const changeSet = JulesChangeSet.safeParse(raw['changeSet'])
	if (changeSet.success) return { kind: 'changeSet', changeSet: changeSet.data }
	const pullRequest = JulesPullRequest.safeParse(raw['pullRequest'])
	return pullRequest.success ? { kind: 'pullRequest', pullRequest: pullRequest.data } : unknownOf(raw)
})

const Media = z.object({ mimeType: text })
const BashOutput = z.object({ command: text, output: text, exitCode: z.number().nullish().transform((code) => code ?? 0) })
const Artifact = z.looseObject({}).transform((raw): JulesArtifact => {
	const changeSet = JulesChangeSet.safeParse(raw['changeSet'])
	if (changeSet.success) return { kind: 'changeSet', changeSet: changeSet.data }
	const bash = BashOutput.safeParse(raw['bashOutput'])
	if (bash.success) return { kind: 'bashOutput', ...bash.data }
	const media = Media.safeParse(raw['media'])
	return media.success ? { kind: 'media', mimeType: media.data.mimeType } : unknownOf(raw)
})

/** How the content of each kind of activity becomes an event. */
const EVENTS = {
	agentMessaged: z.object({ agentMessage: text }).transform(({ agentMessage }): JulesEvent => ({ kind: 'agentMessaged', message: agentMessage })),
	userMessaged: z.object({ userMessage: text }).transform(({ userMessage }): JulesEvent => ({ kind: 'userMessaged', message: userMessage })),
	planGenerated: z.object({ plan: JulesPlan }).transform(({ plan }): JulesEvent => ({ kind: 'planGenerated', plan })),
	planApproved: z.object({ planId: text }).transform(({ planId }): JulesEvent => ({ kind: 'planApproved', planId })),
	progressUpdated: z.object({ title: text, description: text }).transform((progress): JulesEvent => ({ kind: 'progressUpdated', ...progress })),
	sessionCompleted: z.looseObject({}).transform((): JulesEvent => ({ kind: 'sessionCompleted' })),
	sessionFailed: z.object({ reason: text }).transform(({ reason }): JulesEvent => ({ kind: 'sessionFailed', reason })),
}
const ACTIVITY_FIELDS = new Set(['name', 'id', 'description', 'createTime', 'originator', 'artifacts'])

/** One thing that happened in a session. `at` is its time in Unix ms. */
export type JulesActivity = z.infer<typeof JulesActivity>
export const JulesActivity = z
	.looseObject({ name: z.string(), description: text, createTime: time, originator: z.string().default('system'), artifacts: z.array(Artifact).default([]) })
	.transform((raw) => ({
		id: lastSegment(raw.name),
		at: raw.createTime,
		originator: raw.originator,
		description: raw.description,
		artifacts: raw.artifacts,
		event: readEvent(raw),
	}))

export type JulesSession = z.infer<typeof JulesSession>
export const JulesSession = z
	.object({
		name: z.string(),
		title: text,
		state: z.string().default('STATE_UNSPECIFIED'),
		url: optionalText.transform((url) => (url !== null && isWebAddress(url) ? url : null)),
		createTime: time,
		archived: z.boolean().default(false),
		outputs: z.array(Output).default([]),
	})
	.transform(({ name, state, createTime, ...rest }) => ({
		...rest,
		id: lastSegment(name),
		state: JULES_STATES.find((known) => known === state) ?? ('STATE_UNSPECIFIED' as const),
		/** The state in the API's own word, known or not. */
		stateName: state,
		createdAt: createTime,
	}))

/** A repository that is connected to Jules; `name` is what a session is started with. */
export type JulesSource = z.infer<typeof JulesSource>
export const JulesSource = z
	.object({
		name: z.string().min(1),
		githubRepo: z
			.object({
				owner: text,
				repo: text,
				defaultBranch: z.object({ displayName: optionalText }).optional(),
				branches: z.array(z.object({ displayName: text })).default([]),
			})
			.optional(),
	})
	.transform(({ name, githubRepo }) => ({
		name,
		owner: githubRepo?.owner ?? '',
		repo: githubRepo?.repo ?? '',
		defaultBranch: githubRepo?.defaultBranch?.displayName ?? null,
		branches: githubRepo?.branches.map((branch) => branch.displayName) ?? [],
	}))

function readEvent(raw: Record<string, unknown>): JulesEvent {
	for (const [kind, schema] of Object.entries(EVENTS)) {
		const event = raw[kind] === undefined ? undefined : schema.safeParse(raw[kind])
		if (event?.success) return event.data
	}
	return unknownOf(raw, ACTIVITY_FIELDS)
}

function unknownOf(raw: Record<string, unknown>, fields: ReadonlySet<string> = new Set()): { kind: 'unknown'; name: string } {
	return { kind: 'unknown', name: (Object.keys(raw).find((key) => !fields.has(key)) ?? 'empty').slice(0, 100) }
}

const lastSegment = (name: string) => name.slice(name.lastIndexOf('/') + 1)
