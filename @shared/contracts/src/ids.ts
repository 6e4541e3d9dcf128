import { z } from 'zod'

// Ids are branded so that an execution id cannot be passed where a task id is wanted; on the wire they are plain strings.
const id = <Brand extends string>(pattern: RegExp, _brand: Brand) => z.string().regex(pattern).brand<Brand>()

/** What a person asks for, for example `ORD-7K2M9Q`. */
export type OrderId = z.infer<typeof OrderId>
export const OrderId = id(/^ORD-[0-9A-HJKMNP-TV-Z]{6}$/, 'OrderId')

/** One unit of code change of an order (`task_uuid`). */
export type TaskId = z.infer<typeof TaskId>
export const TaskId = id(/^TSK-[0-9A-HJKMNP-TV-Z]{12}$/, 'TaskId')

/** One attempt of one provider at one task; also the id of its Workflow instance. */
export type ExecutionId = z.infer<typeof ExecutionId>
export const ExecutionId = id(/^EXE-[0-9A-HJKMNP-TV-Z]{16}$/, 'ExecutionId')

/** All patches of one execution; a later attempt of the same container task has `~2` and so on behind it. */
export type PatchSetId = z.infer<typeof PatchSetId>
export const PatchSetId = id(/^PST-[0-9A-HJKMNP-TV-Z]{16}(~\d{1,2})?$/, 'PatchSetId')

/** Something that waits for a person. */
export type HumanRequestId = z.infer<typeof HumanRequestId>
export const HumanRequestId = id(/^HRQ-[0-9A-HJKMNP-TV-Z]{16}$/, 'HumanRequestId')

/** Work that a runner claims under a lease (`container_tasks.task_id`). */
export type ContainerTaskId = z.infer<typeof ContainerTaskId>
export const ContainerTaskId = id(/^CTK-[0-9A-HJKMNP-TV-Z]{16}$/, 'ContainerTaskId')

/** The git repository an order works in. Lower case, because it is also a repository name. */
export type WorkspaceId = z.infer<typeof WorkspaceId>
export const WorkspaceId = id(/^wsp-[0-9a-hjkmnp-tv-z]{12}$/, 'WorkspaceId')

/** A git object id (SHA-1, 40 hex digits). */
export type GitObjectId = z.infer<typeof GitObjectId>
export const GitObjectId = z.string().regex(/^[0-9a-f]{40}$/)
