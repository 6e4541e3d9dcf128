import { describe, expect, it } from 'vitest'
import { createEmulator } from '../emulator.ts'
import { copilotRequest, parsedAt, readEvents, toRequest } from '../goldenRequests.ts'

const scenarios = [
	{
		name: 'fix',
		match: 'fix add',
		steps: [{ edit: { path: 'src/add.ts', old: 'a - b', new: 'a + b' } }, { write: { path: 'docs/NOTES.md', content: 'x\n' } }, { shell: 'npm test' }, { say: 'Fixed.' }],
	},
]
const emulator = createEmulator({ scenarios, now: () => 1_700_000_000_000 })
type Chunk = { choices: { delta: { content?: string; tool_calls?: Call[] }; finish_reason: string | null }[]; usage?: object }
type Call = { id?: string; type?: string; function?: { name?: string; arguments: string }; custom?: { name?: string; input: string } }

async function chunks(golden: ReturnType<typeof copilotRequest>): Promise<Chunk[]> {
	const events = await readEvents(await emulator.fetch(toRequest(golden)))
	expect(events.pop()?.data).toBe('[DONE]')
	return events.map(({ data }) => data as Chunk)
}

async function nextCall(golden: ReturnType<typeof copilotRequest>): Promise<{ name: string; input: unknown }> {
	const calls = (await chunks(golden)).flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
	const name = calls[0]?.function?.name ?? ''
	return { name, input: JSON.parse(calls.map((call) => call.function?.arguments ?? '').join('')) }
}

const EDITED = { tool: 'edit', text: 'File /workspace/repo/src/add.ts updated with changes.' }
const REFUSED = { tool: 'create', text: 'Parent directory /workspace/repo/docs does not exist. You need to create it before creating the file.' }
const RAN = { tool: 'bash', text: 'ok\n<shellId: 0 completed with exit code 0>' }

describe('the Chat Completions API', () => {
	it('streams a tool call: role, name, arguments, finish reason, usage, end', async () => {
		const all = await chunks(copilotRequest('fix add'))
		expect(all[0]).toMatchObject({
			id: expect.stringMatching(/^chatcmpl-emulator-/),
			object: 'chat.completion.chunk',
			created: 1_700_000_000,
			model: 'claude-sonnet-5',
			system_fingerprint: 'fp_vibehq-model-emulator',
			choices: [{ index: 0, delta: { role: 'assistant', content: null }, finish_reason: null }],
		})
		expect(all[1]).toMatchObject({
			choices: [{ delta: { tool_calls: [{ index: 0, id: expect.stringMatching(/^call_emulator_/), type: 'function', function: { name: 'edit', arguments: '' } }] } }],
		})
		expect(all.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'tool_calls' })
		expect(all.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number), prompt_tokens_details: { cached_tokens: 0 } } })
	})

	it('edits by absolute path', async () => {
		const expected = { path: '/workspace/repo/src/add.ts', old_str: 'a - b', new_str: 'a + b' }
		expect(await nextCall(copilotRequest('fix add'))).toEqual({ name: 'edit', input: expected })
	})

	it('takes the shell when the tool for new files refuses', async () => {
		expect(await nextCall(copilotRequest('fix add', [EDITED]))).toMatchObject({ name: 'create' })
		expect(await nextCall(copilotRequest('fix add', [EDITED, REFUSED]))).toMatchObject({
			name: 'bash',
			input: { command: "mkdir -p -- 'docs' && printf %s 'x\n' > 'docs/NOTES.md'", mode: 'sync' },
		})
		expect(await nextCall(copilotRequest('fix add', [EDITED, REFUSED, RAN]))).toMatchObject({ name: 'bash', input: { command: 'npm test' } })
	})

	it('ends with the words of the scenario', async () => {
		const all = await chunks(copilotRequest('fix add', [EDITED, REFUSED, RAN, RAN]))
		expect(all.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Fixed. [model emulator]')
		expect(all.at(-2)?.choices[0]?.finish_reason).toBe('stop')
	})

	it('patches through a free-form tool where that is what is offered', async () => {
		const read = { tool: 'bash', text: '\treturn a - b\n<shellId: 0 completed with exit code 0>' }
		const golden = copilotRequest('fix add', [read])
		golden.body['tools'] = [{ type: 'function', function: { name: 'bash' } }, { type: 'custom', custom: { name: 'apply_patch', format: { type: 'grammar' } } }]
		const calls = (await chunks(golden)).flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
		expect(calls[0]).toMatchObject({ type: 'custom', custom: { name: 'apply_patch', input: '' } })
		expect(calls.map((call) => call.custom?.input ?? '').join('')).toContain('-\treturn a - b\n+\treturn a + b')
	})

	it('sends no usage chunk unasked, and one body without a stream', async () => {
		const golden = copilotRequest('fix add')
		const { stream_options: _unasked, ...body } = golden.body
		expect((await chunks({ ...golden, body })).every(({ usage }) => usage === undefined)).toBe(true)
		const whole = await emulator.fetch(toRequest({ ...golden, body: { ...body, stream: false } }))
		expect(await whole.json()).toMatchObject({
			object: 'chat.completion',
			choices: [{ message: { role: 'assistant', content: null, tool_calls: [{ type: 'function' }] }, finish_reason: 'tool_calls' }],
			usage: { total_tokens: expect.any(Number) },
		})
	})

	it('fills a tool that the caller insists on', async () => {
		const parameters = { type: 'object', properties: { verdict: { type: 'string', enum: ['good', 'bad'] }, sure: { type: 'boolean' } } }
		const body = {
			model: 'gpt-5.5',
			messages: [{ role: 'user', content: 'judge' }],
			tools: [{ type: 'function', function: { name: 'judge', parameters } }],
			tool_choice: { type: 'function', function: { name: 'judge' } },
		}
		const response = await emulator.fetch(toRequest({ ...copilotRequest(''), body }))
		const path = ['choices', 0, 'message', 'tool_calls', 0, 'function', 'arguments']
		expect(parsedAt(await response.json(), ...path)).toEqual({ verdict: 'good', sure: true })
	})

	it.each([[{ model: 'x', messages: [] }], [{ messages: [{ role: 'user', content: 'x' }] }], [[]], ['text']])('refuses %o', async (body) => {
		const request = toRequest(copilotRequest(''))
		const response = await emulator.fetch(new Request(request.url, { method: 'POST', headers: request.headers, body: JSON.stringify(body) }))
		expect(response.status).toBe(400)
		expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
	})
})
