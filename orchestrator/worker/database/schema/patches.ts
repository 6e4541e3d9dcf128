import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

/** A patch set is stored before anything is done with it, and stays re-appliable whatever becomes of it. */
export const patch_sets = sqliteTable(
	'patch_sets',
	{
		patch_set_id: text().primaryKey(),
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
		/** stored | evidence | refused | candidate | landed | stale */
		status: text().notNull(),
		error: text(),
		...origin,
	},
	(t) => [index('patch_sets_of_execution').on(t.execution_id), index('patch_sets_of_order').on(t.order_id, t.created_at)],
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
