import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

/** A patch set is stored before anything is done with it, and stays re-appliable whatever becomes of it. */
export const patch_sets = sqliteTable(
	'patch_sets',
	{
		patch_set_id: text().primaryKey(),
		/** Of the run that made it; '' where no agent did (a batch of patches, an undo). */
		execution_id: text().notNull(),
		task_uuid: text().notNull(),
		order_id: text().notNull(),
		base_commit: text().notNull(),
		/** JSON of the set; null when it is in the bucket under `object_key` (D1 rows end at 2 MB). */
		body: text(),
		object_key: text(),
		sha256: text().notNull(),
		size_bytes: integer().notNull(),
		file_count: integer().notNull(),
		patch_count: integer().notNull(),
		/** stored | evidence | refused | asked | candidate | landed | stale | conflict | reverted */
		status: text().notNull(),
		error: text(),
		/** Where it is to land; null for sets that were stored before anybody asked. */
		workspace_id: text(),
		branch: text(),
		/** The commit it landed as, and when (Unix ms). */
		landed_commit: text(),
		landed_at: integer(),
		/** The set that this one takes back. */
		reverts: text(),
		...origin,
	},
	(t) => [
		index('patch_sets_of_execution').on(t.execution_id),
		index('patch_sets_of_order').on(t.order_id, t.created_at),
		index('patch_sets_of_workspace').on(t.workspace_id, t.created_at, t.patch_set_id),
	],
)

/** One request to land a set without an agent: patches from a person or a Worker, a kept set once more, an undo. */
export const patch_batches = sqliteTable(
	'patch_batches',
	{
		batch_id: text().primaryKey(),
		kind: text().notNull(), // apply | reapply | revert
		patch_set_id: text().notNull(),
		workspace_id: text().notNull(),
		branch: text().notNull(),
		order_id: text(),
		/** The same request again is the same batch; another one under its id is refused. */
		request_hash: text().notNull(),
		/** JSON: commands, message, requester, reason. */
		input: text().notNull(),
		/** pending | landed | refused | conflict | failed */
		status: text().notNull(),
		/** JSON: the candidate that was made last. */
		candidate: text(),
		commit_id: text(),
		error: text(),
		/** When the Workflow was last seen doing something. */
		seen_at: integer().notNull(),
		completed_at: integer(),
		...origin,
	},
	(t) => [
		index('patch_batches_of_set').on(t.patch_set_id, t.created_at),
		index('patch_batches_newest').on(t.created_at, t.batch_id),
		index('patch_batches_open').on(t.seen_at, t.batch_id).where(sql`completed_at is null`),
	],
)

/** What a landing did to each file: who wrote which line is read from here. */
export const patch_landed_files = sqliteTable(
	'patch_landed_files',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		patch_set_id: text().notNull(),
		workspace_id: text().notNull(),
		branch: text().notNull(),
		commit_id: text().notNull(),
		path: text().notNull(),
		from_path: text(),
		landing: text().notNull(), // applied | merged
		/** Blob on the branch before and after; null where there was, or is, no file. */
		old_blob: text(),
		new_blob: text(),
		...origin,
	},
	(t) => [index('patch_landed_files_of_path').on(t.workspace_id, t.path, t.id), uniqueIndex('patch_landed_files_once').on(t.patch_set_id, t.commit_id, t.path)],
)

/** The lines that work in flight will touch, touches or has touched: what the collision forecast compares. */
export const patch_footprints = sqliteTable(
	'patch_footprints',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		/** The execution, or the batch, whose work it is. */
		subject_id: text().notNull(),
		workspace_id: text().notNull(),
		branch: text().notNull(),
		base_commit: text(),
		/** declared by the order | observed in a running agent's tree | patch-set */
		source: text().notNull(),
		path: text().notNull(),
		/** JSON [[first, last], ...] of the base; [] stands for the whole file. */
		ranges: text().notNull().default('[]'),
		/** 1 while the subject is in flight. */
		is_open: integer().notNull().default(1),
		...origin,
	},
	(t) => [
		uniqueIndex('patch_footprints_once').on(t.subject_id, t.source, t.path),
		index('patch_footprints_open').on(t.workspace_id, t.path).where(sql`is_open = 1`),
	],
)

/** Two pieces of work in flight that will be in each other's way, as it was foreseen. */
export const patch_collisions = sqliteTable(
	'patch_collisions',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		workspace_id: text().notNull(),
		first_subject: text().notNull(),
		second_subject: text().notNull(),
		path: text().notNull(),
		kind: text().notNull(),
		/** JSON [[first, last], ...] of the first one's base. */
		ranges: text().notNull().default('[]'),
		is_certain: integer().notNull().default(0),
		/** warned | ordered */
		answer: text().notNull(),
		...origin,
	},
	(t) => [uniqueIndex('patch_collisions_once').on(t.first_subject, t.second_subject, t.path), index('patch_collisions_of_workspace').on(t.workspace_id, t.id)],
)

/** What happened to a patch set, step by step. */
export const patch_events = sqliteTable(
	'patch_events',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		patch_id: text().notNull(),
		event_type: text().notNull(),
		status: text().notNull(),
		metadata: text().notNull().default('{}'),
		...origin,
	},
	(t) => [index('patch_events_of_patch').on(t.patch_id, t.id)],
)
