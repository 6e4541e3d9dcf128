import { describe, expect, it } from 'vitest'
import { createScenarioBook } from './scenarioBook.ts'
import type { AgentRequest, Turn } from './types.ts'

function request(...turns: (string | Turn)[]): AgentRequest {
	const asTurns = turns.map((turn) => (typeof turn === 'string' ? { prompt: turn, results: [] } : turn))
	return { model: 'm', isStream: false, turns: asTurns, cwd: undefined, tools: new Set() }
}

const result = (text: string): Turn['results'][number] => ({ tool: 'Edit', text, isError: false })

describe('createScenarioBook', () => {
	const book = createScenarioBook([
		{ name: 'only-codex', match: 'add', provider: 'codex' },
		{ name: 'first', match: 'fix.*add' },
		{ name: 'second', match: 'add' },
	])

	it('takes the first scenario that fits, whatever the case', () => {
		expect(book.find('claude', request('Please FIX the Add function'))?.scenario.name).toBe('first')
		expect(book.find('claude', request('add'))?.scenario.name).toBe('second')
		expect(book.find('claude', request('subtract'))).toBeUndefined()
	})

	it('keeps a scenario for its provider', () => {
		expect(book.find('codex', request('fix add'))?.scenario.name).toBe('only-codex')
		expect(createScenarioBook([{ name: 'x', match: '.', provider: 'codex' }]).describe('claude')).toContain('no scenario is meant for this provider')
	})

	it('counts the results after the prompt that it is about, over later nudges', () => {
		const turns = [{ prompt: 'fix add', results: [result('old')] }, { prompt: 'fix add again', results: [result('a')] }, { prompt: 'go on', results: [result('b')] }]
		expect(book.find('claude', request(...turns))?.results.map(({ text }) => text)).toEqual(['a', 'b'])
	})

	it('finds a pattern that spans two messages', () => {
		const spanning = createScenarioBook([{ name: 'span', match: 'one\\ntwo' }])
		expect(spanning.find('claude', request({ prompt: 'one', results: [result('a')] }, { prompt: 'two', results: [result('b')] }))?.results).toHaveLength(2)
	})

	it.each([
		['not a list', { name: 'x' }],
		['no match', [{ name: 'x' }]],
		['an unknown step', [{ name: 'x', match: '.', steps: [{ dance: true }] }]],
		['an unknown fault', [{ name: 'x', match: '.', fault: { explode: true } }]],
		['a status that is no error', [{ name: 'x', match: '.', fault: { status: 200 } }]],
		['a pattern that is no regular expression', [{ name: 'x', match: '(' }]],
	])('refuses %s', (_case, scenarios) => {
		expect(() => createScenarioBook(scenarios)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
	})
})
