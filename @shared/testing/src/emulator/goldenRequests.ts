import type { ToolResult } from './types.ts'

/**
 * Test support: requests in the shape in which the pinned CLIs send them, with the long texts cut down. Each builder takes the
 * prompt and the results of the tool calls so far.
 */

export interface Golden {
	path: string
	headers: Record<string, string>
	body: Record<string, unknown>
}

type Results = Pick<ToolResult, 'tool' | 'text'>[]

const JSON_HEADERS = { 'content-type': 'application/json' }
const CWD = '/workspace/repo'
const call = (index: number): string => `call_${index}`

export function codexRequest(prompt: string, results: Results = []): Golden {
	const user = (id: string, text: string): unknown => ({ type: 'message', id, role: 'user', content: [{ type: 'input_text', text }] })
	const input: unknown[] = [
		{ type: 'message', id: 'msg_0', role: 'developer', content: [{ type: 'input_text', text: 'You are Codex, a coding agent. How do you fix add?' }] },
		user('msg_1', `<environment_context>\n  <cwd>${CWD}</cwd>\n  <shell>bash</shell>\n</environment_context>`),
		user('msg_2', prompt),
	]
	for (const [index, { tool, text }] of results.entries()) {
		const isCustom = tool === 'apply_patch'
		const head = { call_id: call(index), name: tool, status: 'completed' }
		input.push(isCustom ? { type: 'custom_tool_call', ...head, input: '*** Begin Patch' } : { type: 'function_call', ...head, arguments: '{}' })
		input.push({ type: isCustom ? 'custom_tool_call_output' : 'function_call_output', call_id: call(index), output: text })
	}
	const tools = [
		{ type: 'function', name: 'exec_command', strict: false, parameters: { type: 'object' } },
		{ type: 'function', name: 'write_stdin', strict: false, parameters: { type: 'object' } },
		{ type: 'custom', name: 'apply_patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: begin_patch hunk+ end_patch' } },
		{ type: 'web_search', external_web_access: true },
	]
	return {
		path: '/v1/responses',
		headers: { ...JSON_HEADERS, authorization: 'Bearer test-key', originator: 'codex_exec', 'user-agent': 'codex_exec/0.169.0' },
		body: { model: 'gpt-5.5', stream: true, input, tools, tool_choice: 'auto', parallel_tool_calls: true, store: false, include: ['reasoning.encrypted_content'] },
	}
}

export function claudeRequest(prompt: string, results: Results = []): Golden {
	const reminder = (text: string): unknown => ({ type: 'text', text: `<system-reminder>\n${text}\n</system-reminder>` })
	const messages: unknown[] = [
		{ role: 'user', content: [reminder('# gitStatus\nfix add'), { type: 'text', text: prompt }] },
		{ role: 'system', content: [reminder(`# Environment\n - Primary working directory: ${CWD}\n - Is a git repository: true`)] },
	]
	for (const [index, { tool, text }] of results.entries()) {
		messages.push({ role: 'assistant', content: [{ type: 'tool_use', id: call(index), name: tool, input: {} }] })
		messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: call(index), content: text }, reminder('The task tools were not used.')] })
	}
	return {
		path: '/v1/messages?beta=true',
		headers: { ...JSON_HEADERS, 'x-api-key': 'test-key', 'anthropic-version': '2023-06-01', 'user-agent': 'claude-cli/2.1.329 (external, sdk-cli)' },
		body: {
			model: 'claude-sonnet-5',
			max_tokens: 64_000,
			stream: true,
			system: [{ type: 'text', text: 'You are a Claude agent.', cache_control: { type: 'ephemeral' } }],
			messages,
			tools: ['Bash', 'Edit', 'Read', 'Write'].map((name) => ({ name, description: name, input_schema: { type: 'object' } })),
		},
	}
}

export function geminiRequest(prompt: string, results: Results = []): Golden {
	const context = `<session_context>\nThis is the Gemini CLI.\n- **Workspace Directories:**\n  - ${CWD}\n- **Directory Structure:**\n</session_context>`
	const contents: unknown[] = [{ role: 'user', parts: [{ text: context }, { text: prompt }] }]
	for (const [index, { tool, text }] of results.entries()) {
		contents.push({ role: 'model', parts: [{ functionCall: { id: call(index), name: tool, args: {} } }] })
		contents.push({ role: 'user', parts: [{ functionResponse: { id: call(index), name: tool, response: { output: text } } }] })
	}
	const functionDeclarations = ['replace', 'write_file', 'run_shell_command'].map((name) => ({ name, parametersJsonSchema: { type: 'object' } }))
	return {
		path: '/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse',
		headers: { ...JSON_HEADERS, 'x-goog-api-key': 'test-key', 'user-agent': 'GeminiCLI-tui/0.61.0/gemini-3.8-flash (linux; x64; terminal)' },
		body: {
			contents,
			systemInstruction: { role: 'user', parts: [{ text: 'You are Gemini CLI.' }] },
			tools: [{ functionDeclarations }],
			generationConfig: { temperature: 1, thinkingConfig: { includeThoughts: true } },
		},
	}
}

export function copilotRequest(prompt: string, results: Results = []): Golden {
	const messages: unknown[] = [
		{ role: 'system', content: `You are the GitHub Copilot CLI.\n<environment_context>\n* Current working directory: ${CWD}\n</environment_context>` },
		{ role: 'user', content: `<current_datetime>2026-01-01T00:00:00.000+00:00</current_datetime>\n\n${prompt}` },
	]
	for (const [index, { tool, text }] of results.entries()) {
		const calls = [{ id: call(index), type: 'function', function: { name: tool, arguments: '{}' } }]
		messages.push({ role: 'assistant', content: null, tool_calls: calls }, { role: 'tool', tool_call_id: call(index), content: text })
	}
	return {
		path: '/v1/chat/completions',
		headers: { ...JSON_HEADERS, authorization: 'Bearer test-key', 'user-agent': 'OpenAI/JS 5.20.1', 'x-initiator': 'user' },
		body: {
			model: 'claude-sonnet-5',
			messages,
			stream: true,
			stream_options: { include_usage: true },
			tools: ['bash', 'edit', 'create'].map((name) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })),
		},
	}
}

export const GOLDEN = { codex: codexRequest, claude: claudeRequest, gemini: geminiRequest, copilot: copilotRequest }
export type CLI = keyof typeof GOLDEN

export function toRequest({ path, headers, body }: Golden): Request {
	return new Request(`http://emulator${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** The `data` of each event of a stream, parsed where it is JSON. */
export async function readEvents(response: Response): Promise<{ event: string | undefined; data: unknown }[]> {
	const frames = (await response.text()).split('\n\n').filter(Boolean)
	return frames.map((frame) => {
		const event = /^event: (.*)$/m.exec(frame)?.[1]
		const data = /^data: (.*)$/m.exec(frame)?.[1] ?? ''
		return { event, data: data.startsWith('{') ? JSON.parse(data) : data }
	})
}

/** Walks into parsed JSON; undefined where the way ends. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
	return path.reduce<unknown>((inner, key) => {
		if (Array.isArray(inner)) return inner.at(Number(key))
		return typeof inner === 'object' && inner !== null ? Object.entries(inner).find(([name]) => name === key)?.[1] : undefined
	}, value)
}

/** A JSON text inside JSON, parsed. */
export function parsedAt(value: unknown, ...path: (string | number)[]): unknown {
	return JSON.parse(String(at(value, ...path)))
}
