import { describe, expect, it } from 'vitest'
import { createEmulator } from '../emulator.ts'
import { at, codexRequest, parsedAt, readEvents, toRequest } from '../goldenRequests.ts'

const scenarios = [
	{ name: 'fix', match: 'fix add', steps: [{ edit: { path: 'src/add.ts', old: 'a - b', new: 'a + b' } }, { shell: 'npm test' }, { say: 'Fixed.' }] },
]
const emulator = createEmulator({ scenarios, now: () => 1_700_000_000_000 })
const ask = async (golden: ReturnType<typeof codexRequest>): Promise<{ event: string | undefined; data: unknown }[]> =>
	readEvents(await emulator.fetch(toRequest(golden)))

const READ = { tool: 'exec_command', text: 'Chunk ID: 1\nProcess exited with code 0\nOutput:\n\treturn a - b\n' }
const PATCHED = { tool: 'apply_patch', text: 'Exit code: 0\nOutput:\nSuccess. Updated the following files:\nM src/add.ts\n' }
const RAN = { tool: 'exec_command', text: 'Chunk ID: 2\nProcess exited with code 0\nOutput:\nok\n' }

describe('the Responses API', () => {
	it('streams a function call as its event sequence', async () => {
		const events = await ask(codexRequest('fix add'))
		expect(events.map(({ event }) => event)).toEqual([
			'response.created',
			'response.in_progress',
			'response.output_item.added',
			...events.filter(({ event }) => event === 'response.function_call_arguments.delta').map(() => 'response.function_call_arguments.delta'),
			'response.function_call_arguments.done',
			'response.output_item.done',
			'response.completed',
		])
		expect(events.map(({ data }) => data)).toEqual(events.map(({ event }, index) => expect.objectContaining({ type: event, sequence_number: index })))
		expect(events.at(-2)?.data).toMatchObject({
			output_index: 0,
			item: { type: 'function_call', name: 'exec_command', call_id: expect.stringMatching(/^call_emulator_/), status: 'completed' },
		})
		expect(events.at(-1)?.data).toMatchObject({
			response: {
				id: expect.stringMatching(/^resp_emulator_/),
				object: 'response',
				created_at: 1_700_000_000,
				status: 'completed',
				model: 'gpt-5.5',
				metadata: { emulator: 'vibehq-model-emulator' },
				usage: { input_tokens: expect.any(Number), input_tokens_details: { cached_tokens: 0 }, output_tokens: expect.any(Number) },
			},
		})
	})

	it('reads the lines before it patches them, then runs the command, then speaks', async () => {
		const last = async (results: (typeof READ)[]): Promise<unknown> => (await ask(codexRequest('fix add', results))).at(-2)?.data
		expect(await last([])).toMatchObject({ item: { arguments: JSON.stringify({ cmd: "grep -F -A 0 -e 'a - b' -- 'src/add.ts'", yield_time_ms: 30_000 }) } })
		expect(await last([READ])).toMatchObject({
			item: {
				type: 'custom_tool_call',
				name: 'apply_patch',
				input: '*** Begin Patch\n*** Update File: src/add.ts\n@@\n-\treturn a - b\n+\treturn a + b\n*** End Patch',
			},
		})
		expect(await last([READ, PATCHED])).toMatchObject({ item: { name: 'exec_command', arguments: expect.stringContaining('npm test') } })
		expect(await last([READ, PATCHED, RAN])).toMatchObject({
			item: { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Fixed. [model emulator]' }] },
		})
	})

	it('waits for a command that is still running', async () => {
		const running = { tool: 'exec_command', text: 'Chunk ID: 3\nProcess running with session ID 4711\nOutput:\n' }
		const events = await ask(codexRequest('fix add', [READ, PATCHED, running]))
		expect(events.at(-2)?.data).toMatchObject({ item: { name: 'write_stdin', arguments: expect.stringContaining('"session_id":4711') } })
	})

	it('calls tools from a script for models that only offer that', async () => {
		const golden = codexRequest('fix add')
		const tools = [{ type: 'namespace', name: 'functions', tools: [{ type: 'custom', name: 'exec' }, { type: 'function', name: 'wait' }] }]
		golden.body['tools'] = undefined
		golden.body['input'] = [{ type: 'additional_tools', role: 'developer', tools }, at(golden.body, 'input', 1), at(golden.body, 'input', 2)]
		const events = await ask(golden)
		expect(events.at(-2)?.data).toMatchObject({
			item: { type: 'custom_tool_call', name: 'exec', namespace: 'functions', input: expect.stringContaining('await tools.exec_command({"cmd":"grep') },
		})
	})

	it('answers in one body when no stream is wanted, with cached tokens in a later request', async () => {
		const golden = codexRequest('fix add '.repeat(200), [READ, PATCHED, RAN])
		const response = await emulator.fetch(toRequest({ ...golden, body: { ...golden.body, stream: false } }))
		expect(response.headers.get('content-type')).toContain('application/json')
		const body = await response.json()
		expect(body).toMatchObject({ object: 'response', status: 'completed', output: [{ type: 'message' }] })
		const count = (...path: string[]): number => Number(at(body, 'usage', ...path))
		expect(count('input_tokens_details', 'cached_tokens')).toBeGreaterThan(0)
		expect(count('input_tokens_details', 'cached_tokens')).toBeLessThan(count('input_tokens'))
		expect(count('total_tokens')).toBe(count('input_tokens') + count('output_tokens'))
	})

	it('takes a plain string as the input', async () => {
		const golden = codexRequest('')
		const response = await emulator.fetch(toRequest({ ...golden, body: { model: 'gpt-5.5', input: 'please sing' } }))
		expect(await response.text()).toContain('No scenario matches this prompt')
	})

	it('answers a schema with JSON that fits it', async () => {
		const golden = codexRequest('')
		const schema = { type: 'object', properties: { score: { type: 'integer', minimum: 3 }, kind: { enum: ['fix', 'other'] }, tags: { type: 'array' } } }
		const text = { format: { type: 'json_schema', name: 'x', schema } }
		const response = await emulator.fetch(toRequest({ ...golden, body: { model: 'gpt-5.5', input: 'rate it', text } }))
		expect(parsedAt(await response.json(), 'output', 0, 'content', 0, 'text')).toEqual({ score: 3, kind: 'fix', tags: [] })
	})

	it.each([[{}], [{ model: 'gpt-5.5' }], [{ model: 'gpt-5.5', input: 7 }], [{ model: '', input: 'x' }]])('refuses %o', async (body) => {
		const response = await emulator.fetch(toRequest({ ...codexRequest(''), body }))
		expect(response.status).toBe(400)
		expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', message: expect.stringContaining('[model emulator]') } })
	})
})
