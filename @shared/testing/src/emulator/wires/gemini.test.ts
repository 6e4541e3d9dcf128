import { describe, expect, it } from 'vitest'
import { createEmulator } from '../emulator.ts'
import { at, geminiRequest, parsedAt, readEvents, toRequest } from '../goldenRequests.ts'

const scenarios = [
	{
		name: 'fix',
		match: 'fix add',
		steps: [{ edit: { path: 'src/add.ts', old: 'a - b', new: 'a + b' } }, { write: { path: 'N.md', content: 'x' } }, { shell: 'npm test' }, { say: 'Fixed add, twice.' }],
	},
]
const emulator = createEmulator({ scenarios })
const DONE = { tool: 'replace', text: 'Successfully modified file.' }
const PART = ['candidates', 0, 'content', 'parts', 0]
const WHOLE = '/v1beta/models/gemini-3.8-flash:generateContent'

async function nextCall(results: (typeof DONE)[]): Promise<unknown> {
	const response = await emulator.fetch(toRequest({ ...geminiRequest('fix add', results), path: WHOLE }))
	return at(await response.json(), ...PART, 'functionCall')
}

describe('the Gemini API', () => {
	it('plays each step as the tool that the CLI offers, with absolute paths', async () => {
		expect(await nextCall([])).toEqual({
			id: expect.stringMatching(/^emulator-/),
			name: 'replace',
			args: { file_path: '/workspace/repo/src/add.ts', instruction: expect.any(String), old_string: 'a - b', new_string: 'a + b' },
		})
		expect(await nextCall([DONE])).toMatchObject({ name: 'write_file', args: { file_path: '/workspace/repo/N.md', content: 'x' } })
		expect(await nextCall([DONE, DONE])).toMatchObject({ name: 'run_shell_command', args: { command: 'npm test' } })
	})

	it('streams the words in pieces, the last one with the finish reason, each with token counts', async () => {
		const events = await readEvents(await emulator.fetch(toRequest(geminiRequest('fix add', [DONE, DONE, DONE]))))
		const data = events.map((event) => event.data)
		expect(data.length).toBeGreaterThan(1)
		expect(data.map((chunk) => at(chunk, ...PART, 'text')).join('')).toBe('Fixed add, twice. [model emulator]')
		expect(data.map((chunk) => at(chunk, 'candidates', 0, 'finishReason'))).toEqual([...data.slice(1).map(() => undefined), 'STOP'])
		for (const chunk of data) {
			expect(chunk).toMatchObject({ modelVersion: 'gemini-3.8-flash', responseId: expect.stringMatching(/^emulator-/) })
			const count = (name: string): number => Number(at(chunk, 'usageMetadata', name))
			expect(count('totalTokenCount')).toBe(count('promptTokenCount') + count('candidatesTokenCount'))
		}
	})

	it('answers a routing request with JSON of the wanted shape', async () => {
		const golden = geminiRequest('rate it')
		const responseSchema = { type: 'OBJECT', properties: { complexity_reasoning: { type: 'STRING' }, complexity_score: { type: 'INTEGER' } } }
		const body = { contents: golden.body['contents'], generationConfig: { responseMimeType: 'application/json', responseSchema } }
		const response = await emulator.fetch(toRequest({ ...golden, path: WHOLE, body }))
		expect(parsedAt(await response.json(), ...PART, 'text')).toEqual({ complexity_reasoning: 'model emulator', complexity_score: 1 })
	})

	it('tells a failed tool by the error field', async () => {
		const golden = geminiRequest('fix add', [DONE])
		const parts = [{ functionResponse: { name: 'replace', response: { error: 'File not found: /workspace/repo/src/add.ts' } } }]
		golden.body['contents'] = [at(golden.body, 'contents', 0), at(golden.body, 'contents', 1), { role: 'user', parts }]
		const response = await emulator.fetch(toRequest({ ...golden, path: WHOLE }))
		expect(await response.text()).toContain('failed: src/add.ts: File not found')
	})

	it('takes the key from the query, counts tokens and lists models', async () => {
		const { 'x-goog-api-key': _key, ...headers } = geminiRequest('').headers
		const counted = await emulator.fetch(toRequest({ ...geminiRequest('x'), headers, path: '/v1beta/models/g:countTokens?key=k' }))
		expect(await counted.json()).toEqual({ totalTokens: expect.any(Number) })
		const listed = await emulator.fetch(new Request('http://emulator/v1beta/models?key=k'))
		expect(await listed.json()).toMatchObject({ models: [{ name: 'models/vibehq-model-emulator' }] })
	})

	it.each([[{}], [{ contents: [] }], [{ contents: 'hello' }]])('refuses %o', async (body) => {
		const response = await emulator.fetch(toRequest({ ...geminiRequest(''), body }))
		expect(response.status).toBe(400)
		expect(await response.json()).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
	})
})
