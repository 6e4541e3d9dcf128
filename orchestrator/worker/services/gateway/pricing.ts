import { calcPrice, extractUsage, findProvider } from '@pydantic/genai-prices'
import type { ProviderName, TokenUsage } from '@shared/contracts'
import type { Wire } from './routes.ts'
import type { SeenUsage } from './usage.ts'

/** The price table that is built in; a test holds the version to what is installed. */
export const PRICE_SOURCE = { name: '@pydantic/genai-prices', version: '0.1.8' } as const

/** How a cost came about, kept with it: prices change, and a figure without its price cannot be checked. */
export interface Pricing {
	source: string
	version: string
	vendor: string
	matchedModel: string
	/** USD for a million tokens (`*_mtok`) or a thousand uses (`*_kcount`). */
	unitPrices: Record<string, unknown>
	/** Set when the answer broke off before its usage: the tokens are then counted from the bytes that went by. */
	isEstimate?: true
}

export interface PricedCall {
	tokens: TokenUsage
	/** Whole micro-USD, rounded up. Null: not known, which is not the same as nothing. */
	costMicroUsd: number | null
	pricing: Pricing | null
}

type Counts = Record<string, number | undefined>

const VENDORS: Partial<Record<ProviderName, readonly string[]>> = { codex: ['openai'], claude: ['anthropic'], gemini: ['google'], copilot: ['openai', 'anthropic', 'google'] }
const EXTRACTORS = {
	responses: { vendor: 'openai', flavor: 'responses', root: 'usage' },
	chat: { vendor: 'openai', flavor: 'chat', root: 'usage' },
	messages: { vendor: 'anthropic', flavor: 'default', root: 'usage' },
	gemini: { vendor: 'google', flavor: 'default', root: 'usageMetadata' },
} as const satisfies Record<Wire, unknown>

const BYTES_PER_INPUT_TOKEN = 4
/** The frames of a stream weigh about as much as the text in them. */
const BYTES_PER_STREAMED_TOKEN = 8

/** A model name without what does not change its price: the date of a snapshot, `-latest`, `models/`. */
const baseName = (model: string) => model.toLowerCase().replace(/^models\//, '').replace(/-(latest|\d{8}|\d{4}-\d{2}-\d{2})$/, '')

/** The table matches prefixes, so `gpt-5.5-codex` would silently cost what `gpt-5.5` costs: only a match of the whole name counts. */
function priceOf(model: string, counts: Counts, { vendors, at }: { vendors: readonly string[]; at: number }) {
	for (const providerId of vendors) {
		for (const name of new Set([model, baseName(model)])) {
			const price = calcPrice(counts, name, { providerId, timestamp: new Date(at) })
			if (price && baseName(price.model.id) === baseName(model)) return price
		}
	}
	return null
}

/** What one call cost. `model` is the best known name: what the answer said, else what was asked for. */
export function priceCall(call: { provider: ProviderName; wire: Wire; model: string | null; seen: SeenUsage; at: number }): PricedCall {
	const counts = countsOf(call.wire, call.seen)
	return counts ? priceCounts(call, counts, false) : { tokens: { inputTokens: 0, outputTokens: 0 }, costMicroUsd: null, pricing: null }
}

/** A call whose answer broke off: what its beginning said, else the size of the request; the output by the bytes that came. */
export function estimateCall(call: { provider: ProviderName; wire: Wire; model: string | null; seen: SeenUsage; at: number; requestBytes: number; responseBytes: number }): PricedCall {
	const counts = countsOf(call.wire, call.seen) ?? { input_tokens: Math.ceil(call.requestBytes / BYTES_PER_INPUT_TOKEN) }
	const streamed = Math.ceil(call.responseBytes / BYTES_PER_STREAMED_TOKEN)
	return priceCounts(call, { ...counts, output_tokens: Math.max(counts['output_tokens'] ?? 0, streamed) }, true)
}

function priceCounts({ provider, model, at }: { provider: ProviderName; model: string | null; at: number }, counts: Counts, isEstimate: boolean): PricedCall {
	const tokens = tokensOf(counts)
	const unpriced = { tokens, costMicroUsd: null, pricing: null }
	if (model === null) return unpriced
	try {
		const price = priceOf(model, counts, { vendors: VENDORS[provider] ?? [], at })
		if (!price) return unpriced
		const pricing: Pricing = {
			source: PRICE_SOURCE.name,
			version: PRICE_SOURCE.version,
			vendor: price.provider.id,
			matchedModel: price.model.id,
			unitPrices: { ...price.model_price },
			...(isEstimate ? { isEstimate } : {}),
		}
		// Rounded to nano-USD first: a float's last digit must not cost a micro-USD.
		return { tokens, costMicroUsd: Math.ceil(Math.round(price.total_price * 1e9) / 1e3), pricing }
	} catch {
		// The table throws for counts that cannot be, such as more cached tokens than tokens.
		return unpriced
	}
}

/** The provider's counts in the table's words, where input includes what was cached; null when it gave none that make sense. */
function countsOf(wire: Wire, seen: SeenUsage): Counts | null {
	const { vendor, flavor, root } = EXTRACTORS[wire]
	const provider = findProvider({ providerId: vendor })
	if (!provider || seen.usage === null) return null
	try {
		return extractUsage(provider, { [root]: seen.usage }, flavor).usage
	} catch {
		return null
	}
}

function tokensOf(counts: Counts): TokenUsage {
	const whole = (name: string) => Math.max(0, Math.round(counts[name] ?? 0))
	return { inputTokens: whole('input_tokens'), outputTokens: whole('output_tokens'), cacheReadTokens: whole('cache_read_tokens'), cacheWriteTokens: whole('cache_write_tokens') }
}

/** What a call is likely to cost, in micro-USD; null when the model has no known price. Only for holding money back. */
export function expectedCost(call: { provider: ProviderName; model: string | null; requestBytes: number; at: number }): number | null {
	const counts = { input_tokens: Math.ceil(call.requestBytes / BYTES_PER_INPUT_TOKEN), output_tokens: 1000 }
	return priceCounts(call, counts, true).costMicroUsd
}
