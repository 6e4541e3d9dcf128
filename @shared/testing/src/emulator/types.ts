/** Words shared by the wires (which speak a provider's format) and the player (which decides what is said). */

export const EMULATOR_NAME = 'vibehq-model-emulator'
/** Ends every text and every error message, so that nobody takes an answer for a model's. */
export const SIGNATURE = '[model emulator]'

export type HeaderMap = Readonly<Record<string, string | undefined>>

/** What a tool of the CLI answered, in the order in which the answers came. */
export interface ToolResult {
	tool: string
	text: string
	isError: boolean
}

/** One user message (without what the CLI wrapped around it) and the tool results that followed it. */
export interface Turn {
	prompt: string
	results: ToolResult[]
}

/** A model request with the provider's wording taken away. */
export interface AgentRequest {
	model: string
	isStream: boolean
	turns: Turn[]
	/** The working directory that the CLI told its model; absent when the request names none. */
	cwd: string | undefined
	/** Names of the tools that this request offers. */
	tools: ReadonlySet<string>
	/** A schema that the answer must satisfy, when the caller asked for structured output. */
	outputSchema?: unknown
	/** The tool that the caller insists on, when it named one. */
	forcedTool?: { name: string; schema: unknown }
	/** Whether the caller wants a last chunk with token counts (chat completions only). */
	wantsUsage?: boolean
}

export interface ToolCall {
	name: string
	/** Arguments of a function tool, or the raw text of a free-form tool. */
	input: Record<string, unknown> | string
	/** The namespace that the CLI declared the tool in, where it has one. */
	namespace?: string
}

/** What the model says next: text, a tool call, or text before a tool call. */
export interface Reply {
	text?: string
	call?: ToolCall
}

export interface Usage {
	inputTokens: number
	/** Part of `inputTokens` that was read from the prompt cache. */
	cachedTokens: number
	/** Part of `inputTokens` that was written to the prompt cache. */
	cacheWriteTokens: number
	outputTokens: number
}

export interface ReplyContext {
	/** Ends the ids of this answer; the same for a repeated request, so that a retry looks like a retry. */
	serial: string
	model: string
	usage: Usage
	createdAtS: number
	wantsUsage: boolean
}

export interface SSEEvent {
	event?: string
	/** JSON, or a literal such as `[DONE]`. */
	data: unknown
}

export interface WireError {
	body: unknown
	headers?: Record<string, string>
}

export interface ErrorDetails {
	message?: string
	retryAfterS?: number | undefined
}

/** Which key, and how wrong: each API answers these cases with its own status and body. */
export type AuthProblem = 'missing' | 'wrong'

export interface Wire {
	/** Throws ZodError when the body is not a request of this API. */
	read(body: unknown, path: { model: string | undefined; isStream: boolean }): AgentRequest
	events(reply: Reply, context: ReplyContext): SSEEvent[]
	body(reply: Reply, context: ReplyContext): unknown
	/** Without a message the words that the API itself uses for the status. */
	error(status: number, details?: ErrorDetails): WireError
	/** The key in the header form that this API requires; undefined when it is not there. */
	key(headers: HeaderMap, query: URLSearchParams): string | undefined
	authError(problem: AuthProblem): WireError & { status: number }
}
