import { sql } from 'drizzle-orm'
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

export const workspaces = sqliteTable('workspaces', {
	id: text().primaryKey(),
	kind: text().notNull(), // hosted | github
	/** Repository name in Artifacts, or owner/name on GitHub. */
	repository: text().notNull(),
	default_branch: text().notNull(),
	import_url: text(),
	/** JSON WorkspacePolicy; null means the default. */
	policy: text(),
	...origin,
})

export const orders = sqliteTable(
	'orders',
	{
		id: text().primaryKey(),
		prompt: text().notNull(),
		task_type: text().notNull(),
		workspace_id: text(),
		/** JSON of the WorkspaceRef as asked for. */
		workspace_ref: text().notNull(),
		branch: text().notNull(),
		commit_id: text(),
		status: text().notNull(),
		priority: text().notNull(),
		cost_profile: text().notNull(),
		budget_usd: real(),
		provider: text(),
		preferred_model: text(),
		validate_commands: text().notNull().default('[]'),
		factory: text(),
		context: text(),
		wall_clock_ms: integer().notNull(),
		stall_ms: integer().notNull(),
		pull_request_number: integer(),
		pull_request_url: text(),
		...origin,
	},
	(t) => [index('orders_newest').on(t.created_at, t.id), index('orders_of_worker').on(t.worker_name, t.created_at, t.id)],
)

export const tasks = sqliteTable(
	'tasks',
	{
		uuid: text().primaryKey(),
		order_id: text().notNull(),
		task_type: text().notNull(),
		prompt: text().notNull(),
		status: text().notNull(),
		provider: text(),
		execution_id: text(),
		error: text(),
		/** The task whose conflict this one resolves, and how many such steps lie behind it. */
		parent_task_uuid: text(),
		depth: integer().notNull().default(0),
		/** JSON [{ path, start?, end? }]: all that the task may touch; null means anything. */
		scope: text(),
		/** JSON: what a remediation task was given. */
		context: text(),
		...origin,
	},
	(t) => [index('tasks_of_order').on(t.order_id, t.created_at, t.uuid), index('tasks_of_parent').on(t.parent_task_uuid)],
)

/** One row per Idempotency-Key of a caller: the answer that a repeat gets. */
export const idempotency_keys = sqliteTable(
	'idempotency_keys',
	{
		/** caller, door and key, joined. */
		key: text().primaryKey(),
		request_hash: text().notNull(),
		response: text(),
		...origin,
	},
	(t) => [index('idempotency_keys_oldest').on(t.created_at)],
)

export const followups = sqliteTable(
	'followups',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		order_id: text(),
		task_uuid: text(),
		type: text().notNull(), // blocked | review | escalation
		impact_level: integer().notNull().default(3),
		status: text().notNull().default('open'),
		note: text().notNull(),
		data: text(),
		resolved_at: integer(),
		github_issue_id: text(),
		...origin,
	},
	(t) => [index('followups_open').on(t.impact_level, t.id).where(sql`status = 'open'`), uniqueIndex('followups_once').on(t.task_uuid, t.type, t.note)],
)

/** Deliveries of webhooks that were taken: a repeated one does nothing. */
export const webhook_deliveries = sqliteTable(
	'webhook_deliveries',
	{
		/** Source and delivery id, joined. */
		id: text().primaryKey(),
		source: text().notNull(), // github | jules
		event: text().notNull(),
		/** received | done | ignored | failed */
		status: text().notNull(),
		/** JSON: what came of it. */
		result: text().notNull().default('{}'),
		...origin,
	},
	(t) => [index('webhook_deliveries_newest').on(t.source, t.created_at)],
)
