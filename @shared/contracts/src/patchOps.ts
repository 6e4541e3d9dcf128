import { z } from 'zod'
import { GitObjectId, WorkspaceId } from './ids.ts'
import { AIPatch, PatchSet } from './patch.ts'

/** Patches without an agent: from a person, a factory, or the Patch Manager. */
export type PatchBatch = z.infer<typeof PatchBatch>
export const PatchBatch = z.strictObject({
	batchId: z.string().max(200).optional(),
	workspaceId: WorkspaceId,
	/** The commit that the patches were made on; without it they cannot be landed. */
	baseCommit: GitObjectId.optional(),
	branch: z.string().max(200).optional(),
	patches: z.union([z.array(AIPatch).min(1).max(10_000), PatchSet]),
	requester: z.string().max(200).optional(),
	reason: z.string().max(2000).optional(),
})

export type PatchOptions = z.infer<typeof PatchOptions>
export const PatchOptions = z.strictObject({
	dryRun: z.boolean().default(false),
	validateOnly: z.boolean().default(false),
	rollbackOnFailure: z.boolean().default(true),
})

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

export type PatchResult = z.infer<typeof PatchResult>
export const PatchResult = z.strictObject({
	batchId: z.string(),
	success: z.boolean(),
	appliedOperations: z.int(),
	failedOperations: z.int(),
	errors: z.array(z.strictObject({ code: z.string(), message: z.string(), file: z.string().optional() })),
	/** Undoes exactly this batch. */
	rollbackId: z.string().optional(),
	commit: GitObjectId.optional(),
})

export type PatchStatus = z.infer<typeof PatchStatus>
export const PatchStatus = z.strictObject({
	batchId: z.string(),
	status: z.string(),
	progress: z.strictObject({ total: z.int(), applied: z.int(), failed: z.int() }),
	events: z.array(z.strictObject({ event: z.string(), status: z.string(), at: z.int() })),
})

export type RollbackRequest = z.infer<typeof RollbackRequest>
export const RollbackRequest = z.strictObject({ rollbackId: z.string().max(200), reason: z.string().max(2000).optional() })

/** Binding `ORCHESTRATOR_PATCH`. */
export interface PatchRpc {
	applyPatches(batch: PatchBatch, options?: Partial<PatchOptions>): Promise<PatchResult>
	getPatchStatus(batchId: string): Promise<PatchStatus>
	rollbackPatch(rollbackId: string, reason?: string): Promise<PatchResult>
}
