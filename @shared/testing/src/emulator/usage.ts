import type { Reply, Usage } from './types.ts'

const CHARACTERS_PER_TOKEN = 4
/** Prompt caches count in blocks; a request shorter than one block is not cached. */
const CACHE_BLOCK_TOKENS = 128

/**
 * Token counts that look like a provider's and are the same for the same request: four characters a token. The first request of
 * a conversation writes the cache, the following ones read most of their input from it.
 */
export function countUsage(requestText: string, reply: Reply, isFollowUp: boolean): Usage {
	const inputTokens = countTokens(requestText)
	const cacheable = Math.floor((inputTokens * 0.9) / CACHE_BLOCK_TOKENS) * CACHE_BLOCK_TOKENS
	const call = reply.call ? (typeof reply.call.input === 'string' ? reply.call.input : JSON.stringify(reply.call.input)) : ''
	return {
		inputTokens,
		cachedTokens: isFollowUp ? cacheable : 0,
		cacheWriteTokens: isFollowUp ? 0 : cacheable,
		outputTokens: countTokens((reply.text ?? '') + (reply.call?.name ?? '') + call),
	}
}

export function countTokens(text: string): number {
	return Math.max(1, Math.ceil(text.length / CHARACTERS_PER_TOKEN))
}
