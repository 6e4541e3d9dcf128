import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { AgentEvent, AgentInput, AgentReport, LineVerdict } from './adapter.ts'
import { classifyFault } from './classify.ts'
import { ADAPTERS, isAgentName } from './index.ts'
import type { AgentName } from './index.ts'

// Recorded from the pinned CLIs. A CLI that changes its format shows here as unknown events or a missing end.
const TRANSCRIPTS = fileURLToPath(new URL('../../fixtures/transcripts/', import.meta.url))
const dirs = { root: '/workspace', work: '/workspace/repo', home: '/workspace/home', tmp: '/workspace/tmp' }

interface Played {
	report: AgentReport
	events: AgentEvent[]
	verdicts: LineVerdict[]
}

async function play(agent: AgentName, lines: readonly string[], { exitCode = 0, home = dirs.home } = {}): Promise<Played> {
	const events: AgentEvent[] = []
	const parser = ADAPTERS[agent].createParser({ dirs: { ...dirs, home }, onEvent: (event) => events.push(event) })
	const verdicts = lines.map((line) => parser.push(line))
	await parser.finish(exitCode)
	return { report: parser.report, events, verdicts: verdicts.filter(Boolean) }
}

const read = (name: string): string => readFileSync(join(TRANSCRIPTS, name), 'utf8')
const linesOf = (name: string): string[] => read(`${name}.jsonl`).split('\n')
const stderrOf = (name: string): string => (readdirSync(TRANSCRIPTS).includes(`${name}.stderr`) ? read(`${name}.stderr`) : '')
const agentOf = (name: string): AgentName => {
	const agent = name.split('-')[0] ?? ''
	if (!isAgentName(agent)) throw new Error(`${name} belongs to no agent`)
	return agent
}

/** The same tokens where the closing event tells them a second time, per model. */
function countedElsewhere(agent: 'codex' | 'claude' | 'gemini', line: string): object {
	const end = JSON.parse(line)
	if (agent === 'claude') {
		const { inputTokens, cacheReadInputTokens: cacheReadTokens, cacheCreationInputTokens: cacheWriteTokens, outputTokens } = end.modelUsage['claude-sonnet-5']
		return { inputTokens: inputTokens + cacheReadTokens + cacheWriteTokens, outputTokens, cacheReadTokens, cacheWriteTokens }
	}
	if (agent === 'gemini') {
		const { input_tokens: inputTokens, output_tokens: outputTokens, cached: cacheReadTokens } = end.stats.models['gemini-3.8-flash']
		return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens: 0 }
	}
	const { input_tokens: inputTokens, output_tokens: outputTokens, cached_input_tokens: cacheReadTokens } = end.usage
	return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens: 0 }
}

