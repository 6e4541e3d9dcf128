import type { AgentAdapter, AgentCommand, AgentInput, AgentParser, ParserInput } from './adapter.ts'
import { createEventLog, usageOf } from './eventLog.ts'
import type { EventLog } from './eventLog.ts'
import { at, countAt, isObject, listAt, numberAt, textAt } from './json.ts'
import type { JSONObject } from './json.ts'

export const claude: AgentAdapter = { command, createParser }

// `--setting-sources user`: settings of the repository could run hooks, start servers and even send the key to another base URL.
function command({ prompt, model, gateway, secretEnv, isRoot }: AgentInput): AgentCommand {
	const key: Record<string, string> = gateway
		? { ANTHROPIC_API_KEY: gateway.token, ANTHROPIC_BASE_URL: gateway.url }
		: { ...secretEnv, ANTHROPIC_API_KEY: secretEnv['CLAUDE_API_KEY'] ?? '', ANTHROPIC_BASE_URL: 'https://api.anthropic.com' }
	return {
		args: [
			...['-p', '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions'],
			...['--setting-sources', 'user', '--strict-mcp-config', '--no-session-persistence'],
			...['--model', model ?? 'claude-sonnet-5', '--max-turns', '200'],
		],
		env: {
			...key,
			CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
			DISABLE_AUTOUPDATER: '1',
			CLAUDE_CODE_MAX_RETRIES: '3',
			API_TIMEOUT_MS: '300000',
			CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '120000',
			// It refuses to work unasked as root unless told that this is a sandbox, which it is.
			...(isRoot ? { IS_SANDBOX: '1' } : {}),
		},
		stdin: prompt,
		files: {},
	}
}

const EDIT_TOOLS = new Set(['Edit', 'Write', 'MultiEdit', 'NotebookEdit'])
const QUIET = new Set(['user', 'stream_event', 'rate_limit_event', 'tool_progress', 'tool_use_summary'])

function createParser(input: ParserInput): AgentParser {
	const log = createEventLog(input)
	const { report } = log
	return {
		report,
		async finish() {},
		push(line) {
			const read = log.read(line)
			if (!read) return
			const { type, event } = read
			report.sessionId ??= textAt(event, 'session_id')
			if (type === 'system') onSystem(log, event)
			else if (type === 'assistant') onAssistant(log, event)
			else if (type === 'result') onResult(log, event)
			else if (!QUIET.has(type)) log.unknown(type)
		},
	}
}

function onSystem(log: EventLog, event: JSONObject): void {
	const subtype = textAt(event, 'subtype')
	if (subtype === 'init') {
		log.report.model = textAt(event, 'model')
		log.emit('session', `Session ${log.report.sessionId ?? ''}`, { model: log.report.model })
	} else if (subtype === 'api_retry') {
		log.emit('warning', `The API call is tried again (${textAt(event, 'error') ?? 'unknown error'})`, { status: numberAt(event, 'error_status') })
	}
}

function onAssistant(log: EventLog, event: JSONObject): void {
	for (const part of listAt(event, 'message', 'content')) {
		const text = textAt(part, 'text')
		const tool = textAt(part, 'name')
		if (textAt(part, 'type') === 'text' && text !== null) log.emit('message', text)
		if (textAt(part, 'type') !== 'tool_use' || tool === null) continue
		const path = textAt(part, 'input', 'file_path') ?? textAt(part, 'input', 'notebook_path')
		if (EDIT_TOOLS.has(tool) && path !== null) log.emitEdit(path, { tool })
		else log.emit('tool', [tool, textAt(part, 'input', 'command') ?? path].filter(Boolean).join(': '))
	}
}

/** `subtype` stays "success" on API errors: only `is_error` counts. */
function onResult(log: EventLog, event: JSONObject): void {
	const { report } = log
	const cacheReadTokens = countAt(event, 'usage', 'cache_read_input_tokens')
	const cacheWriteTokens = countAt(event, 'usage', 'cache_creation_input_tokens')
	const [model] = Object.keys(isObject(event['modelUsage']) ? event['modelUsage'] : {})
	report.hasEnded = true
	report.summary = textAt(event, 'result') ?? ''
	report.model ??= model ?? null
	report.usage = usageOf({
		inputTokens: countAt(event, 'usage', 'input_tokens') + cacheReadTokens + cacheWriteTokens,
		outputTokens: countAt(event, 'usage', 'output_tokens'),
		cacheReadTokens,
		cacheWriteTokens,
	})
	log.emit('usage', 'Run ended', { usage: report.usage, turns: numberAt(event, 'num_turns') })
	const subtype = textAt(event, 'subtype') ?? ''
	if (at(event, 'is_error') !== true && subtype === 'success') return
	const errors = listAt(event, 'errors').filter((error) => typeof error === 'string')
	const message = [report.summary, ...errors].filter(Boolean).join(' ') || `The run ended as ${subtype || 'an error'}.`
	report.fault = { message, status: numberAt(event, 'api_error_status') }
}
