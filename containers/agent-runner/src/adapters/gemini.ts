import type { AgentAdapter, AgentCommand, AgentInput, AgentParser, ParserInput } from './adapter.ts'
import { createEventLog, usageOf } from './eventLog.ts'
import type { EventLog } from './eventLog.ts'
import { countAt, isObject, parseObject, textAt } from './json.ts'
import type { JSONObject } from './json.ts'

export const gemini: AgentAdapter = { command, createParser }

/** Also the system settings of the image. */
export const GEMINI_SETTINGS = {
	security: { auth: { selectedType: 'gemini-api-key' }, environmentVariableRedaction: { enabled: true } },
	privacy: { usageStatisticsEnabled: false },
	general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, maxAttempts: 3, retryFetchErrors: true },
	hooksConfig: { enabled: false },
}

// `--skip-trust` and never GEMINI_CLI_TRUST_WORKSPACE, which would run hooks of the repository. The base URL is always set, because
// a `.env` of the repository sets what the process has not.
function command({ prompt, model, gateway, secretEnv }: AgentInput): AgentCommand {
	return {
		args: [
			...['--approval-mode', 'yolo', '--skip-trust', '--allowed-mcp-server-names', 'none'],
			...['-o', 'stream-json', '-m', model ?? 'gemini-3.8-flash'],
		],
		env: {
			...(gateway ? {} : secretEnv),
			GEMINI_API_KEY: gateway?.token ?? secretEnv['GEMINI_API_KEY'] ?? '',
			GOOGLE_GEMINI_BASE_URL: gateway?.url ?? 'https://generativelanguage.googleapis.com',
			...SHUT_DOORS,
			// Its launcher would ignore SIGTERM.
			GEMINI_CLI_NO_RELAUNCH: 'true',
		},
		stdin: prompt,
		files: { '.gemini/settings.json': JSON.stringify(GEMINI_SETTINGS) },
	}
}

// A `.env` or `.gemini/.env` of the repository sets whatever is not set, and a proxy would see the key.
const SHUT_DOORS = Object.fromEntries(
	['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy', 'GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI'].map((name) => [name, '']),
)

const EDIT_TOOLS = new Set(['replace', 'write_file', 'edit'])

function createParser(input: ParserInput): AgentParser {
	const log = createEventLog(input)
	const { report } = log
	// Messages come in pieces; a piece that does not follow another one begins a new message.
	let message = ''
	const flush = (): void => {
		if (message === '') return
		report.summary = message
		log.emit('message', message)
		message = ''
	}
	return {
		report,
		async finish(exitCode) {
			flush()
			if (report.fault) report.fault.status ??= statusOfExit(exitCode)
		},
		push(line) {
			const read = log.read(line)
			if (!read) return
			const { type, event } = read
			if (type === 'message') {
				if (textAt(event, 'role') === 'assistant') message += textAt(event, 'content') ?? ''
				return
			}
			flush()
			if (type === 'init') {
				report.sessionId = textAt(event, 'session_id')
				report.model = textAt(event, 'model')
				log.emit('session', `Session ${report.sessionId ?? ''}`, { model: report.model })
			} else if (type === 'tool_use') onTool(log, event)
			else if (type === 'error') onError(log, event)
			else if (type === 'result') onResult(log, event)
			else if (type !== 'tool_result') log.unknown(type)
		},
	}
}

function onTool(log: EventLog, event: JSONObject): void {
	const tool = textAt(event, 'tool_name') ?? ''
	const path = textAt(event, 'parameters', 'file_path')
	if (EDIT_TOOLS.has(tool) && path !== null) log.emitEdit(path, { tool })
	else log.emit('tool', [tool, textAt(event, 'parameters', 'command') ?? path].filter(Boolean).join(': '))
}

function onError(log: EventLog, event: JSONObject): void {
	const message = textAt(event, 'message') ?? ''
	log.emit('warning', message)
	if (textAt(event, 'severity') === 'error') log.report.fault = faultOf(message)
}

function onResult(log: EventLog, event: JSONObject): void {
	const { report } = log
	const models = event['stats'] && isObject(event['stats']) ? event['stats']['models'] : undefined
	const [model] = Object.keys(isObject(models) ? models : {})
	report.hasEnded = true
	// The flag's text may be an alias; the counted model has its real name.
	report.model = model ?? report.model
	report.usage = usageOf({
		inputTokens: countAt(event, 'stats', 'input_tokens'),
		// `output_tokens` leaves out thoughts, which are charged; the total has them.
		outputTokens: Math.max(countAt(event, 'stats', 'output_tokens'), countAt(event, 'stats', 'total_tokens') - countAt(event, 'stats', 'input_tokens')),
		cacheReadTokens: countAt(event, 'stats', 'cached'),
		cacheWriteTokens: 0,
	})
	log.emit('usage', 'Run ended', { usage: report.usage })
	if (textAt(event, 'status') === 'success') return
	report.fault = faultOf(textAt(event, 'error', 'message') ?? report.fault?.message ?? 'The run ended with an error that it does not name.')
}

/** Messages look like `[API Error: {"error":{"code":401,...}}]`. */
function faultOf(message: string): { message: string; status: number | null } {
	const body = parseObject(/\{.*\}/s.exec(message)?.[0] ?? '')
	const code = isObject(body?.['error']) ? body['error']['code'] : undefined
	return { message, status: typeof code === 'number' ? code : null }
}

/** The exit code is the HTTP status modulo 256; below 144 it is one of the CLI's own. */
function statusOfExit(exitCode: number | null): number | null {
	return exitCode !== null && exitCode >= 144 ? exitCode + 256 : null
}
