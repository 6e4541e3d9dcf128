import { describe, expect, it } from 'vitest'
import { redact } from './redact.ts'

describe('redact', () => {
	it.each(['authorization', 'Cookie', 'x-api-key', 'apiKey', 'TOKEN_SIGNING_KEY', 'executionToken', 'leaseToken', 'password', 'CLAUDE_API_KEY', 'key'])(
		'drops the value under the name %s',
		(name) => {
			expect(redact({ [name]: 'plain-looking value' })).toEqual({ [name]: '[redacted]' })
		},
	)

	it.each(['inputTokens', 'token_count', 'monkey', 'keyboard', 'tokenKind'])('keeps the value under the name %s', (name) => {
		expect(redact({ [name]: 'value' })).toEqual({ [name]: 'value' })
	})

	it.each([
		'sk-ant-api03-abcdefghijklmnop',
		'ghp_abcdefghijklmnopqrst',
		'github_pat_11ABCDEFG0abcdefghij',
		'AIzaSyA-abcdefghijklmnopqrstu',
		'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
	])('finds %s inside a text', (secret) => {
		expect(JSON.stringify(redact({ message: `call with ${secret} failed` }))).not.toContain(secret)
	})

	it('cleans headers, URLs, errors and their causes', () => {
		const error = new Error('GET https://host/x?key=topsecretvalue failed', { cause: new Error('Bearer abcdefghijkl') })
		const text = JSON.stringify(redact({ headers: new Headers({ authorization: 'opaque-value' }), error, url: 'https://x:opaque-value@host/' }))
		expect(text).not.toMatch(/topsecretvalue|abcdefghijkl|opaque-value/)
		expect(text).toContain('?key=')
	})

	it('cuts what is too deep, too long or circular', () => {
		const circle: Record<string, unknown> = {}
		circle['self'] = circle
		expect(JSON.stringify(redact(circle))).toContain('[too deep]')
		expect(String(redact('x'.repeat(10_000)))).toMatch(/10000 characters/)
		expect(redact(new Uint8Array(3))).toBe('[3 bytes]')
	})
})