describe('recorded runs', () => {
	const recorded = readdirSync(TRANSCRIPTS).filter((name) => name.endsWith('.jsonl')).map((name) => name.replace('.jsonl', ''))

	it('cover the four agents', () => {
		expect(new Set(recorded.map(agentOf))).toEqual(new Set(['codex', 'claude', 'gemini', 'copilot']))
	})

	it.each(recorded)('%s holds no event that its adapter does not know', async (name) => {
		expect((await play(agentOf(name), linesOf(name))).report.unknownEvents).toBe(0)
	})

	it.each(['codex', 'claude', 'gemini', 'copilot'] as const)('%s: a success', async (agent) => {
		const { report, events, verdicts } = await play(agent, linesOf(`${agent}-success`))
		expect(report).toMatchObject({ hasEnded: true, fault: null, summary: 'Fixed add. [model emulator]' })
		expect(report.sessionId).toMatch(/^0{8}-/)
		expect(report.model).toBe({ codex: null, claude: 'claude-sonnet-5', gemini: 'gemini-3.8-flash', copilot: 'claude-sonnet-5' }[agent])
		expect(verdicts).toEqual([])
		expect(events.filter(({ kind }) => kind === 'message').map(({ text }) => text)).toEqual(['I will fix the sign. [model emulator]', 'Fixed add. [model emulator]'])
		expect(events.filter(({ kind }) => kind === 'edit').map(({ text }) => text)).toContain('src/add.js')
		expect(events.some(({ kind, text }) => kind === 'tool' && text.includes('echo ran > shell.txt'))).toBe(true)
	})

	it.each(['codex', 'claude', 'gemini'] as const)('%s: tokens, with cached ones in the total', async (agent) => {
		const { usage } = (await play(agent, linesOf(`${agent}-success`))).report
		expect(usage).toEqual(countedElsewhere(agent, linesOf(`${agent}-success`).findLast(Boolean) ?? ''))
	})

	it.each(recorded.filter((name) => /(no-change|edit-failed)$/.test(name)))('%s: a run that did nothing looks like a success', async (name) => {
		expect((await play(agentOf(name), linesOf(name))).report).toMatchObject({ hasEnded: true, fault: null })
	})

	it.each<[string, RegExp, number?]>([
		['401', /PROVIDER_AUTH_FAILED/, 145],
		['wrong-key', /PROVIDER_AUTH_FAILED/, 144],
		['429', /PROVIDER_RATE_LIMITED/, 173],
		['500', /PROVIDER_ERROR/, 244],
		['cut', /PROVIDER_ERROR/, 1],
	])('%s is named the same whoever met it', async (fault, code, geminiExit) => {
		const names = recorded.filter((name) => name.endsWith(`-${fault}`))
		expect(names.length).toBeGreaterThanOrEqual(3)
		for (const name of names) {
			const { report } = await play(agentOf(name), linesOf(name), { exitCode: agentOf(name) === 'gemini' ? (geminiExit ?? 1) : 1 })
			expect(report.fault, name).not.toBeNull()
			expect(report.fault && classifyFault(report.fault, stderrOf(name)).code, name).toMatch(code)
		}
	})
})

