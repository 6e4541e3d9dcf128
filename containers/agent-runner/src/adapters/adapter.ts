import type { ProgressEvent, TokenUsage } from '@shared/contracts'
import type { RunDirs } from '../isolation/isolation.ts'

export interface AgentInput {
	prompt: string
	model: string | null
	/** The model gateway for this provider and the execution token that opens it; null when the CLI talks to its own backend. */
	gateway: { url: string; token: string } | null
	/** Keys that the CLI needs by name, only without a gateway. */
	secretEnv: Record<string, string>
	dirs: RunDirs
	isRoot: boolean
}

/** How to call the CLI for one run, apart from where its program is. */
export interface AgentCommand {
	args: string[]
	env: Record<string, string>
	stdin: string
	/** Files to write first, by path relative to the throw-away home. */
	files: Record<string, string>
}

/** What went wrong in the CLI's own words; `status` is the HTTP status of the model provider where the CLI tells it. */
export interface AgentFault {
	message: string
	status: number | null
}

/** What the CLI said about its run. It is a claim: exit code and diff decide with it. */
export interface AgentReport {
	/** The event that a complete run ends with was there. */
	hasEnded: boolean
	fault: AgentFault | null
	summary: string
	sessionId: string | null
	model: string | null
	usage: TokenUsage | null
	unknownEvents: number
}

export type LineVerdict = 'stop' | 'last-chance' | void

export type AgentEvent = Omit<ProgressEvent, 'at'>

export interface AgentParser {
	/**
	 * Takes one line of stdout. `stop`: the CLI will get nowhere, although it goes on. `last-chance`: the same, unless another
	 * line comes within a minute.
	 */
	push(line: string): LineVerdict
	/** Takes what the CLI left in files. */
	finish(exitCode: number | null): Promise<void>
	readonly report: AgentReport
}

export interface ParserInput {
	dirs: RunDirs
	onEvent: (event: AgentEvent) => void
}

export interface AgentAdapter {
	command(input: AgentInput): AgentCommand
	createParser(input: ParserInput): AgentParser
}
