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
	/** Only runners of this Worker may claim it; absent = any. */
	targetWorker: Name.optional(),
	/** Not before this time (Unix ms). */
	runAfter: z.int().min(0).optional(),
	/** Not before so long after it was submitted. */
	delayMs: z.int().min(0).max(30 * 86_400_000).optional(),
	/** Tasks of the same Worker that must have ended before it starts, by id; among tasks that are submitted together also by `key`. */
	dependsOn: z.array(Name).max(100).default([]),
	/** What a task becomes when one that it depends on fails: `fail` fails it too, `run` runs it all the same. */
	onDependencyFailure: z.enum(['fail', 'run']).default('fail'),
})

/** A task among others; `key` is its name there, for `dependsOn` of the others. */
export type PlannedTask = z.infer<typeof PlannedTask>
export const PlannedTask = ContainerTaskInput.extend({ key: Name.optional() })

/** Tasks that are stored together, all or none. */
export type TaskPlanInput = z.infer<typeof TaskPlanInput>
export const TaskPlanInput = z.strictObject({
	tasks: z.array(PlannedTask).min(1).max(100),
	/** A second submit with the same key and tasks returns the first plan. */
	idempotencyKey: z.string().min(1).max(200).optional(),
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
	/** The Worker whose runners alone may take it. */
	targetWorker: z.string().optional(),
	/** A pending task is not claimed before this time. */
	runAfter: z.int().optional(),
	/** How many of the tasks that a pending one depends on have not ended. */
	blockedBy: z.int().optional(),
	planId: z.string().optional(),
	/** Its name within the plan. */
	key: z.string().optional(),
})

/** Tasks that were submitted together, as they are now. `open` until all of them have ended. */
export type TaskPlan = z.infer<typeof TaskPlan>
export const TaskPlan = z.strictObject({
	planId: z.string(),
	status: z.enum(['open', 'completed', 'failed']),
	/** By status; `blocked` are those of `pending` that wait for others. */
	counts: z.strictObject({ pending: z.int(), blocked: z.int(), assigned: z.int(), running: z.int(), completed: z.int(), failed: z.int() }),
	/** In the order in which they were submitted. Outputs that are too long for a row are null here. */
	tasks: z.array(ContainerTask),
	createdAt: z.int(),
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

/** A claim within another call, which does not wait. */
export type NextClaim = z.infer<typeof NextClaim>
export const NextClaim = ClaimRequest.omit({ waitMs: true })

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

/**
 * One normalised event of a running CLI. `touched` says what the run has changed so far: its data is
 * `{ files: [{ path, ranges: [[start, end], ...] }] }` in lines of the base, 1-based inclusive, `end = start - 1` for a pure insertion.
 */
export type ProgressEvent = z.infer<typeof ProgressEvent>
export const ProgressEvent = z.strictObject({
	at: z.int(),
	kind: z.enum(['phase', 'session', 'message', 'tool', 'edit', 'usage', 'touched', 'warning', 'unknown']),
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
	/** What to claim in the same call, when the report is taken. */
	claimNext: NextClaim.optional(),
})

/** A completed task; `next` is what `claimNext` asked for. */
export type CompletedTask = z.infer<typeof CompletedTask>
export const CompletedTask = ContainerTask.extend({ next: z.array(ClaimedTask).optional() })

/** Several results in one call. Each stands for itself: one that is refused keeps none of the others from being stored. */
export type CompleteManyRequest = z.infer<typeof CompleteManyRequest>
export const CompleteManyRequest = z.strictObject({
	reports: z.array(CompleteRequest.omit({ claimNext: true }).extend({ taskId: z.string().min(1).max(100) })).min(1).max(50),
	claimNext: NextClaim.optional(),
})

/** One result for each report, in their order: the task, or why the report was not taken. */
export type CompleteManyReply = z.infer<typeof CompleteManyReply>
export const CompleteManyReply = z.strictObject({
	results: z.array(
		z.strictObject({
			taskId: z.string(),
			task: ContainerTask.nullable(),
			error: z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean(), details: z.record(z.string(), z.unknown()).optional() }).nullable(),
		}),
	),
	next: z.array(ClaimedTask),
})

/** How many tasks of a Worker run, and how many may at once. */
export type WorkerShare = z.infer<typeof WorkerShare>
export const WorkerShare = z.strictObject({ workerName: z.string(), running: z.int(), maxRunning: z.int() })

/** The queue at a glance. A count that has reached `countedTo` may be higher. */
export type QueueSummary = z.infer<typeof QueueSummary>
export const QueueSummary = z.strictObject({
	counts: z.record(ContainerTaskStatus, z.int()),
	countedTo: z.int(),
	workers: z.array(WorkerShare),
})

/** Output of a `command` task as the queue knows it; fields beside these are kept as they came. */
export type CommandOutput = z.infer<typeof CommandOutput>
export const CommandOutput = z.looseObject({
	exitCode: z.int().nullable().optional(),
	stdout: z.string().optional(),
	stderr: z.string().optional(),
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

/**
 * `parameters` of a `validate` task: re-make the candidate with the other engine, compare the trees, run the commands and
 * compare what fails with the same commands on the commit that the candidate sits on.
 */
export type ValidateParameters = z.infer<typeof ValidateParameters>
export const ValidateParameters = z.strictObject({
	/** Null for a candidate that no execution made. */
	executionId: ExecutionId.nullable(),
	/** The batch that lands the set, where no execution does. */
	batchId: z.string().optional(),
	patchSetId: z.string(),
	workspaceId: WorkspaceId,
	baseCommit: GitObjectId,
	/** The commit that the candidate sits on; `baseCommit` where the branch did not move. */
	ontoCommit: GitObjectId,
	candidateCommit: GitObjectId,
	candidateTree: GitObjectId,
	candidateRef: z.string(),
	commands: z.array(z.string()),
	wallClockMs: z.int(),
})

const commandRun = { exitCode: z.int().nullable(), durationMs: z.int(), timedOut: z.boolean(), outputTail: z.string() }

export type ValidateOutput = z.infer<typeof ValidateOutput>
export const ValidateOutput = z.strictObject({
	/** The tree that the Patch Manager made from the tree of `ontoCommit` and the patch set. */
	treeId: z.string(),
	/** The tree of `ontoCommit`, if commands that failed were run on it, too. */
	baseTree: z.string().nullable(),
	agrees: z.boolean(),
	engineError: z.string().nullable(),
	commands: z.array(
		z.strictObject({
			command: z.string(),
			...commandRun,
			/** The same command on `ontoCommit`; null where it was not run there. */
			base: z.strictObject(commandRun).nullable(),
			/**
			 * `pre-existing`: it fails on the base in the same way. `inconclusive`: it fails, and nothing proves that the candidate is to
			 * blame, nor that it is not.
			 */
			verdict: z.enum(['passed', 'new-failure', 'pre-existing', 'inconclusive']),
			/** Named failures that the base does not have. */
			newFailures: z.array(z.string().max(500)).max(200),
		}),
	),
	phasesMs: z.record(z.string(), z.number()),
})
