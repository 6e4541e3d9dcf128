import { z } from 'zod'

const Count = z.int().min(0)

/** Tokens of one call or one execution. `inputTokens` is the total, cached tokens included. */
export type TokenUsage = z.infer<typeof TokenUsage>
export const TokenUsage = z.object({
	inputTokens: Count,
	outputTokens: Count,
	cacheReadTokens: Count.optional(),
	cacheWriteTokens: Count.optional(),
	requests: Count.optional(),
})
