import { describe, expect, it } from 'vitest'
import { longRateLimit } from './rateLimit.ts'

const NOW = Date.parse('2026-11-20T12:00:00Z')
const limitOf = (status: number, retryAfter: string | null, text = '{}') =>
	longRateLimit(new Response(null, { status, headers: retryAfter === null ? {} : { 'retry-after': retryAfter } }), text, NOW)

describe('longRateLimit', () => {
	it.each([
		['seconds', '30', '{}', 'retry after 30 s.'],
		['a fraction', '10.2', '{}', 'retry after 11 s.'],
		['a date', 'Fri, 20 Nov 2026 12:02:00 GMT', '{}', 'retry after 120 s.'],
		['the body of Google', null, '{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}', 'retry after 35 s.'],
		['the header before the body', '60', '"retryDelay": "1s"', 'retry after 60 s.'],
	])('names a long wait told by %s', (_name, header, text, words) => {
		expect(limitOf(429, header, text)).toMatchObject({ code: 'PROVIDER_RATE_LIMITED', message: expect.stringContaining(words) })
	})

	it.each([
		['a short wait', 429, '10', '{}'],
		['no wait', 429, null, '{}'],
		['an empty wait', 429, '', '{}'],
		['nonsense', 429, 'soon', '{}'],
		['a date that is over', 429, 'Fri, 20 Nov 2026 11:00:00 GMT', '{}'],
		['another status', 503, '300', '{}'],
	])('leaves %s to the CLI', (_name, status, header, text) => {
		expect(limitOf(status, header, text)).toBeNull()
	})
})
