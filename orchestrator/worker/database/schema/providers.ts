import { sql } from 'drizzle-orm'
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

/** What an operator changed about a provider, and its circuit breaker. No row means the registry's defaults. */
export const ai_provider_configs = sqliteTable('ai_provider_configs', {
	provider_name: text().primaryKey(),
	api_endpoint: text(),
	default_model: text(),
	rate_limits: text(),
	cost_per_token: real(),
	enabled: integer().notNull().default(1),
	mode: text(), // gateway | direct
	circuit: text().notNull().default('closed'),
	consecutive_failures: integer().notNull().default(0),
	parked_until: integer(),
	last_error_code: text(),
	last_error_message: text(),
	last_error_at: integer(),
	...origin,
})

export const ai_provider_assignments = sqliteTable(
	'ai_provider_assignments',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		task_uuid: text().notNull(),
		provider_name: text().notNull(),
		provider_type: text().notNull(), // jules | cli
		status: text().notNull(),
		execution_id: text(),
		/** JSON RouteDecision. */
		route: text().notNull(),
		...origin,
	},
	(t) => [index('ai_provider_assignments_of_task').on(t.task_uuid, t.id)],
)

export const ai_provider_executions = sqliteTable(
	'ai_provider_executions',
	{
		execution_id: text().primaryKey(),
		provider_name: text().notNull(),
		provider_type: text().notNull(),
		task_uuid: text().notNull(),
		order_id: text().notNull(),
		model: text(),
		/** JSON: prompt, limits, validate commands. */
		input: text().notNull(),
		/** JSON: what the runner said, without the patch set. */
		output: text(),
		/** Id of the patch set; the set itself is in `patch_sets`. */
		patch_data: text(),
		status: text().notNull(),
		phase: text().notNull(),
		attempt: integer().notNull().default(1),
		route: text().notNull(),
		workspace_id: text(),
		base_commit: text(),
		base_tree: text(),
		candidate_commit: text(),
		candidate_tree: text(),
		landed_commit: text(),
		container_task_id: text(),
		error: text(),
		next_execution_id: text(),
		cancel_reason: text(),
		usage: text(),
		/** Sum of the priced calls, in micro-USD. */
		cost_micro_usd: integer().notNull().default(0),
		unpriced_calls: integer().notNull().default(0),
		model_calls: integer().notNull().default(0),
		budget_micro_usd: integer(),
		/** Reserved for calls in flight, so that parallel calls cannot all pass the same check. */
		held_micro_usd: integer().notNull().default(0),
		/** JSON: phase to the Unix ms at which it was entered. */
		phases_at: text().notNull().default('{}'),
		runner_phases_ms: text().notNull().default('{}'),
		duration_ms: integer(),
		/** When the queue was last told about it; the sweeper tells it again. */
		enqueued_at: integer(),
		/** When its Workflow was last seen doing something. */
		seen_at: integer(),
		started_at: integer(),
		completed_at: integer(),
		...origin,
	},
	(t) => [
		index('ai_provider_executions_of_task').on(t.task_uuid, t.created_at, t.execution_id),
		index('ai_provider_executions_newest').on(t.created_at, t.execution_id),
		index('ai_provider_executions_open').on(t.seen_at, t.execution_id).where(sql`completed_at is null`),
		index('ai_provider_executions_of_provider').on(t.provider_name, t.status),
		// At most one live execution a task: a second concurrent start fails its whole batch.
		uniqueIndex('ai_provider_executions_one_live').on(t.task_uuid).where(sql`completed_at is null`),
	],
)

/** One call of a CLI through the model gateway. `cost_micro_usd` is null when the model's price is not known. */
export const gateway_calls = sqliteTable(
	'gateway_calls',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		execution_id: text().notNull(),
		provider_name: text().notNull(),
		model: text(),
		status: integer().notNull(),
		input_tokens: integer().notNull().default(0),
		output_tokens: integer().notNull().default(0),
		cache_read_tokens: integer().notNull().default(0),
		cache_write_tokens: integer().notNull().default(0),
		cost_micro_usd: integer(),
		/** JSON: price source, version, matched model and unit prices. */
		pricing: text(),
		duration_ms: integer().notNull(),
		error_code: text(),
		...origin,
	},
	(t) => [index('gateway_calls_of_execution').on(t.execution_id, t.id)],
)

export const operation_logs = sqliteTable(
	'operation_logs',
	{
		id: integer().primaryKey({ autoIncrement: true }),
		source: text().notNull(),
		operation: text().notNull(),
		level: text().notNull().default('info'),
		order_id: text(),
		task_uuid: text(),
		execution_id: text(),
		details: text().notNull().default('{}'),
		trace_id: text(),
		duration_ms: integer(),
		...origin,
	},
	(t) => [
		// Most lines of the task queue have neither, and D1 counts what is written to an index as a row.
		index('operation_logs_of_execution').on(t.execution_id, t.id).where(sql`execution_id is not null`),
		index('operation_logs_of_order').on(t.order_id, t.id).where(sql`order_id is not null`),
		uniqueIndex('operation_logs_once').on(t.execution_id, t.operation, t.trace_id).where(sql`trace_id is not null`),
	],
)

/** The cloud session behind an execution of Jules, and how far its activities have been read. */
export const jules_sessions = sqliteTable(
	'jules_sessions',
	{
		execution_id: text().primaryKey(),
		/** `sessions/<id>`; null until the create is known to have worked. */
		session_name: text(),
		session_url: text(),
		source: text(),
		state: text().notNull().default('STATE_UNSPECIFIED'),
		/** JSON: the watch's own memory (cursor, last sign of the agent, nudge, what was asked). */
		memory: text().notNull().default('{}'),
		pull_request_url: text(),
		/** Unix ms of the create, for the plan's budget. */
		started_at: integer(),
		ended_at: integer(),
		...origin,
	},
	(t) => [uniqueIndex('jules_sessions_name').on(t.session_name).where(sql`session_name is not null`), index('jules_sessions_started').on(t.started_at)],
)
