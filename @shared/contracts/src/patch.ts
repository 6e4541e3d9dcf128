import { z } from 'zod'
import { GitObjectId } from './ids.ts'
import { TokenUsage } from './usage.ts'

const LineNumber = z.int().min(1)

const common = {
	task_id: z.string().max(200),
	/** POSIX path relative to the workspace root. */
	file: z.string().min(1).max(4096),
	/** Verbatim text with its own line terminators; "" in replace-block deletes. */
	block: z.string(),
	metadata: z.object({
		provider: z.string().max(100),
		confidence: z.number().min(0).max(1).optional(),
		model: z.string().max(200).optional(),
	}),
}

/** One operation on one file. Line numbers are 1-based, inclusive, in coordinates of the base file. */
export type AIPatch = z.infer<typeof AIPatch>
export const AIPatch = z.discriminatedUnion('operation', [
	z.strictObject({ ...common, operation: z.literal('replace-block'), start: LineNumber, end: LineNumber }),
	z.strictObject({ ...common, operation: z.literal('insert-before'), line: LineNumber }),
	z.strictObject({ ...common, operation: z.literal('insert-after'), line: LineNumber }),
	z.strictObject({ ...common, operation: z.literal('append') }),
])

/** Symlinks (120000) and submodules (160000) are refused, so these two are all there are. */
export type FileMode = z.infer<typeof FileMode>
export const FileMode = z.enum(['100644', '100755'])

/** One touched file of a patch set. `base_blob` is null for create, `result_blob` is null for delete. */
export type FileChange = z.infer<typeof FileChange>
export const FileChange = z.strictObject({
	path: z.string().min(1).max(4096),
	change: z.enum(['modify', 'create', 'delete', 'rename', 'mode']),
	/** rename: the old path; its blob is `base_blob`, and operations are against its content but name `path` as their file. */
	from: z.string().min(1).max(4096).optional(),
	mode: FileMode,
	base_blob: GitObjectId.nullable(),
	result_blob: GitObjectId.nullable(),
})

/** All that one execution changed, pinned to the commit the agent saw. */
export type PatchSet = z.infer<typeof PatchSet>
export const PatchSet = z.strictObject({
	patch_set_id: z.string().max(200),
	task_id: z.string().max(200),
	execution_id: z.string().max(200),
	order_id: z.string().max(200).optional(),
	/** Git object id of the commit whose tree the agent saw. */
	base_commit: GitObjectId,
	files: z.array(FileChange).max(10_000),
	patches: z.array(AIPatch).max(1_000_000),
	/** The agent's last message, for people. */
	summary: z.string().max(100_000),
	metadata: z.object({
		provider: z.string().max(100),
		model: z.string().max(200).optional(),
		confidence: z.number().min(0).max(1).optional(),
		tool_version: z.string().max(200).optional(),
		usage: TokenUsage.optional(),
	}),
})

/** Of a set as JSON. It is in a Worker's 128 MB several times over while it is checked, hashed and stored. */
export const MAX_PATCH_SET_BYTES = 12 * 1024 * 1024
