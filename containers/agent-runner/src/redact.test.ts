import { describe, expect, it } from 'vitest'
import { createRedactor } from './redact.ts'

const SECRET = 'sk-Ab9/+x_Ü-0123456789'
const redactor = createRedactor([SECRET])

describe('createRedactor', () => {
	it.each([
		['raw', SECRET],
		['inside JSON', JSON.stringify({ key: SECRET })],
		['URL-encoded', `?key=${encodeURIComponent(SECRET)}&x`],
		...[0, 1, 2, 3].flatMap((shift) =>
			(['base64', 'base64url'] as const).map((encoding) => [`${encoding} after ${shift} bytes`, Buffer.from(`${'x'.repeat(shift)}${SECRET} and more`).toString(encoding)]),
		),
		...[0, 1, 2].map((shift) => [`at the end of base64 after ${shift} bytes`, Buffer.from(`${'x'.repeat(shift)}${SECRET}`).toString('base64')]),
	])('finds a secret %s', (_form, text) => {
		expect(redactor.finds(`before ${text} after`)).toBe(true)
		const result = redactor.redact(`before ${text} after`)
		expect(result).toMatch(/^before .*\[redacted\].* after$/)
		expect(redactor.finds(result)).toBe(false)
	})

	it('leaves other text alone, and secrets too short to tell from words', () => {
		expect(redactor.redact('nothing here')).toBe('nothing here')
		expect(createRedactor(['word', '']).redact('a word')).toBe('a word')
	})

	it('learns more secrets', () => {
		const more = redactor.with(['another-secret'])
		expect(more.redact(`another-secret ${SECRET}`)).toBe('[redacted] [redacted]')
		expect(redactor.finds('another-secret')).toBe(false)
	})

	it('keeps JSON well-formed', () => {
		const quoted = createRedactor(['with "quotes" and \\'])
		expect(JSON.parse(quoted.redact(JSON.stringify({ a: 'with "quotes" and \\' })))).toEqual({ a: '[redacted]' })
	})
})
