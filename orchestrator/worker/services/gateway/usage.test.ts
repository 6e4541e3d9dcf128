import { describe, expect, it } from 'vitest'
import { MESSAGES_STREAM, sse } from './testing/gatewayHarness.ts'
import { createUsageScanner } from './usage.ts'
import type { Wire } from './routes.ts'

const encoder = new TextEncoder()
const EVENTS = 'text/event-stream; charset=utf-8'

function scan(wire: Wire, parts: readonly (string | Uint8Array)[], contentType: string = EVENTS) {
	const scanner = createUsageScanner(wire, contentType)
	for (const part of parts) scanner.push(typeof part === 'string' ? encoder.encode(part) : part)
	return scanner.end()
}

const RESPONSES_STREAM = sse(
	{ type: 'response.created', response: { model: 'gpt-5.5', usage: null } },
	{ type: 'response.output_text.delta', delta: 'text' },
	{ type: 'response.completed', response: { model: 'gpt-5.5-2026-04-01', output: [{ usage: { input_tokens: 1 } }], usage: { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 7 } } },
)
const CHAT_STREAM = `${sse(
	{ model: 'gpt-5.5', choices: [{ delta: { content: 'a' } }], usage: null },
	{ model: 'gpt-5.5', choices: [], usage: { prompt_tokens: 10, completion_tokens: 7 } },
)}data: [DONE]\n\n`
const GEMINI_STREAM = sse(
	{ modelVersion: 'gemini-3.8-flash', usageMetadata: { promptTokenCount: 10, totalTokenCount: 11 } },
	{ modelVersion: 'gemini-3.8-flash', usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 7, thoughtsTokenCount: 2 } },
)

const CASES = [
	['messages', MESSAGES_STREAM, 'claude-sonnet-5', { input_tokens: 10, cache_creation_input_tokens: 3, cache_read_input_tokens: 2, output_tokens: 7 }],
	['responses', RESPONSES_STREAM, 'gpt-5.5-2026-04-01', { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 7 }],
	['chat', CHAT_STREAM, 'gpt-5.5', { prompt_tokens: 10, completion_tokens: 7 }],
	['gemini', GEMINI_STREAM, 'gemini-3.8-flash', { promptTokenCount: 10, totalTokenCount: 11, candidatesTokenCount: 7, thoughtsTokenCount: 2 }],
] as const

describe.each(CASES)('%s', (...[wire, stream, model, usage]) => {
	const whole = { model, usage, isFinal: true, hasFailed: false }

	it('is read whatever the chunks, cut at every byte', () => {
		const bytes = encoder.encode(stream)
		for (let at = 0; at <= bytes.length; at++) expect(scan(wire, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole)
		expect(scan(wire, Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole)
	})

	it('is read with carriage returns, comments, event names and no final blank line', () => {
		const dressed = `: ping\r\n${stream.replaceAll('data: ', 'event: x\r\nid: 1\r\ndata:').replaceAll('\n\n', '\r\n\r\n')}`.trimEnd()
		expect(scan(wire, [dressed])).toEqual(whole)
	})

	it('is not fooled by broken JSON between the events', () => {
		expect(scan(wire, [`data: {"usage": {"output_tokens": \n\ndata: [1, "usage", null]\n\n`, stream])).toEqual(whole)
	})
})

describe('one JSON body', () => {
	it.each([
		['messages', { type: 'message', model: 'claude-sonnet-5', usage: { input_tokens: 1, output_tokens: 2 } }, { input_tokens: 1, output_tokens: 2 }],
		['responses', { model: 'gpt-5.5', usage: { input_tokens: 1, output_tokens: 2 } }, { input_tokens: 1, output_tokens: 2 }],
		['chat', { model: 'gpt-5.5', usage: { prompt_tokens: 1, completion_tokens: 2 } }, { prompt_tokens: 1, completion_tokens: 2 }],
		['gemini', [{ usageMetadata: { promptTokenCount: 1 } }, { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 } }], { promptTokenCount: 1, candidatesTokenCount: 2 }],
	] as const)('of %s', (wire, body, usage) => {
		const text = JSON.stringify(body, null, 2)
		expect(scan(wire, [text.slice(0, 9), text.slice(9)], 'application/json')).toMatchObject({ usage, isFinal: true })
	})

	it('that is no JSON says nothing', () => {
		expect(scan('chat', ['<html>"usage"'], 'text/html')).toEqual({ model: null, usage: null, isFinal: false, hasFailed: false })
	})
})

it('knows that only the beginning was seen', () => {
	const start = MESSAGES_STREAM.slice(0, MESSAGES_STREAM.indexOf('content_block_stop'))
	expect(scan('messages', [start])).toMatchObject({ isFinal: false, usage: { input_tokens: 10, output_tokens: 1 } })
	expect(scan('responses', [RESPONSES_STREAM.slice(0, 120)])).toMatchObject({ isFinal: false, usage: null })
})

it('sees a failure inside the stream', () => {
	expect(scan('messages', [MESSAGES_STREAM.split('\n\n')[0] ?? '', '\n\n', sse({ type: 'error', error: { type: 'overloaded_error' } })])).toMatchObject({ hasFailed: true, isFinal: false })
	expect(scan('responses', [sse({ type: 'response.failed', response: { model: 'gpt-5.5', error: { code: 'x' }, usage: null } })])).toMatchObject({ hasFailed: true, usage: null })
})

it('passes over an event that is too long and reads the next', () => {
	const long = `data: {"type":"x","text":"${'y'.repeat(1024 * 1024)}`
	const parts = [long, ...Array.from({ length: 4 }, () => 'y'.repeat(1024 * 1024)), '","usage":{"input_tokens":99,"output_tokens":99}}\n\n', MESSAGES_STREAM]
	expect(scan('messages', parts)).toMatchObject({ usage: { input_tokens: 10, output_tokens: 7 } })
})
