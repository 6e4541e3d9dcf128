import { z } from 'zod'
import { ExecutionId, OrderId, PatchSetId, TaskId, WorkspaceId } from './ids.ts'
import { ProviderName, ProviderType, RouteDecision } from './provider.ts'
import { TokenUsage } from './usage.ts'

export type ExecutionStatus = z.infer<typeof ExecutionStatus>
export const ExecutionStatus = z.enum(['queued', 'running', 'landing', 'validating', 'completed', 'failed', 'cancelled'])

/** Where a live execution stands, in the order the Workflow goes through them. */
export type ExecutionPhase = z.infer<typeof ExecutionPhase>
export const ExecutionPhase = z.enum([
	'queued',
	'workspace',
	'dispatch',
	'wait',
	'collect',
	'policy',
	'approval',
	'candidate',
	'validate',
	'advance',
	'settled',
])

export type Failure = z.infer<typeof Failure>
export const Failure = z.strictObject({
	code: z.string(),
	message: z.string(),
	/** Unix ms before which the same provider is not worth another try. */
	retryAt: z.int().optional(),
	details: z.record(z.string(), z.unknown()).optional(),
})

/** Money of one execution. `unpriced` is true when some call had no known price; `usd` then is a lower bound. */
export type ExecutionCost = z.infer<typeof ExecutionCost>
export const ExecutionCost = z.strictObject({ usd: z.number(), unpriced: z.boolean(), calls: z.int() })

export type ExecutionView = z.infer<typeof ExecutionView>
export const ExecutionView = z.strictObject({
	executionId: ExecutionId,
	taskId: TaskId,
	orderId: OrderId,
	provider: ProviderName,
	providerType: ProviderType,
	model: z.string().nullable(),
	status: ExecutionStatus,
	phase: ExecutionPhase,
	attempt: z.int(),
	workspaceId: WorkspaceId.nullable(),
	baseCommit: z.string().nullable(),
	candidateCommit: z.string().nullable(),
	landedCommit: z.string().nullable(),
	branch: z.string(),
	patchSetId: PatchSetId.nullable(),
	route: RouteDecision,
	error: Failure.nullable(),
	/** The execution that was tried next, when this one failed over. */
	nextExecutionId: ExecutionId.nullable(),
	usage: TokenUsage.nullable(),
	cost: ExecutionCost,
	budgetUsd: z.number().nullable(),
	/** Milliseconds per phase: those of the Workflow and, prefixed `runner.`, those of the runner. */
	phasesMs: z.record(z.string(), z.number()),
	durationMs: z.int().nullable(),
	createdAt: z.int(),
	startedAt: z.int().nullable(),
	completedAt: z.int().nullable(),
})

/** One line of the audit trail. `cursor` is opaque and grows; it is what `since` takes. */
export type LogEntry = z.infer<typeof LogEntry>
export const LogEntry = z.strictObject({
	cursor: z.string(),
	at: z.int(),
	source: z.string(),
	operation: z.string(),
	level: z.enum(['debug', 'info', 'warn', 'error', 'critical']),
	orderId: z.string().nullable(),
	taskId: z.string().nullable(),
	executionId: z.string().nullable(),
	details: z.record(z.string(), z.unknown()),
	workerName: z.string(),
	containerName: z.string().nullable(),
})

/** A message of the queue `ai-provider-tasks`: a nudge. The truth is in D1; `env_vars` are names, never values. */
export type ProviderTaskMessage = z.infer<typeof ProviderTaskMessage>
export const ProviderTaskMessage = z.strictObject({
	task_id: TaskId,
	execution_id: ExecutionId,
	provider: ProviderName,
	factory: z.string(),
	cli_command: z.array(z.string()),
	env_vars: z.array(z.string().regex(/^[A-Z][A-Z0-9_]*$/)),
})
