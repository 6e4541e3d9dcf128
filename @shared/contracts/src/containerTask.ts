import { z } from 'zod'
import { ContainerTaskId, ExecutionId, GitObjectId, WorkspaceId } from './ids.ts'
import { PatchSet } from './patch.ts'
import { ProviderName, SecretMode } from './provider.ts'
import { TokenUsage } from './usage.ts'

/** The status words are fixed; how a task ended beyond them is its `outcome`. */
export type ContainerTaskStatus = z.infer<typeof ContainerTaskStatus>
export const ContainerTaskStatus = z.enum(['pending', 'assigned', 'running', 'completed', 'failed'])

export type ContainerTaskOutcome = z.infer<typeof ContainerTaskOutcome>
export const ContainerTaskOutcome = z.enum(['cancelled', 'dead', 'timeout', 'error'])

/** `agent-run` and `validate` belong to executions; `command` is anything else a Worker wants run. */
export type ContainerTaskType = z.infer<typeof ContainerTaskType>
export const ContainerTaskType = z.enum(['agent-run', 'validate', 'command'])

const Name = z.string().regex(/^[\w.:-]{1,100}$/)

/** Work for a runner. Higher `priority` first; `maxAttempts` counts claims. */
export type ContainerTaskInput = z.infer<typeof ContainerTaskInput>
export const ContainerTaskInput = z.strictObject({
	taskType: ContainerTaskType,
	command: z.array(z.string().max(32_768)).max(256).default([]),
	parameters: z.record(z.string(), z.unknown()).default({}),
	priority: z.int().min(-1000).max(1000).default(0),
	/** Only runners of this container name may claim it; absent = any. */
	containerName: Name.optional(),
	/** Only runners that named this capability may claim it, for example `codex`. */
	requires: Name.optional(),
	maxAttempts: z.int().min(1).max(10).default(3),
	/** How long one attempt may take in all, whatever the heartbeats say. */
	timeoutMs: z.int().min(1000).max(6 * 3_600_000).default(30 * 60_000),
	/** A second submit with the same key returns the first task. */
	idempotencyKey: z.string().min(1).max(200).optional(),
	executionId: ExecutionId.optional(),
})

/** A failure as a runner reports it. `retryable` asks for another attempt of the same task. */
export type TaskError = z.infer<typeof TaskError>
export const TaskError = z.strictObject({
	code: z.string().max(100),
	message: z.string().max(4000),
	retryable: z.boolean().default(false),
	/** What the provider asked to wait, in ms. */
	retryAfterMs: z.int().min(0).optional(),
})

export type ContainerTask = z.infer<typeof ContainerTask>
export const ContainerTask = z.strictObject({
	taskId: ContainerTaskId,
	workerName: z.string(),
	containerName: z.string().nullable(),
	taskType: ContainerTaskType,
	status: ContainerTaskStatus,
	outcome: ContainerTaskOutcome.nullable(),
	priority: z.int(),
	command: z.array(z.string()),
	parameters: z.record(z.string(), z.unknown()),
	requires: z.string().nullable(),
	executionId: ExecutionId.nullable(),
	/** `worker:container` that holds the lease, or held it when the task ended; null while it is pending. */
	assignedTo: z.string().nullable(),
	attempt: z.int(),
	maxAttempts: z.int(),
	timeoutMs: z.int(),
	leaseExpiresAt: z.int().nullable(),
	output: z.record(z.string(), z.unknown()).nullable(),
	error: TaskError.nullable(),
	createdAt: z.int(),
	assignedAt: z.int().nullable(),
	startedAt: z.int().nullable(),
	completedAt: z.int().nullable(),
})

/** Which tasks a runner can take. `capabilities` are provider names and anything `requires` may name. */
export type ClaimRequest = z.infer<typeof ClaimRequest>
export const ClaimRequest = z.strictObject({
	workerName: Name,
	containerName: Name,
	taskTypes: z.array(ContainerTaskType).min(1).default(['agent-run', 'validate', 'command']),
	capabilities: z.array(Name).max(50).default([]),
	/** How long the server may hold the request when there is nothing to do. It answers with nothing as soon as there may be something: ask again. */
	waitMs: z.int().min(0).max(30_000).default(0),
	max: z.int().min(1).max(50).default(1),
})

