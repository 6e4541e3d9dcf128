import { AppError, ScenarioFile, type Scenario } from '@shared/contracts'
import type { AgentRequest, ToolResult } from './types.ts'

interface Entry {
	scenario: Scenario
	pattern: RegExp
}

export interface Match {
	scenario: Scenario
	/** The tool results that came after the prompt that the scenario is about. */
	results: ToolResult[]
}

export interface ScenarioBook {
	readonly scenarios: readonly Scenario[]
	find(provider: string, request: AgentRequest): Match | undefined
	/** What was looked for, for the answer that says that nothing matched. */
	describe(provider: string): string
}

/**
 * Holds the scenarios in their order. `match` is a case-insensitive regular expression over all that the user wrote.
 * @throws AppError INVALID_INPUT when the list is not a scenario file or a pattern is not a regular expression.
 */
export function createScenarioBook(untrusted: unknown): ScenarioBook {
	const parsed = ScenarioFile.safeParse(untrusted)
	if (!parsed.success) {
		const where = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
		throw new AppError('INVALID_INPUT', `The scenarios do not fit the scenario format: ${where}`)
	}
	const entries = parsed.data.map(compile)
	const of = (provider: string): Entry[] => entries.filter(({ scenario }) => scenario.provider === undefined || scenario.provider === provider)
	return {
		scenarios: parsed.data,
		find(provider, request) {
			const whole = request.turns.map((turn) => turn.prompt).join('\n')
			const entry = of(provider).find(({ pattern }) => pattern.test(whole))
			if (!entry) return undefined
			// A later message that is not about the scenario (a nudge of the CLI) does not start it again.
			const start = Math.max(0, request.turns.findLastIndex((turn) => entry.pattern.test(turn.prompt)))
			return { scenario: entry.scenario, results: request.turns.slice(start).flatMap((turn) => turn.results) }
		},
		describe(provider) {
			const looked = of(provider).map(({ scenario }) => `"${scenario.name}" (/${scenario.match}/i)`)
			return looked.length > 0 ? looked.join(', ') : 'nothing, since no scenario is meant for this provider'
		},
	}
}

function compile(scenario: Scenario): Entry {
	try {
		return { scenario, pattern: new RegExp(scenario.match, 'i') }
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error)
		throw new AppError('INVALID_INPUT', `The match of scenario "${scenario.name}" is not a regular expression: ${reason}`)
	}
}