describe('parsers', () => {
	it.each(['codex', 'claude', 'gemini', 'copilot', 'cursor'] as const)('%s: noise is counted and never ends a run', async (agent) => {
		const noise = ['not json', '[1]', '{"no":"type"}', '{"type":"brand.new"}', '{"type":5}', '', '{"type":"brand.new"}']
		const { report, events, verdicts } = await play(agent, noise)
		expect(report).toMatchObject({ unknownEvents: 6, hasEnded: false, fault: null })
		expect(events.every(({ kind }) => kind === 'unknown')).toBe(true)
		expect(verdicts).toEqual([])
	})

	it.each(['codex', 'claude', 'gemini', 'copilot', 'cursor'] as const)('%s: known events with nothing in them are no crash', async (agent) => {
		const types = [
			...['thread.started', 'turn.started', 'item.completed', 'turn.completed', 'turn.failed', 'error', 'system', 'assistant', 'user', 'result'],
			...['init', 'message', 'tool_use', 'tool_result', 'assistant.message', 'tool.execution_complete', 'session.error', 'tool_call'],
		]
		const { report } = await play(agent, types.flatMap((type) => [`{"type":"${type}"}`, `{"type":"${type}","item":[],"data":7,"message":null,"usage":"x","stats":[1]}`]))
		expect(report.usage).toBeNull()
	})

	it('codex: without a network it gets one last chance, and none of it stays when it goes on', async () => {
		const waiting = '{"type":"error","message":"Reconnecting... waiting for network (Connection failed: error sending request)"}'
		const stuck = await play('codex', [waiting])
		expect(stuck.verdicts).toEqual(['last-chance'])
		expect(stuck.report.fault && classifyFault(stuck.report.fault, '').code).toBe('PROVIDER_UNREACHABLE')
		expect((await play('codex', [waiting, '{"type":"turn.completed"}'])).report).toMatchObject({ hasEnded: true, fault: null })
	})

	it('copilot: its own retries are cut short, because they have no setting', async () => {
		const failure = (statusCode: number, retryAttempt: number): string => JSON.stringify({ type: 'model.call_failure', data: { statusCode, retryAttempt, errorMessage: 'no' } })
		expect((await play('copilot', [failure(401, 0)])).verdicts).toEqual(['stop'])
		expect((await play('copilot', [failure(429, 0)])).verdicts).toEqual([])
		expect((await play('copilot', [failure(429, 0), failure(429, 1)])).verdicts).toEqual(['stop'])
		expect((await play('copilot', [failure(500, 1)])).verdicts).toEqual([])
		expect((await play('copilot', [failure(500, 2)])).report.fault).toEqual({ message: 'no', status: 500 })
	})

	it('copilot: tokens come from its usage file', async () => {

		const home = mkdtempSync(join(tmpdir(), 'vibehq-test-home-'))
		copyFileSync(join(TRANSCRIPTS, 'copilot-success.usage.json'), join(home, '.vibehq-usage.json'))
		const { metrics } = JSON.parse(read('copilot-success.usage.json')).providerModelMetrics[0]
		const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = metrics.usage
		expect(inputTokens).toBeGreaterThan(0)
		expect((await play('copilot', [], { home })).report.usage).toEqual({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens })
		rmSync(home, { recursive: true })
	})

	it('claude: "subtype" alone does not make a success', async () => {
		const end = (fields: object): string => JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'x', ...fields })
		expect((await play('claude', [end({})])).report.fault).toBeNull()
		expect((await play('claude', [end({ is_error: true, api_error_status: 529 })])).report.fault).toEqual({ message: 'x', status: 529 })
		expect((await play('claude', [end({ subtype: 'error_max_turns' })])).report.fault).toMatchObject({ status: null })
	})

	it('cursor: the documented events', async () => {
		const { report, events } = await play('cursor', [
			'{"type":"system","subtype":"init","session_id":"c-1","model":"auto"}',
			'{"type":"assistant","message":{"content":[{"type":"text","text":"On it."}]},"session_id":"c-1"}',
			'{"type":"tool_call","subtype":"started","tool_call":{"writeToolCall":{"args":{"path":"/workspace/repo/a.ts"}}}}',
			'{"type":"tool_call","subtype":"completed","tool_call":{"writeToolCall":{"args":{"path":"/workspace/repo/a.ts"}}}}',
			'{"type":"tool_call","subtype":"completed","tool_call":{"shellToolCall":{"args":{"command":"npm test"}}}}',
			'{"type":"result","subtype":"success","is_error":false,"duration_ms":5,"result":"Done.","session_id":"c-1","request_id":"r"}',
		])
		expect(report).toMatchObject({ hasEnded: true, fault: null, summary: 'Done.', sessionId: 'c-1', model: 'auto', unknownEvents: 0 })
		expect(events.filter(({ kind }) => kind === 'edit' || kind === 'tool').map(({ text }) => text)).toEqual(['a.ts', 'shellToolCall: npm test'])
	})
})



