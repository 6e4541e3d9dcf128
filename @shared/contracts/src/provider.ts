import { z } from 'zod'

/** A coding agent. `jules` is a cloud API; the others are programs in a container. */
export type ProviderName = z.infer<typeof ProviderName>
export const ProviderName = z.enum(['jules', 'codex', 'gemini', 'claude', 'cursor', 'copilot'])

export type ProviderType = z.infer<typeof ProviderType>
export const ProviderType = z.enum(['jules', 'cli'])

/** `gateway`: the container gets an execution token only. `direct`: that one key is injected at start (Cursor needs it). */
export type SecretMode = z.infer<typeof SecretMode>
export const SecretMode = z.enum(['gateway', 'direct'])

export type TaskType = z.infer<typeof TaskType>
export const TaskType = z.enum(['generate', 'fix', 'refactor', 'optimize'])

export type Priority = z.infer<typeof Priority>
export const Priority = z.enum(['low', 'medium', 'high', 'critical'])

export type CostProfile = z.infer<typeof CostProfile>
export const CostProfile = z.enum(['economy', 'balanced', 'performance'])

/** One provider as the router saw it. Scores are 0..1, the higher the better; `eligible: false` says why in `reasons`. */
export type RouteCandidate = z.infer<typeof RouteCandidate>
export const RouteCandidate = z.strictObject({
	provider: ProviderName,
	model: z.string().nullable(),
	eligible: z.boolean(),
	score: z.number(),
	scores: z.record(z.string(), z.number()),
	reasons: z.array(z.string()),
})

/** A routing decision that explains itself: who was taken, who was not, and why. Stored with the assignment. */
export type RouteDecision = z.infer<typeof RouteDecision>
export const RouteDecision = z.strictObject({
	provider: ProviderName,
	model: z.string().nullable(),
	mode: z.enum(['automatic', 'manual', 'fallback']),
	reason: z.string(),
	/** Who is tried after this provider fails, best first. */
	chain: z.array(ProviderName),
	candidates: z.array(RouteCandidate),
	decidedAt: z.int(),
})

export type CircuitState = z.infer<typeof CircuitState>
export const CircuitState = z.enum(['closed', 'open', 'half-open'])

/** What an operator sees of a provider. */
export type ProviderStatus = z.infer<typeof ProviderStatus>
export const ProviderStatus = z.strictObject({
	provider: ProviderName,
	type: ProviderType,
	available: z.boolean(),
	/** Why not, one sentence; null when available. */
	unavailableReason: z.string().nullable(),
	mode: SecretMode,
	secretName: z.string(),
	hasSecret: z.boolean(),
	defaultModel: z.string().nullable(),
	taskTypes: z.array(TaskType),
	costClass: z.enum(['low', 'medium', 'high']),
	circuit: CircuitState,
	consecutiveFailures: z.int(),
	/** Unix ms until which the provider is parked (Retry-After or open circuit); null when it is not. */
	parkedUntil: z.int().nullable(),
	lastError: z.strictObject({ code: z.string(), message: z.string(), at: z.int() }).nullable(),
	upstream: z.enum(['real', 'emulator']),
})

/** Success counts of the executions of one provider, for `getProviderStats`. */
export type ProviderStats = z.infer<typeof ProviderStats>
export const ProviderStats = z.strictObject({
	provider: ProviderName,
	executions: z.int(),
	completed: z.int(),
	failed: z.int(),
	cancelled: z.int(),
	averageDurationMs: z.number().nullable(),
	costUsd: z.number(),
})
