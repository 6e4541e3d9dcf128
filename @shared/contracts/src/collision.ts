import { z } from 'zod'
import { WorkspaceId } from './ids.ts'

const Path = z.string().min(1).max(4096)

/** Lines of a base, 1-based and inclusive; `last` is `first - 1` for a place between two lines. */
export type LineSpan = z.infer<typeof LineSpan>
export const LineSpan = z.tuple([z.int().min(1), z.int().min(0)])

/** What a running agent has changed so far; no ranges stand for the whole file. */
export type TouchedFiles = z.infer<typeof TouchedFiles>
export const TouchedFiles = z.array(
	z.object({ path: Path, ranges: z.array(LineSpan.refine(([first, last]) => last >= first - 1, 'ends before it starts')) }),
)

/** `mentioned` is a guess: the prompt of one names a file that the other touches or names. The others are those of the patch engine. */
export type CollisionKind = z.infer<typeof CollisionKind>
export const CollisionKind = z.enum(['overlap', 'adjacent', 'delete-modify', 'add-add', 'rename', 'mentioned'])

/** Two pieces of work in flight (executions, batches of patches) that will be in each other's way in one file. */
export type CollisionView = z.infer<typeof CollisionView>
export const CollisionView = z.strictObject({
	workspaceId: WorkspaceId,
	/** The one that was there first, and the other. */
	subjectIds: z.tuple([z.string(), z.string()]),
	path: z.string(),
	kind: CollisionKind,
	/** Lines of the first one's base; none where it is about the whole file. */
	ranges: z.array(z.tuple([z.int(), z.int()])),
	/** False for a guess: a file that was only mentioned, or lines of different bases. */
	isCertain: z.boolean(),
	/** `ordered`: the second waits until the first has ended. */
	answer: z.enum(['warned', 'ordered']),
	/** Whether both are still in flight. */
	isOpen: z.boolean(),
	foreseenAt: z.int(),
})
