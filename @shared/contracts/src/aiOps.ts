import { z } from 'zod'
import { TokenUsage } from './usage.ts'

const Prompt = z.string().min(1).max(200_000)
const ModelName = z.string().min(1).max(200)
const JSONSchema = z.record(z.string(), z.unknown())

export type EvaluateRequest = z.infer<typeof EvaluateRequest>
export const EvaluateRequest = z.strictObject({ prompt: Prompt, model: ModelName })

export type Evaluation = z.infer<typeof Evaluation>
export const Evaluation = z.strictObject({
	evaluationId: z.string(),
	model: z.string(),
	output: z.string(),
	/** 0..100 by a judge that is another model than the writer. */
	score: z.number().min(0).max(100),
	criteria: z.array(z.strictObject({ name: z.string(), score: z.number(), reason: z.string() })),
	verdict: z.enum(['accept', 'revise', 'reject']),
	rounds: z.int(),
	usage: TokenUsage.nullable(),
})

export type RoutePromptRequest = z.infer<typeof RoutePromptRequest>
export const RoutePromptRequest = z.strictObject({ prompt: Prompt })

/** A model routing decision: which LLM takes a prompt, and by which rule. */
export type ModelRoute = z.infer<typeof ModelRoute>
export const ModelRoute = z.strictObject({
	decisionId: z.string(),
	route: z.string(),
	model: z.string(),
	rule: z.string(),
	scores: z.record(z.string(), z.number()),
	reason: z.string(),
})

export type StructuredOutputRequest = z.infer<typeof StructuredOutputRequest>
export const StructuredOutputRequest = z.strictObject({ prompt: Prompt, schema: JSONSchema })

export type StructuredOutput = z.infer<typeof StructuredOutput>
export const StructuredOutput = z.strictObject({ outputId: z.string(), output: z.unknown(), isRepaired: z.boolean(), model: z.string(), usage: TokenUsage.nullable() })

export type ToolCallRequest = z.infer<typeof ToolCallRequest>
export const ToolCallRequest = z.strictObject({ params: z.record(z.string(), z.unknown()) })

export type ToolCallResult = z.infer<typeof ToolCallResult>
export const ToolCallResult = z.strictObject({
	callId: z.string(),
	toolName: z.string(),
	status: z.enum(['completed', 'failed', 'awaiting-approval']),
	output: z.unknown(),
	error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
})

export type ChatRequest = z.infer<typeof ChatRequest>
export const ChatRequest = z.strictObject({
	messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string().max(200_000) })).min(1).max(200),
	model: ModelName.optional(),
	stream: z.boolean().default(false),
})

/** An approval that waits for a person; bound to the digest of what it would do. */
export type ApprovalStatus = z.infer<typeof ApprovalStatus>
export const ApprovalStatus = z.enum(['pending', 'approved', 'rejected', 'expired', 'consumed', 'superseded'])

/** Binding `ORCHESTRATOR_AI`. */
export interface AIRpc {
	evaluateModel(prompt: string, model: string): Promise<Evaluation>
	routePrompt(prompt: string): Promise<ModelRoute>
	generateStructuredOutput(prompt: string, schema: Record<string, unknown>): Promise<StructuredOutput>
	callTool(toolName: string, params: Record<string, unknown>): Promise<ToolCallResult>
}