describe('command lines', () => {
	const input: AgentInput = {
		prompt: 'PROMPT-TEXT',
		model: 'm-1',
		gateway: { url: 'http://h/gateway/x', token: 'TOKEN-VALUE' },
		secretEnv: {},
		dirs,
		isRoot: false,
	}
	const gatewayAgents = ['codex', 'claude', 'gemini', 'copilot'] as const

	it.each(gatewayAgents)('%s: neither the prompt nor the token is an argument, both are there', (agent) => {
		const { args, env, stdin, files } = ADAPTERS[agent].command(input)
		expect(args.join(' ')).not.toMatch(/PROMPT-TEXT|TOKEN-VALUE/)
		expect(args).toContain(agent === 'copilot' ? '--allow-all' : 'm-1')
		expect(stdin).toBe('PROMPT-TEXT')
		expect(Object.values(env)).toContain('TOKEN-VALUE')
		expect(JSON.stringify([env, files])).toContain('http://h/gateway/x')
		expect(JSON.stringify(files)).not.toContain('TOKEN-VALUE')
	})

	it.each(gatewayAgents)('%s: nothing that lets the repository take it over', (agent) => {
		const { args, env } = ADAPTERS[agent].command(input)
		expect(args).not.toContain('--trust')
		expect(args).not.toContain('--trust-folder')
		expect(Object.keys(env)).not.toContain('GEMINI_CLI_TRUST_WORKSPACE')
		expect(Object.keys(env)).not.toContain('COPILOT_ALLOW_ALL')
	})

	it('has the switches that were measured to keep repository settings out', () => {
		expect(ADAPTERS.claude.command(input).args.join(' ')).toContain('--setting-sources user --strict-mcp-config')
		const gemini = ADAPTERS.gemini.command(input)
		expect(gemini.args.join(' ')).toContain('--skip-trust --allowed-mcp-server-names none')
		expect(gemini.env).toMatchObject({ GOOGLE_GEMINI_BASE_URL: 'http://h/gateway/x', HTTP_PROXY: '', HTTPS_PROXY: '' })
		expect(ADAPTERS.codex.command(input).files['.codex/config.toml']).toContain('base_url = "http://h/gateway/x/v1"')
		expect(ADAPTERS.copilot.command(input).env).toMatchObject({ COPILOT_OFFLINE: 'true', COPILOT_PROVIDER_BASE_URL: 'http://h/gateway/x/v1' })
	})

	it('tells claude that it is in a sandbox only when it is root there', () => {
		expect(ADAPTERS.claude.command(input).env['IS_SANDBOX']).toBeUndefined()
		expect(ADAPTERS.claude.command({ ...input, isRoot: true }).env['IS_SANDBOX']).toBe('1')
	})

	it('gives cursor its key and a long prompt as a file', () => {
		const direct = { ...input, gateway: null, secretEnv: { CURSOR_API_KEY: 'k' } }
		expect(ADAPTERS.cursor.command(direct)).toMatchObject({ env: { CURSOR_API_KEY: 'k' }, files: {}, args: expect.arrayContaining(['--trust', 'PROMPT-TEXT']) })
		const long = ADAPTERS.cursor.command({ ...direct, prompt: 'x'.repeat(200_000) })
		expect(long.args.join(' ').length).toBeLessThan(1000)
		expect(long.files['task.md']).toHaveLength(200_000)
	})
})

describe('classifyFault', () => {
	it.each<[string, number | null, string, number?]>([
		['{"error":{"code":"BUDGET_EXCEEDED","message":"used up"}}', 402, 'BUDGET_EXCEEDED'],
		['402 used up', 402, 'BUDGET_EXCEEDED'],
		['MODEL_UNPRICED: no price', 402, 'MODEL_UNPRICED'],
		['nope', 403, 'PROVIDER_AUTH_FAILED'],
		['API key not valid', 400, 'PROVIDER_AUTH_FAILED'],
		['bad schema', 400, 'PROVIDER_REFUSED'],
		['no such model', 404, 'PROVIDER_REFUSED'],
		['overloaded', 529, 'PROVIDER_ERROR'],
		['retry after 1.5 s', 429, 'PROVIDER_RATE_LIMITED', 1500],
		['"retryDelay": "34s"', 429, 'PROVIDER_RATE_LIMITED', 34_000],
		['try again in 250ms', 429, 'PROVIDER_RATE_LIMITED', 250],
		['slow down', 429, 'PROVIDER_RATE_LIMITED'],
		['getaddrinfo ENOTFOUND gateway', null, 'PROVIDER_UNREACHABLE'],
		['something else entirely', null, 'AGENT_FAILED'],
	])('%s (%s) is %s', (message, status, code, retryAfterMs) => {
		expect(classifyFault({ message, status }, '')).toEqual({ code, message, retryable: false, ...(retryAfterMs ? { retryAfterMs } : {}) })
	})

	it('looks at stderr only where the message tells nothing', () => {
		expect(classifyFault({ message: 'failed', status: null }, 'connect ECONNREFUSED').code).toBe('PROVIDER_UNREACHABLE')
		expect(classifyFault({ message: 'failed', status: 401 }, 'connect ECONNREFUSED').code).toBe('PROVIDER_AUTH_FAILED')
	})
})
