import { describe, expect, it } from 'vitest'
import { createEmulator } from '../emulator.ts'
import { at, claudeRequest, readEvents, toRequest } from '../goldenRequests.ts'

const scenarios = [
	{
		name: 'fix',
		match: 'fix add',
		steps: [
			{ say: 'First the sign.' },
			{ edit: { path: 'src/add.ts', old: 'a - b', new: 'a + b' } },
			{ write: { path: '/elsewhere/x', content: 'x' } },
			{ shell: 'npm test' },
			{ say: 'Fixed.' },
		],
	},
]
const emulator = createEmulator({ scenarios })
const ask = async (golden: ReturnType<typeof claudeRequest>): Promise<{ event: string | undefined; data: unknown }[]> =>
	readEvents(await emulator.fetch(toRequest(golden)))
const DONE = { tool: 'Edit', text: 'The file has been updated successfully.' }

async function whole(golden: ReturnType<typeof claudeRequest>): Promise<unknown> {
	return await (await emulator.fetch(toRequest({ ...golden, body: { ...golden.body, stream: false } }))).json()
}

describe('the Messages API', () => {
	it('streams words and a tool call as two content blocks', async () => {
		const events = await ask(claudeRequest('fix add'))
		const names = events.map(({ event }) => event).filter((event, index, all) => event !== 'content_block_delta' || all[index - 1] !== event)
		expect(names).toEqual([
			'message_start',
			'ping',
			...['content_block_start', 'content_block_delta', 'content_block_stop'],
			...['content_block_start', 'content_block_delta', 'content_block_stop'],
			'message_delta',
			'message_stop',
		])
		expect(events[0]?.data).toMatchObject({
			type: 'message_start',
			message: { id: expect.stringMatching(/^msg_emulator_/), role: 'assistant', content: [], stop_reason: null, usage: { output_tokens: 1 } },
		})
		expect(events.map(({ data }) => data)).toContainEqual({
			type: 'content_block_start',
			index: 1,
			content_block: { type: 'tool_use', id: expect.stringMatching(/^toolu_emulator_/), name: 'Edit', input: {} },
		})
		const json = events.map(({ data }) => at(data, 'delta', 'partial_json') ?? '').join('')
		expect(JSON.parse(json)).toEqual({ file_path: '/workspace/repo/src/add.ts', old_string: 'a - b', new_string: 'a + b' })
		expect(events.at(-2)?.data).toMatchObject({ delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: expect.any(Number) } })
	})

	it('plays one step per tool result', async () => {
		const after = (results: (typeof DONE)[]): Promise<unknown> => whole(claudeRequest('fix add', results))
		expect(await after([])).toMatchObject({ content: [{ text: 'First the sign. [model emulator]' }, { type: 'tool_use', name: 'Edit' }] })
		expect(await after([DONE])).toMatchObject({ content: [{ name: 'Write', input: { file_path: '/elsewhere/x', content: 'x' } }] })
		expect(await after([DONE, DONE])).toMatchObject({ content: [{ name: 'Bash', input: { command: 'npm test' } }] })
		expect(await after([DONE, DONE, DONE])).toMatchObject({ content: [{ type: 'text', text: 'Fixed. [model emulator]' }], stop_reason: 'end_turn' })
	})

	it('does not count cached tokens as input tokens', async () => {
		const count = (body: unknown, name: string): number => Number(at(body, 'usage', name))
		const first = await whole(claudeRequest('fix add '.repeat(300)))
		const second = await whole(claudeRequest('fix add '.repeat(300), [DONE]))
		expect(count(first, 'cache_creation_input_tokens')).toBeGreaterThan(count(first, 'input_tokens'))
		expect(count(first, 'cache_read_input_tokens')).toBe(0)
		expect(count(second, 'cache_read_input_tokens')).toBeGreaterThan(count(second, 'input_tokens'))
	})

	it('says which step failed instead of the closing words', async () => {
		const golden = claudeRequest('fix add', [DONE])
		const failed = { type: 'tool_result', tool_use_id: 'call_0', is_error: true, content: 'String to replace not found in file.' }
		const messages = [0, 1, 2].map((index) => at(golden.body, 'messages', index))
		golden.body['messages'] = [...messages, { role: 'user', content: [failed] }]
		expect(at(await whole(golden), 'content', 0, 'text')).toBe('Step 2 of scenario "fix" failed: src/add.ts: String to replace not found in file. [model emulator]')
	})

	it('takes a Bearer token too', async () => {
		const golden = claudeRequest('fix add')
		const { 'x-api-key': _key, ...headers } = golden.headers
		expect((await emulator.fetch(toRequest({ ...golden, headers: { ...headers, authorization: 'Bearer t' } }))).status).toBe(200)
	})

	it('counts tokens', async () => {
		const golden = claudeRequest('fix add')
		const response = await emulator.fetch(toRequest({ ...golden, path: '/v1/messages/count_tokens?beta=true' }))
		expect(await response.json()).toEqual({ input_tokens: Math.ceil(JSON.stringify(golden.body).length / 4) })
	})

	it.each([[{ model: 'x' }], [{ model: 'x', messages: 'hello' }], [{ model: 'x', messages: [{ role: 'user', content: 7 }] }]])('refuses %o', async (body) => {
		const response = await emulator.fetch(toRequest({ ...claudeRequest(''), body }))
		expect(response.status).toBe(400)
		expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
	})
})
