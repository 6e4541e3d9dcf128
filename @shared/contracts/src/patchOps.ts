import { z } from 'zod'
import { Branch } from './branch.ts'
import { GitObjectId, OrderId, PatchSetId, WorkspaceId } from './ids.ts'
import { AIPatch, PatchSet } from './patch.ts'

/** Also the id of the Workflow instance that lands it. */
export type BatchId = z.infer<typeof BatchId>
export const BatchId = z.string().regex(/^[A-Za-z0-9][\w-]{0,79}$/, 'expected up to 80 letters, digits, - and _')

export type PatchOptions = z.infer<typeof PatchOptions>
export const PatchOptions = z.strictObject({
	/** Says what would land and writes nothing. */
	dryRun: z.boolean().default(false),
	/** Makes and validates the candidate, and lets it go again. */
	validateOnly: z.boolean().default(false),
	/** A batch lands whole or not at all, so there is no other way than true. */
	rollbackOnFailure: z.literal(true).default(true),
	/** How long the call waits for the end; after that it answers `pending`. */
	waitMs: z.int().min(0).max(30_000).default(25_000),
})
export type PatchOptionsInput = z.input<typeof PatchOptions>

const batchFields = {
	/** The same batch again gets the first answer; another one under the same id is refused. */
	batchId: BatchId.optional(),
	workspaceId: WorkspaceId,
	/** The commit that the patches were made on; without it they cannot be landed. A set names its own. */
	baseCommit: GitObjectId.optional(),
	/** Where they land. Left out: the branch that a kept set was for, else `factory/<batchId>`. */
	branch: Branch.optional(),
	patches: z.union([z.array(AIPatch).min(1).max(10_000), PatchSet]).optional(),
	patchSetId: PatchSetId.optional(),
	orderId: OrderId.optional(),
	/** Commands that run on the candidate after those of the workspace. */
	validate: z.array(z.string().min(1).max(2000)).max(20).default([]),
	requester: z.string().max(200).optional(),
	reason: z.string().max(2000).optional(),
}
const isOneOfBoth = ({ patches, patchSetId }: { patches?: unknown; patchSetId?: unknown }) => (patches === undefined) !== (patchSetId === undefined)
const ONE_OF_BOTH = 'give either patches or patchSetId'

/** Patches without an agent: from a person, a factory, or the Patch Manager; or a kept set once more, by its id. */
export type PatchBatch = z.infer<typeof PatchBatch>
export const PatchBatch = z.strictObject(batchFields).refine(isOneOfBoth, ONE_OF_BOTH)
export type PatchBatchInput = z.input<typeof PatchBatch>

/** `POST /api/patches/apply`. */
export type ApplyRequest = z.infer<typeof ApplyRequest>
export const ApplyRequest = z.strictObject({ ...batchFields, options: PatchOptions.optional() }).refine(isOneOfBoth, ONE_OF_BOTH)

export type PatchEventType = z.infer<typeof PatchEventType>
export const PatchEventType = z.enum(['patch_requested', 'patch_applied', 'patch_validated', 'patch_failed', 'patch_reverted'])

/** What the Patch Manager tells the orchestrator, once per command; a repeated `event_id` is the same event. */
export type PatchEvent = z.infer<typeof PatchEvent>
export const PatchEvent = z.looseObject({
	event_id: z.string().max(200).optional(),
	event: PatchEventType.optional(),
	patch_id: z.string().max(200),
	file: z.string().max(4096).nullable().optional(),
	op: z.string().max(40).nullable().optional(),
	status: z.string().max(40).optional(),
	task_id: z.string().max(200).nullable().optional(),
	ts_check_ok: z.boolean().nullable().optional(),
	diff_path: z.string().max(4096).nullable().optional(),
	meta: z.record(z.string(), z.unknown()).optional(),
})

/** `pending` is under way or waits for a person; `validated` was not to land; `dry-run` would land. */
export type BatchStatus = z.infer<typeof BatchStatus>
export const BatchStatus = z.enum(['pending', 'landed', 'validated', 'dry-run', 'refused', 'conflict', 'failed'])

export type PatchResult = z.infer<typeof PatchResult>
export const PatchResult = z.strictObject({
	batchId: z.string(),
	patchSetId: z.string(),
	status: BatchStatus,
	success: z.boolean(),
	appliedOperations: z.int(),
	failedOperations: z.int(),
	errors: z.array(z.strictObject({ code: z.string(), message: z.string(), file: z.string().optional(), details: z.record(z.string(), z.unknown()).optional() })),
	/** Files that were merged with later work, and files that the branch had already. */
	merged: z.array(z.string()),
	alreadyApplied: z.array(z.string()),
	branch: z.string(),
	/** Undoes exactly this batch. */
	rollbackId: z.string().optional(),
	commit: GitObjectId.optional(),
})

export type PatchStatus = z.infer<typeof PatchStatus>
export const PatchStatus = z.strictObject({
	batchId: z.string(),
	patchSetId: z.string(),
	kind: z.enum(['apply', 'reapply', 'revert']),
	status: BatchStatus,
	branch: z.string(),
	commit: z.string().nullable(),
	error: z.strictObject({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() }).nullable(),
	progress: z.strictObject({ total: z.int(), applied: z.int(), failed: z.int() }),
	events: z.array(z.strictObject({ event: z.string(), status: z.string(), at: z.int() })),
})

/** Names what to take back: a batch, a patch set or an execution. */
export type RollbackRequest = z.infer<typeof RollbackRequest>
export const RollbackRequest = z.strictObject({ rollbackId: z.string().min(1).max(200), reason: z.string().max(2000).optional() })

/** A patch set in the history: everything but its content. */
export type PatchSetSummary = z.infer<typeof PatchSetSummary>
export const PatchSetSummary = z.strictObject({
	patchSetId: z.string(),
	executionId: z.string().nullable(),
	taskId: z.string().nullable(),
	orderId: z.string().nullable(),
	workspaceId: z.string().nullable(),
	branch: z.string().nullable(),
	baseCommit: z.string(),
	status: z.string(),
	error: z.string().nullable(),
	files: z.int(),
	patches: z.int(),
	sha256: z.string(),
	landedCommit: z.string().nullable(),
	landedAt: z.int().nullable(),
	/** The set that this one takes back. */
	reverts: z.string().nullable(),
	createdAt: z.int(),
})

/** Who wrote a line of a file as it stands; null where no patch set did. */
export type BlameView = z.infer<typeof BlameView>
export const BlameView = z.strictObject({
	path: z.string(),
	branch: z.string(),
	commit: z.string(),
	/** The file has more landings than were looked at: a line without a writer may be of an older one. */
	hasOlder: z.boolean(),
	/** Runs of lines with the same writer, first and last 1-based. */
	lines: z.array(z.strictObject({ start: z.int(), end: z.int(), patchSetId: z.string().nullable(), executionId: z.string().nullable(), orderId: z.string().nullable() })),
})

/** Binding `ORCHESTRATOR_PATCH`. */
export interface PatchRpc {
	applyPatches(batch: PatchBatchInput, options?: PatchOptionsInput): Promise<PatchResult>
	getPatchStatus(batchId: string): Promise<PatchStatus>
	rollbackPatch(rollbackId: string, reason?: string): Promise<PatchResult>
}
