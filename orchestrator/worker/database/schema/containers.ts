import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

/**
 * Work that runners claim under a lease. A pending task is ready (`run_after` and `blocked_by` are 0), waits for its time, or waits
 * for other tasks. Only ready ones stand in the claim index, which has one lane for each kind of runner and Worker, each in the
 * order of claims: whatever waits, has ended or is not for a runner costs its claim nothing.
 */
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
		/** Only runners of this Worker may take it; null = any. */
		target_worker: text(),
		execution_id: text(),
		idempotency_key: text(),
		plan_id: text(),
		/** Its name within the plan. */
		plan_key: text(),
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
		/** Not before this time (delay, backoff); 0 = at once. A time that has come becomes 0 before the next claim. */
		run_after: integer().notNull().default(0),
		/** How many of the tasks that it depends on have not ended yet. */
		blocked_by: integer().notNull().default(0),
		on_dependency_failure: text().notNull().default('fail'), // fail | run
		cancel_reason: text(),
		assigned_at: integer(),
		started_at: integer(),
		completed_at: integer(),
	},
	(t) => [
		index('container_tasks_claim')
			.on(t.target_worker, t.target_container, t.task_type, t.requires, t.worker_name, sql`priority desc`, t.id)
			.where(sql`status = 'pending' and run_after = 0 and blocked_by = 0`),
		index('container_tasks_due').on(t.run_after).where(sql`status = 'pending' and run_after > 0 and blocked_by = 0`),
		index('container_tasks_lapse').on(t.lease_expires_at).where(sql`status in ('assigned', 'running')`),
		index('container_tasks_of_execution').on(t.execution_id, t.id).where(sql`execution_id is not null`),
		index('container_tasks_of_status').on(t.status, t.id),
		index('container_tasks_of_worker').on(t.worker_name, t.id),
		index('container_tasks_of_worker_status').on(t.worker_name, t.status, t.id),
		index('container_tasks_of_plan').on(t.plan_id, t.id).where(sql`plan_id is not null`),
		index('container_tasks_closed').on(t.completed_at).where(sql`status in ('completed', 'failed')`),
		uniqueIndex('container_tasks_once').on(t.worker_name, t.idempotency_key).where(sql`idempotency_key is not null`),
	],
)

/** Which task must have ended before which may start. Rows are written with the dependent task and never change. */
export const container_task_dependencies = sqliteTable(
	'container_task_dependencies',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		task_id: text().notNull(),
		depends_on: text().notNull(),
		...origin,
	},
	(t) => [uniqueIndex('container_task_dependencies_once').on(t.task_id, t.depends_on), index('container_task_dependencies_of').on(t.depends_on, t.task_id)],
)

/** Tasks that were submitted together, all or none. */
export const container_task_plans = sqliteTable(
	'container_task_plans',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		plan_id: text().notNull().unique(),
		task_ids: text().notNull(),
		idempotency_key: text(),
		/** SHA-256 of what was submitted: the same key with other tasks is a mistake of the caller. */
		request_hash: text().notNull(),
		...origin,
	},
	(t) => [uniqueIndex('container_task_plans_once').on(t.worker_name, t.idempotency_key).where(sql`idempotency_key is not null`), index('container_task_plans_oldest').on(t.created_at)],
)

/** What the claims of a Worker's tasks may cost the others: how many run, how many may, and how much it was served. */
export const container_task_shares = sqliteTable(
	'container_task_shares',
	{
		...origin,
		worker_name: text().primaryKey(),
		running: integer().notNull().default(0),
		/** Null = the default of the queue. */
		max_running: integer(),
		/** Claims in virtual time: who was served least comes first. */
		served: integer().notNull().default(0),
	},
	(t) => [index('container_task_shares_served').on(t.served)],
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
