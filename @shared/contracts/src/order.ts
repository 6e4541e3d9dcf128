import { z } from 'zod'
import { Branch } from './branch.ts'
import { ExecutionId, OrderId, TaskId, WorkspaceId } from './ids.ts'
import { ScopeEntry } from './policy.ts'
import { CostProfile, Priority, ProviderName, RouteDecision, TaskType } from './provider.ts'

/** Where an order works: a GitHub repository, or one that the orchestrator hosts. */
export type WorkspaceRef = z.infer<typeof WorkspaceRef>
export const WorkspaceRef = z.union([
	z.strictObject({
		kind: z.literal('github'),
		repo: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'expected owner/name'),
		branch: Branch,
	}),
	z.strictObject({ kind: z.literal('hosted'), workspaceId: WorkspaceId }),
	z.strictObject({
		kind: z.literal('hosted'),
		/** An https git URL that is imported once; absent starts an empty workspace. */
		importUrl: z.url({ protocol: /^https?$/ }).max(2000).optional(),
	}),
])

/** What a person asks for. */
export type OrderRequest = z.infer<typeof OrderRequest>
export const OrderRequest = z.strictObject({
	prompt: z.string().trim().min(1).max(100_000),
	taskType: TaskType.default('generate'),
	workspace: WorkspaceRef,
	/** Manual override: only this provider is tried. */
	provider: ProviderName.optional(),
	preferredModel: z.string().max(200).optional(),
	priority: Priority.default('medium'),
	costProfile: CostProfile.default('balanced'),
	/** A hard stop for the model calls of each execution. */
	budgetUsd: z.number().positive().max(10_000).optional(),
	/** Shell commands run on the candidate before the branch moves; each must exit 0. */
	validate: z.array(z.string().min(1).max(2000)).max(20).default([]),
	factory: z.string().max(100).optional(),
	/** All that the work may touch; left out, anything. A change elsewhere breaks the rule `outside-scope`. */
	scope: z.array(ScopeEntry).min(1).max(500).optional(),
	/** Anything the caller wants to find again with the order. */
	context: z.record(z.string(), z.unknown()).optional(),
	/** false: create order and task only; `executeTask` starts the work. */
	execute: z.boolean().default(true),
	/** How long one agent run may take. */
	wallClockMs: z.int().min(1000).max(6 * 3_600_000).default(30 * 60_000),
	/** The run is stopped after this long without a sign of life from the CLI. */
	stallMs: z.int().min(500).max(3_600_000).default(5 * 60_000),
})
/** The same with defaults left out, as callers write it. */
export type OrderInput = z.input<typeof OrderRequest>

export type TaskStatus = z.infer<typeof TaskStatus>
export const TaskStatus = z.enum(['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled'])

export type OrderStatus = z.infer<typeof OrderStatus>
export const OrderStatus = z.enum(['open', 'completed', 'failed', 'cancelled'])

export type TaskView = z.infer<typeof TaskView>
export const TaskView = z.strictObject({
	taskId: TaskId,
	orderId: OrderId,
	taskType: TaskType,
	prompt: z.string(),
	status: TaskStatus,
	provider: ProviderName.nullable(),
	executionId: ExecutionId.nullable(),
	error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
	/** The task whose conflict this one resolves, and how many such steps lie behind it. */
	parentTaskId: TaskId.nullable(),
	depth: z.int(),
	scope: z.array(ScopeEntry).nullable(),
	createdAt: z.int(),
	updatedAt: z.int(),
})

/** One more piece of work for an order that exists; it lands on the same branch, beside the others. */
export type TaskRequest = z.infer<typeof TaskRequest>
export const TaskRequest = z.strictObject({
	prompt: z.string().trim().min(1).max(100_000),
	taskType: TaskType.optional(),
	provider: ProviderName.optional(),
	scope: z.array(ScopeEntry).min(1).max(500).optional(),
	execute: z.boolean().default(true),
})
export type TaskInput = z.input<typeof TaskRequest>

export type OrderView = z.infer<typeof OrderView>
export const OrderView = z.strictObject({
	orderId: OrderId,
	prompt: z.string(),
	status: OrderStatus,
	taskType: TaskType,
	priority: Priority,
	costProfile: CostProfile,
	budgetUsd: z.number().nullable(),
	workspaceId: WorkspaceId.nullable(),
	/** The branch the order's work lands on: `factory/<order-id>`. */
	branch: z.string(),
	/** Clone through the git gateway with an operator token; null without a workspace. */
	clonePath: z.string().nullable(),
	commit: z.string().nullable(),
	/** The pull request that was opened last; null for hosted workspaces, and until something has landed. */
	pullRequest: z.strictObject({ number: z.int(), url: z.string() }).nullable(),
	workerName: z.string(),
	tasks: z.array(TaskView),
	createdAt: z.int(),
	updatedAt: z.int(),
})

/** The answer to a new order. `executionId` and `route` are null when `execute` was false. */
export type OrderCreated = z.infer<typeof OrderCreated>
export const OrderCreated = z.strictObject({
	orderId: OrderId,
	taskId: TaskId,
	executionId: ExecutionId.nullable(),
	workspaceId: WorkspaceId.nullable(),
	route: RouteDecision.nullable(),
})

export type WorkspaceView = z.infer<typeof WorkspaceView>
export const WorkspaceView = z.strictObject({
	workspaceId: WorkspaceId,
	kind: z.enum(['hosted', 'github']),
	/** `owner/name` on GitHub; null for a hosted workspace. */
	repository: z.string().nullable(),
	/** Path on the orchestrator for `git clone`, for example `/git/wsp-...`. One on GitHub is read-only there. */
	clonePath: z.string(),
	/** The branch that orders start from and pull requests go to. */
	defaultBranch: z.string(),
	importUrl: z.string().nullable(),
	createdAt: z.int(),
})
export type WorkspaceRequest = z.infer<typeof WorkspaceRequest>
export const WorkspaceRequest = z.strictObject({ importUrl: z.url({ protocol: /^https?$/ }).max(2000).optional() })
