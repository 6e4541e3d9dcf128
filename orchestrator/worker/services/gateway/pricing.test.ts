import { describe, expect, it } from 'vitest'
import { estimateCall, expectedCost, priceCall } from './pricing.ts'
import type { Wire } from './routes.ts'
import type { ProviderName } from '@shared/contracts'

const at = Date.UTC(2026, 10, 20)
const seen = (usage: Record<string, unknown> | null) => ({ model: null, usage, isFinal: true, hasFailed: false })
const price = ([provider, wire]: [ProviderName, Wire], model: string | null, usage: Record<string, unknown> | null) => priceCall({ provider, wire, model, seen: seen(usage), at })
const OPENAI = { input_tokens: 1000, input_tokens_details: { cached_tokens: 100 }, output_tokens: 100 }

describe('priceCall', () => {
	it('counts cached tokens as part of the input, in every wire format', () => {
		const anthropic = { input_tokens: 700, cache_creation_input_tokens: 200, cache_read_input_tokens: 100, output_tokens: 50 }
		expect(price(['claude', 'messages'], 'claude-sonnet-5', anthropic)).toMatchObject({
			tokens: { inputTokens: 1000, outputTokens: 50, cacheReadTokens: 100, cacheWriteTokens: 200 },
			// 700 x 2 + 200 x 2.5 + 100 x 0.2 + 50 x 10 USD for a million
			costMicroUsd: 2420,
			pricing: { source: '@pydantic/genai-prices', vendor: 'anthropic', matchedModel: 'claude-sonnet-5', unitPrices: { input_mtok: 2 } },
		})
		// 900 x 5 + 100 x 0.5 + 100 x 30
		expect(price(['codex', 'responses'], 'gpt-5.5', OPENAI)).toMatchObject({ tokens: { inputTokens: 1000, cacheReadTokens: 100 }, costMicroUsd: 7550 })
		// 1000 x 0.75 + (100 + 20) x 3.75
		expect(price(['gemini', 'gemini'], 'gemini-3.8-flash', { promptTokenCount: 1000, candidatesTokenCount: 100, thoughtsTokenCount: 20 })).toMatchObject({
			tokens: { inputTokens: 1000, outputTokens: 120 },
			costMicroUsd: 1200,
		})
	})

	it('rounds up to whole micro-USD', () => {
		expect(price(['gemini', 'gemini'], 'gemini-3.8-flash', { promptTokenCount: 1, candidatesTokenCount: 0 }).costMicroUsd).toBe(1)
	})

	it.each(['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5', 'Claude-Sonnet-4-5', 'claude-haiku-4-5-latest'])('knows %s', (model) => {
		expect(price(['claude', 'messages'], model, { input_tokens: 1, output_tokens: 1 }).costMicroUsd).toBeGreaterThan(0)
	})

	it('knows a dated snapshot that the table has only without its date', () => {
		expect(price(['codex', 'responses'], 'gpt-5.5-2026-04-01', OPENAI)).toMatchObject({ costMicroUsd: 7550, pricing: { matchedModel: 'gpt-5.5' } })
	})

	it.each(['gpt-5.5-codex', 'gpt-5.1-codex', 'gpt-5.5-turbo-2026-01-01', 'unheard-of', '', 'gpt-5.5; drop'])('does not price %j by a name that begins like it', (model) => {
		expect(price(['codex', 'responses'], model, OPENAI)).toEqual({
			tokens: { inputTokens: 1000, outputTokens: 100, cacheReadTokens: 100, cacheWriteTokens: 0 },
			costMicroUsd: null,
			pricing: null,
		})
	})

	it('prices Copilot by whose model it is, and nobody else by another vendor', () => {
		expect(price(['copilot', 'chat'], 'claude-sonnet-5', { prompt_tokens: 1000, completion_tokens: 0 })).toMatchObject({ costMicroUsd: 2000, pricing: { vendor: 'anthropic' } })
		expect(price(['codex', 'chat'], 'claude-sonnet-5', { prompt_tokens: 1000, completion_tokens: 0 }).costMicroUsd).toBeNull()
	})

	it.each([
		['no usage', null],
		['a usage of another format', { prompt_tokens: 3 }],
		['counts that cannot be', { input_tokens: 1, input_tokens_details: { cached_tokens: 5 }, output_tokens: 1 }],
		['counts that are no numbers', { input_tokens: 'many', output_tokens: {} }],
		['negative counts', { input_tokens: -5, output_tokens: -1 }],
	])('leaves %s unpriced', (_what, usage) => {
		expect(price(['codex', 'responses'], 'gpt-5.5', usage).costMicroUsd).toBeNull()
	})
})

describe('estimateCall', () => {
	const base = { provider: 'claude', wire: 'messages', model: 'claude-sonnet-5', at, requestBytes: 4000, responseBytes: 8000 } as const

	it('takes the request for the input and the bytes for the output', () => {
		expect(estimateCall({ ...base, seen: seen(null) })).toMatchObject({ tokens: { inputTokens: 1000, outputTokens: 1000 }, costMicroUsd: 12_000, pricing: { isEstimate: true } })
	})

	it('prefers what the beginning of the answer said', () => {
		expect(estimateCall({ ...base, seen: seen({ input_tokens: 10, output_tokens: 1 }) })).toMatchObject({ tokens: { inputTokens: 10, outputTokens: 1000 } })
	})

	it('is unpriced without a known model', () => {
		expect(estimateCall({ ...base, model: null, seen: seen(null) }).costMicroUsd).toBeNull()
	})
})

it('expects a cost only for models with a price', () => {
	expect(expectedCost({ provider: 'claude', model: 'claude-sonnet-5', requestBytes: 4000, at })).toBe(12_000)
	expect(expectedCost({ provider: 'claude', model: 'unheard-of', requestBytes: 4000, at })).toBeNull()
	expect(expectedCost({ provider: 'claude', model: null, requestBytes: 4000, at })).toBeNull()
})