/** What an execution's runner needs, minted at claim time and never stored. Paths are relative to the orchestrator. */
export type ExecutionGrant = z.infer<typeof ExecutionGrant>
export const ExecutionGrant = z.strictObject({
	/** Bearer for model gateway and git gateway; expires with the task. */
	executionToken: z.string(),
	gatewayPath: z.string(),
	gitPath: z.string(),
	patchPath: z.string(),
	mode: SecretMode,
	/** `direct` mode only: the one key the CLI needs, by variable name. */
	secretEnv: z.record(z.string(), z.string()),
	upstream: z.enum(['real', 'emulator']),
})

export type ClaimedTask = z.infer<typeof ClaimedTask>
export const ClaimedTask = z.strictObject({
	task: ContainerTask,
	leaseToken: z.string(),
	leaseExpiresAt: z.int(),
	/** Heartbeat at a third of this. */
	leaseMs: z.int(),
	grant: ExecutionGrant.nullable(),
})

/** One normalised event of a running CLI. */
export type ProgressEvent = z.infer<typeof ProgressEvent>
export const ProgressEvent = z.strictObject({
	at: z.int(),
	kind: z.enum(['phase', 'session', 'message', 'tool', 'edit', 'usage', 'warning', 'unknown']),
	text: z.string().max(2000),
	data: z.record(z.string(), z.unknown()).optional(),
})

export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>
export const HeartbeatRequest = z.strictObject({ leaseToken: z.string(), progress: z.array(ProgressEvent).max(200).default([]) })

export type HeartbeatReply = z.infer<typeof HeartbeatReply>
export const HeartbeatReply = z.strictObject({
	leaseExpiresAt: z.int(),
	/** The runner must stop the CLI and report failure with this reason. */
	cancel: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
})

export type CompleteRequest = z.infer<typeof CompleteRequest>
export const CompleteRequest = z.strictObject({
	leaseToken: z.string(),
	output: z.record(z.string(), z.unknown()),
	progress: z.array(ProgressEvent).max(1000).default([]),
})

/** `output` keeps what was made before the failure: nothing paid for is lost. */
export type FailRequest = z.infer<typeof FailRequest>
export const FailRequest = z.strictObject({
	leaseToken: z.string(),
	error: TaskError,
	output: z.record(z.string(), z.unknown()).optional(),
	progress: z.array(ProgressEvent).max(1000).default([]),
})

/** `parameters` of an `agent-run` task. */
export type AgentRunParameters = z.infer<typeof AgentRunParameters>
export const AgentRunParameters = z.strictObject({
	executionId: ExecutionId,
	taskUuid: z.string(),
	orderId: z.string(),
	provider: ProviderName,
	model: z.string().nullable(),
	prompt: z.string(),
	workspaceId: WorkspaceId,
	baseCommit: GitObjectId,
	baseRef: z.string(),
	wallClockMs: z.int(),
	stallMs: z.int(),
	patchSetId: z.string(),
})

/** `output` of an `agent-run` task, complete or failed. */
export type AgentRunOutput = z.infer<typeof AgentRunOutput>
export const AgentRunOutput = z.strictObject({
	patchSet: PatchSet.nullable(),
	summary: z.string(),
	sessionId: z.string().nullable(),
	model: z.string().nullable(),
	cliVersion: z.string().nullable(),
	usage: TokenUsage.nullable(),
	exitCode: z.int().nullable(),
	signal: z.string().nullable(),
	isolation: z.enum(['container', 'docker', 'bubblewrap', 'process']),
	phasesMs: z.record(z.string(), z.number()),
	/** Events the adapter did not know, counted: the sign of a CLI that changed its format. */
	unknownEvents: z.int(),
	stderrTail: z.string().max(20_000),
})

/** `parameters` of a `validate` task: re-make the candidate with the other engine, compare, run the commands. */
export type ValidateParameters = z.infer<typeof ValidateParameters>
export const ValidateParameters = z.strictObject({
	executionId: ExecutionId,
	workspaceId: WorkspaceId,
	baseCommit: GitObjectId,
	candidateCommit: GitObjectId,
	candidateTree: GitObjectId,
	candidateRef: z.string(),
	commands: z.array(z.string()),
	wallClockMs: z.int(),
})

export type ValidateOutput = z.infer<typeof ValidateOutput>
export const ValidateOutput = z.strictObject({
	/** The tree that the Patch Manager made from base and patch set. */
	treeId: z.string(),
	agrees: z.boolean(),
	engineError: z.string().nullable(),
	commands: z.array(
		z.strictObject({ command: z.string(), exitCode: z.int().nullable(), durationMs: z.int(), timedOut: z.boolean(), outputTail: z.string() }),
	),
	phasesMs: z.record(z.string(), z.number()),
})
