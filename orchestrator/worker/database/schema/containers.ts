import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

/** Work that runners claim under a lease. The claim index has the order of the claim query, so a claim never sorts. */
export const container_tasks = sqliteTable(
	'container_tasks',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		task_id: text().notNull().unique(),
		...origin,
		priority: integer().notNull().default(0),
		status: text().notNull().default('pending'),
		task_type: text().notNull(),
		command: text().notNull().default('[]'),
		parameters: text().notNull().default('{}'),
		requires: text(),
		/** Target container name; null = any. (`container_name` is who wrote the row.) */
		target_container: text(),
		execution_id: text(),
		idempotency_key: text(),
		assigned_to: text(),
		outcome: text(),
		output: text(),
		/** Key in the bucket when the output is too long for a row. */
		output_key: text(),
		error: text(),
		attempt: integer().notNull().default(0),
		max_attempts: integer().notNull().default(3),
		timeout_ms: integer().notNull(),
		lease_token: text(),
		lease_expires_at: integer(),
		/** Not before this time (backoff); 0 = at once. */
		run_after: integer().notNull().default(0),
		cancel_reason: text(),
		assigned_at: integer(),
		started_at: integer(),
		completed_at: integer(),
	},
	(t) => [
		index('container_tasks_claim').on(sql`priority desc`, t.id).where(sql`status = 'pending'`),
		index('container_tasks_lapse').on(t.lease_expires_at).where(sql`status in ('assigned', 'running')`),
		index('container_tasks_of_execution').on(t.execution_id, t.id),
		index('container_tasks_of_status').on(t.status, t.id),
		uniqueIndex('container_tasks_once').on(t.worker_name, t.idempotency_key).where(sql`idempotency_key is not null`),
	],
)

/** Reports that came with a lease that was no longer held: kept, never applied. */
export const container_task_evidence = sqliteTable(
	'container_task_evidence',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		task_id: text().notNull(),
		execution_id: text(),
		kind: text().notNull(), // complete | fail
		reason: text().notNull(),
		lease_token_hash: text().notNull(),
		body: text(),
		object_key: text(),
		...origin,
	},
	(t) => [index('container_task_evidence_of_task').on(t.task_id, t.id)],
)

export const container_instances = sqliteTable(
	'container_instances',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		instance_id: text().notNull(),
		state: text().notNull(), // starting | running | unhealthy | stopped | failed
		port: integer().notNull().default(8080),
		last_health_check: integer(),
		degraded: integer().notNull().default(0),
		draining: integer().notNull().default(0),
		generation: integer().notNull().default(1),
		detail: text(),
		...origin,
	},
	(t) => [uniqueIndex('container_instances_name').on(t.worker_name, t.instance_id), index('container_instances_of_state').on(t.worker_name, t.state)],
)

export const container_health_checks = sqliteTable(
	'container_health_checks',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		instance_id: text().notNull(),
		status: text().notNull(),
		status_code: integer(),
		latency_ms: integer(),
		detail: text(),
		...origin,
	},
	(t) => [index('container_health_checks_of_instance').on(t.instance_id, t.id)],
)
