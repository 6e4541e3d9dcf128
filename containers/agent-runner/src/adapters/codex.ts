import type { AgentAdapter, AgentCommand, AgentInput, AgentParser, LineVerdict, ParserInput } from './adapter.ts'
import { certificateEnv } from '../toolPath.ts'
import { createEventLog, usageOf } from './eventLog.ts'
import type { EventLog } from './eventLog.ts'
import { countAt, listAt, numberAt, textAt } from './json.ts'
import type { JSONObject } from './json.ts'

export const codex: AgentAdapter = { command, createParser }

// Never `--trust`: it would turn on the configuration of the repository. A provider of our own, because the built-in one tries
// WebSockets first. The sandbox is ours, so the CLI's is off.
function command({ prompt, model, gateway, secretEnv }: AgentInput): AgentCommand {
	const args = ['exec', '--json', '--dangerously-bypass-approvals-and-sandbox', '--skip-git-repo-check', '--ephemeral', '-m', model ?? 'gpt-5.5', '-']
	const key: Record<string, string> = gateway ? { CODEX_API_KEY: gateway.token } : secretEnv
	return { args, env: key, stdin: prompt, files: { '.codex/config.toml': config(gateway ? `${gateway.url}/v1` : 'https://api.openai.com/v1') } }
}

function config(baseURL: string): string {
	return `approval_policy = "never"
sandbox_mode = "danger-full-access"
web_search = "disabled"
check_for_update_on_startup = false
model_provider = "gateway"

[analytics]
enabled = false

[features]
plugins = false
apps = false

[shell_environment_policy]
inherit = "core"

[shell_environment_policy.set]
${Object.entries(certificateEnv()).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`).join('')}
[model_providers.gateway]
name = "gateway"
base_url = ${JSON.stringify(baseURL)}
env_key = "CODEX_API_KEY"
wire_api = "responses"
request_max_retries = 2
stream_max_retries = 3
stream_idle_timeout_ms = 300000
`
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
			// It goes on, so whatever kept it waiting is over.
			report.fault = null
			switch (type) {
				case 'thread.started':
					report.sessionId = textAt(event, 'thread_id')
					return log.emit('session', `Session ${report.sessionId ?? ''}`)
				case 'item.completed':
					return onItem(log, event)
				case 'turn.completed':
					return onTurn(log, event)
				case 'turn.failed':
					report.hasEnded = true
					report.fault = faultOf(textAt(event, 'error', 'message') ?? 'The turn failed without a message.')
					return
				case 'error':
					return onError(log, textAt(event, 'message') ?? '')
				case 'turn.started':
				case 'item.started':
				case 'item.updated':
					return
				default:
					return log.unknown(type)
			}
		},
	}
}

function onItem(log: EventLog, event: JSONObject): void {
	const { item } = event
	const type = textAt(item, 'type') ?? ''
	switch (type) {
		case 'agent_message':
			log.report.summary = textAt(item, 'text') ?? ''
			return log.emit('message', log.report.summary)
		case 'command_execution':
			return log.emit('tool', textAt(item, 'command') ?? '', { exitCode: numberAt(item, 'exit_code') })
		case 'file_change':
			for (const change of listAt(item, 'changes')) log.emitEdit(textAt(change, 'path') ?? '', { kind: textAt(change, 'kind'), status: textAt(item, 'status') })
			return
		case 'error':
			return log.emit('warning', textAt(item, 'message') ?? '')
		case 'mcp_tool_call':
		case 'web_search':
			return log.emit('tool', textAt(item, 'tool') ?? textAt(item, 'query') ?? type)
		case 'reasoning':
		case 'todo_list':
			return
		default:
			return log.unknown(`item ${type}`)
	}
}

function onTurn(log: EventLog, event: JSONObject): void {
	const { report } = log
	report.hasEnded = true
	report.usage = usageOf({
		inputTokens: countAt(event, 'usage', 'input_tokens'),
		outputTokens: countAt(event, 'usage', 'output_tokens'),
		cacheReadTokens: countAt(event, 'usage', 'cached_input_tokens'),
		cacheWriteTokens: countAt(event, 'usage', 'cache_write_input_tokens'),
	})
	log.emit('usage', 'Turn completed', { usage: report.usage })
}

/**
 * None of these is fatal. Without a network the CLI waits for ever, whatever its retry limits say: it gets the time that an
 * orchestrator needs to start again.
 */
function onError(log: EventLog, message: string): LineVerdict {
	log.emit('warning', message)
	if (!/waiting for network/i.test(message)) return
	log.report.fault = { message, status: null }
	return 'last-chance'
}

// The message is all there is: "unexpected status 401 Unauthorized: ...", "exceeded retry limit, last status: 429 Too Many Requests".
function faultOf(message: string): { message: string; status: number | null } {
	const status = /\bstatus:? (\d{3})\b/.exec(message)?.[1]
	return { message, status: status ? Number(status) : null }
}
