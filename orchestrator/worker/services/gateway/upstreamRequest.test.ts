import { describe, expect, it } from 'vitest'
import { answerHeaders, upstreamHeaders, upstreamURL } from './upstreamRequest.ts'

describe('upstreamURL', () => {
	it.each([
		['https://api.openai.com', '/v1/responses', 'https://api.openai.com/v1/responses'],
		['https://api.openai.com/', '/v1/responses', 'https://api.openai.com/v1/responses'],
		['https://api.openai.com/v1', '/v1/responses', 'https://api.openai.com/v1/responses'],
		['https://host/v1beta/', '/v1beta/models/m:generateContent', 'https://host/v1beta/models/m:generateContent'],
		['http://127.0.0.1:8900/p/claude', '/v1/messages', 'http://127.0.0.1:8900/p/claude/v1/messages'],
		['https://gateway.test/v1/account/gw/anthropic', '/v1/messages', 'https://gateway.test/v1/account/gw/anthropic/v1/messages'],
		['https://host/?api-version=2#x', '/v1/models', 'https://host/v1/models?api-version=2'],
	])('joins %s and %s', (base, path, url) => {
		expect(upstreamURL(base, path, new URLSearchParams())).toBe(url)
	})

	it('keeps the query but the key', () => {
		expect(upstreamURL('https://host', '/v1/x', new URLSearchParams('alt=sse&key=secret&beta=true&key=again'))).toBe('https://host/v1/x?alt=sse&beta=true')
	})
})

it('passes on what the CLI says to the provider and nothing else', () => {
	const sent = new Headers({
		'anthropic-beta': 'b', 'user-agent': 'claude-cli', 'content-type': 'application/json',
		authorization: 'Bearer t', cookie: 'c', 'cf-connecting-ip': '1.2.3.4', 'x-forwarded-for': '1.2.3.4', 'openai-organization': 'theirs', 'accept-encoding': 'gzip', expect: '100-continue',
	})
	expect(Object.fromEntries(upstreamHeaders(sent, 'messages', 'K'))).toEqual({
		'anthropic-beta': 'b', 'user-agent': 'claude-cli', 'content-type': 'application/json', 'accept-encoding': 'identity', 'x-api-key': 'K',
	})
})

it('answers without cookies, account names and what belongs to the connection', () => {
	const received = new Headers({ 'content-type': 'text/event-stream', 'x-request-id': 'r', 'retry-after': '1', 'set-cookie': 'c', 'openai-organization': 'ours', 'cf-ray': 'x', 'content-encoding': 'gzip' })
	expect(Object.fromEntries(answerHeaders(received))).toEqual({ 'content-type': 'text/event-stream', 'x-request-id': 'r', 'retry-after': '1' })
})
