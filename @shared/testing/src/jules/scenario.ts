import { AppError, Scenario, ScenarioFault, ScenarioStep } from '@shared/contracts'
import { z } from 'zod'

/** The methods of the API, by the names that faults and call records use. */
export const JULES_METHODS = [
	'sources.list',
	'sources.get',
	'sessions.create',
	'sessions.list',
	'sessions.get',
	'sessions.delete',
	'sessions.archive',
	'sessions.unarchive',
	'sessions.sendMessage',
	'sessions.approvePlan',
	'activities.list',
	'activities.get',
] as const
export type JulesMethod = (typeof JULES_METHODS)[number]

/** Besides the steps that every agent plays, what only a Jules session can do. */
export type JulesStep = z.infer<typeof JulesStep>
export const JulesStep = z.union([
	...ScenarioStep.options,
	/** Silence before what comes next. */
	z.strictObject({ waitMs: z.number().min(0) }),
	/** Any name, so also one that nobody knows. */
	z.strictObject({ state: z.string().min(1) }),
	/** Asks the user and waits for the answer. */
	z.strictObject({ ask: z.string() }),
	/** Falls silent in the state it is in; after `complete` a message revives the session. */
	z.strictObject({ stall: z.enum(['until-message', 'for-ever']) }),
	/** The one field that names what happened, as it stands on the wire. */
	z.strictObject({ activity: z.record(z.string(), z.unknown()) }),
	/** An artifact as it stands on the wire, with a progress update around it. */
	z.strictObject({ artifact: z.record(z.string(), z.unknown()) }),
	z.strictObject({ fail: z.string() }),
	/** Ends the session well; the steps after it revive it. A script ends with one unless it ends otherwise. */
	z.strictObject({ complete: z.literal(true) }),
])

/** A fault of one method. `isApplied`: the work is done before the answer fails, as when a connection is cut. */
export type JulesFault = z.infer<typeof JulesFault>
export const JulesFault = ScenarioFault.extend({ on: z.enum(JULES_METHODS), isApplied: z.boolean().default(false) })

export const JulesBehaviour = z.strictObject({
	/** In place of the scenario's own steps. */
	steps: z.array(JulesStep).optional(),
	/** Between one event and the next; 0 gives them the same time. */
	delayMs: z.number().min(0).default(1),
	/** How many times the fresh session is unknown. */
	early404s: z.int().min(0).default(0),
	/** Whether outputs hold a pull request; absent means when the session asked for one. */
	pullRequest: z.boolean().optional(),
	faults: z.array(JulesFault).default([]),
})

/** A scenario of any agent, with what Jules does otherwise. Its own `fault` is one of `sessions.create`. */
export type JulesScenario = z.infer<typeof JulesScenario>
export const JulesScenario = Scenario.extend({ jules: JulesBehaviour.prefault({}) })

export interface JulesScenarioBook {
	scenarios: readonly JulesScenario[]
	/** The first scenario that fits the prompt and is not another provider's. */
	find(prompt: string): JulesScenario | undefined
}

/** @throws AppError INVALID_INPUT when the list is not a scenario file or a pattern is not a regular expression. */
export function createJulesScenarioBook(untrusted: unknown): JulesScenarioBook {
	const parsed = z.array(JulesScenario).safeParse(untrusted)
	if (!parsed.success) throw new AppError('INVALID_INPUT', `The scenarios do not fit the scenario format: ${z.prettifyError(parsed.error)}`)
	const entries = parsed.data.map((scenario) => ({ scenario, pattern: compile(scenario) })).filter(({ scenario }) => scenario.provider === undefined || scenario.provider === 'jules')
	return { scenarios: parsed.data, find: (prompt) => entries.find(({ pattern }) => pattern.test(prompt))?.scenario }
}

function compile({ name, match }: JulesScenario): RegExp {
	try {
		return new RegExp(match, 'i')
	} catch (error) {
		throw new AppError('INVALID_INPUT', `The match of scenario "${name}" is not a regular expression: ${error instanceof Error ? error.message : String(error)}`)
	}
}
