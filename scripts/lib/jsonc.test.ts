import { describe, expect, it } from 'vitest'
import { formatJSON, parseJSONC, setProperty } from './jsonc.ts'

describe('parseJSONC', () => {
	it.each([
		['{ "a": 1 } // end', { a: 1 }],
		['{ /* "b": 2, */ "a": "// not a comment" }', { a: '// not a comment' }],
		['{ "a": [1, 2,], "b": "\\",}", }', { a: [1, 2], b: '",}' }],
		['{ "a": 1, // last\n}', { a: 1 }],
	])('%s', (text, value) => {
		expect(parseJSONC(text)).toEqual(value)
	})

	it.each(['{ "a": }', '', '{ "a": 1 ', "{ 'a': 1 }"])('refuses %j', (text) => {
		expect(() => parseJSONC(text)).toThrow(SyntaxError)
	})
})

describe('setProperty', () => {
	const text = '{\n\t// the name\n\t"name": "x", // kept\n\t"nested": { "date": 1, "list": ["}"] },\n\t"date": "2026-01-01"\n}\n'

	it('replaces one value and keeps comments', () => {
		expect(setProperty(text, 'date', '2026-11-01')).toBe(text.replace('2026-01-01', '2026-11-01'))
		expect(setProperty(text, 'name', 'y')).toBe(text.replace('"x"', '"y"'))
		expect(setProperty(text, 'nested', [])).toBe(text.replace('{ "date": 1, "list": ["}"] }', '[]'))
	})

	it('adds a value at the end, after a trailing comma or without one', () => {
		expect(parseJSONC(setProperty(text, 'flags', ['a']))).toMatchObject({ name: 'x', flags: ['a'] })
		expect(setProperty('{ "a": 1, }', 'b', 2)).toBe('{ "a": 1,\n\t"b": 2, }')
		expect(parseJSONC(setProperty('{}', 'b', 2))).toEqual({ b: 2 })
	})

	it('leaves an inner property of the same name alone', () => {
		const inner = '{ "a": { "b": 1 }, "b": 2 }'
		expect(setProperty(inner, 'b', 3)).toBe('{ "a": { "b": 1 }, "b": 3 }')
	})
})

describe('formatJSON', () => {
	it('writes what it is given', () => {
		const value = { a: [1, 'two', null], b: [{ c: true }, { d: {} }], e: [] }
		expect(JSON.parse(formatJSON(value))).toEqual(value)
		expect(formatJSON([{ a: 1 }, { a: 2 }])).toBe('[\n\t\t{ "a": 1 },\n\t\t{ "a": 2 }\n\t]')
	})
})
