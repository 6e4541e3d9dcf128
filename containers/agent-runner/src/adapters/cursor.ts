import { join } from 'node:path'
import type { AgentAdapter, AgentCommand, AgentInput, AgentParser, ParserInput } from './adapter.ts'
import { createEventLog, usageOf } from './eventLog.ts'
import type { EventLog } from './eventLog.ts'
import { at, countAt, isObject, listAt, textAt } from './json.ts'
import type { JSONObject } from './json.ts'

/** Written from the documented interface of `cursor-agent`; it has its own backend, so no gateway. */
export const cursor: AgentAdapter = { command, createParser }

// One argument may not be longer than 128 KiB on Linux.
const MAX_ARGUMENT_BYTES = 100_000
const PROMPT_FILE = 'task.md'

function command({ prompt, model, secretEnv, dirs }: AgentInput): AgentCommand {
	const isLong = Buffer.byteLength(prompt) > MAX_ARGUMENT_BYTES
	const task = isLong ? `Your task is in the file ${join(dirs.home, PROMPT_FILE)}. Read it and do it.` : prompt
	return {
		args: [
			...['-p', '--force', '--trust', '--output-format', 'stream-json', '--workspace', dirs.work],
			...(model ? ['--model', model] : []),
			...['--', task],
		],
		env: { ...secretEnv, CURSOR_CONFIG_DIR: join(dirs.home, '.cursor') },
		stdin: '',
		files: isLong ? { [PROMPT_FILE]: prompt } : {},
	}
}

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
			if (type === 'system') {
				report.model = textAt(event, 'model')
				log.emit('session', `Session ${report.sessionId ?? ''}`, { model: report.model })
			} else if (type === 'assistant') onAssistant(log, event)
			else if (type === 'tool_call') onTool(log, event)
			else if (type === 'result') onResult(log, event)
			else if (type !== 'user' && type !== 'thinking') log.unknown(type)
		},
	}
}

function onAssistant(log: EventLog, event: JSONObject): void {
	const text = listAt(event, 'message', 'content').map((part) => textAt(part, 'text') ?? '').join('')
	if (text !== '') log.emit('message', text)
}

/** `tool_call` has one key that names the tool, for example `writeToolCall`. */
function onTool(log: EventLog, event: JSONObject): void {
	if (textAt(event, 'subtype') !== 'completed') return
	const call = event['tool_call']
	const [name = 'tool'] = Object.keys(isObject(call) ? call : {})
	const path = textAt(call, name, 'args', 'path')
	if (/^(write|edit|delete)/.test(name) && path !== null) log.emitEdit(path, { tool: name })
	else log.emit('tool', [name, textAt(call, name, 'args', 'command') ?? path].filter(Boolean).join(': '))
}

function onResult(log: EventLog, event: JSONObject): void {
	const { report } = log
	report.hasEnded = true
	report.summary = textAt(event, 'result') ?? ''
	report.usage = usageOf({
		inputTokens: countAt(event, 'usage', 'inputTokens') + countAt(event, 'usage', 'cacheReadTokens') + countAt(event, 'usage', 'cacheWriteTokens'),
		outputTokens: countAt(event, 'usage', 'outputTokens'),
		cacheReadTokens: countAt(event, 'usage', 'cacheReadTokens'),
		cacheWriteTokens: countAt(event, 'usage', 'cacheWriteTokens'),
	})
	if (at(event, 'is_error') === true || textAt(event, 'subtype') !== 'success') {
		report.fault = { message: report.summary || 'The run ended with an error.', status: null }
	}
}
