import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentAdapter, AgentCommand, AgentInput, AgentParser, LineVerdict, ParserInput } from './adapter.ts'
import { createEventLog, usageOf } from './eventLog.ts'
import type { EventLog } from './eventLog.ts'
import { at, countAt, isObject, listAt, numberAt, parseObject, textAt } from './json.ts'
import type { JSONObject } from './json.ts'

export const copilot: AgentAdapter = { command, createParser }

const USAGE_FILE = '.vibehq-usage.json'

// `--allow-all` and never `--trust-folder` or COPILOT_ALLOW_ALL, which would load hooks and servers of the repository.
function command({ prompt, model, gateway, secretEnv, dirs }: AgentInput): AgentCommand {
	const provider: Record<string, string> = gateway
		? {
				COPILOT_OFFLINE: 'true',
				COPILOT_PROVIDER_TYPE: 'openai',
				COPILOT_PROVIDER_BASE_URL: `${gateway.url}/v1`,
				COPILOT_PROVIDER_API_KEY: gateway.token,
			}
		: secretEnv
	return {
		args: [
			...['--allow-all', '--no-ask-user', '--no-color', '--output-format', 'json', '--disable-builtin-mcps', '--no-auto-update'],
			...['--usage-output-file', join(dirs.home, USAGE_FILE)],
		],
		env: { ...provider, COPILOT_MODEL: model ?? 'claude-sonnet-5', COPILOT_AUTO_UPDATE: 'false' },
		stdin: prompt,
		files: {},
	}
}

const EDIT_TOOLS = new Set(['edit', 'create', 'apply_patch'])
const QUIET = /^((session|assistant|user|model|tool|subagent|skill|hook|agent)\..*|abort)$/

function createParser(input: ParserInput): AgentParser {
	const log = createEventLog(input)
	const { report } = log
	return {
		report,
		async finish() {
			report.usage = await readUsage(join(input.dirs.home, USAGE_FILE))
			if (report.usage) log.emit('usage', 'Run ended', { usage: report.usage })
		},
		push(line) {
			const read = log.read(line)
			if (!read) return
			const { type, event } = read
			switch (type) {
				case 'assistant.message':
					return onMessage(log, event)
				case 'tool.execution_start':
					return onTool(log, event)
				case 'tool.execution_complete':
					for (const edit of listAt(event, 'data', 'fileEdits')) log.emitEdit(textAt(edit, 'path') ?? '', { kind: textAt(edit, 'kind') })
					return
				case 'model.call_failure':
					return onCallFailure(log, event)
				case 'session.error':
					report.fault = { message: textAt(event, 'data', 'message') ?? '', status: numberAt(event, 'data', 'statusCode') }
					return log.emit('warning', report.fault.message)
				case 'result':
					return onResult(log, event)
				default:
					if (!QUIET.test(type)) log.unknown(type)
			}
		},
	}
}

function onMessage(log: EventLog, event: JSONObject): void {
	const text = textAt(event, 'data', 'content')
	log.report.model = textAt(event, 'data', 'model') ?? log.report.model
	if (!text) return
	log.report.summary = text
	log.emit('message', text)
}

function onTool(log: EventLog, event: JSONObject): void {
	const tool = textAt(event, 'data', 'toolName') ?? ''
	if (EDIT_TOOLS.has(tool)) return
	log.emit('tool', [tool, textAt(event, 'data', 'arguments', 'command') ?? textAt(event, 'data', 'arguments', 'path')].filter(Boolean).join(': '))
}

/** It has no setting for retries and would go on for a minute. When to try again is the orchestrator's decision. */
function onCallFailure(log: EventLog, event: JSONObject): LineVerdict {
	const status = numberAt(event, 'data', 'statusCode')
	const message = textAt(event, 'data', 'errorMessage') ?? 'The model call failed.'
	log.emit('warning', message, { status })
	if (countAt(event, 'data', 'retryAttempt') + 1 < callsAllowed(status)) return
	log.report.fault = { message, status }
	return 'stop'
}

function callsAllowed(status: number | null): number {
	if (status === 401 || status === 403) return 1
	return status === 429 ? 2 : 3
}

function onResult(log: EventLog, event: JSONObject): void {
	const { report } = log
	report.hasEnded = true
	report.sessionId = textAt(event, 'sessionId')
	const exitCode = at(event, 'exitCode')
	if (exitCode !== 0) report.fault ??= { message: `The run ended with code ${String(exitCode)}.`, status: null }
}

async function readUsage(path: string): Promise<ReturnType<typeof usageOf>> {
	const file = parseObject(await readFile(path, 'utf8').catch(() => ''))
	const models = Object.values(isObject(file?.['modelMetrics']) ? file['modelMetrics'] : {})
	const sum = (name: string): number => models.reduce<number>((total, model) => total + countAt(model, 'usage', name), 0)
	return usageOf({
		inputTokens: sum('inputTokens'),
		outputTokens: sum('outputTokens'),
		cacheReadTokens: sum('cacheReadTokens'),
		cacheWriteTokens: sum('cacheWriteTokens'),
	})
}
