import { sql } from 'drizzle-orm'
import { index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { origin } from './columns.ts'

export const ai_evaluations = sqliteTable('ai_evaluations', {
	id: text().primaryKey(),
	prompt: text().notNull(),
	model: text().notNull(),
	judge_model: text(),
	round: integer().notNull().default(1),
	score: real(),
	criteria: text().notNull().default('[]'),
	verdict: text(),
	output: text(),
	duration_ms: integer(),
	cost_micro_usd: integer(),
	...origin,
})

/** To-do items of the agent-task-manager module; not tasks of orders, not container tasks. */
export const ai_tasks = sqliteTable(
	'ai_tasks',
	{
		id: text().primaryKey(),
		agent_id: text().notNull(),
		title: text().notNull(),
		status: text().notNull(),
		details: text(),
		completed_at: integer(),
		...origin,
	},
	(t) => [index('ai_tasks_of_agent').on(t.agent_id, t.created_at)],
)

export const ai_tasks_hitl = sqliteTable(
	'ai_tasks_hitl',
	{
		id: text().primaryKey(),
		agent_id: text().notNull(),
		action: text().notNull(),
		args: text().notNull(),
		args_digest: text().notNull(),
		status: text().notNull(), // pending | approved | rejected | expired | consumed | superseded
		decided_by: text(),
		reason: text(),
		result: text(),
		expires_at: integer().notNull(),
		decided_at: integer(),
		/** What waits for the answer, where it is an execution, a batch or an order. */
		order_id: text(),
		execution_id: text(),
		...origin,
	},
	(t) => [index('ai_tasks_hitl_of_execution').on(t.execution_id, t.created_at), index('ai_tasks_hitl_pending').on(t.expires_at).where(sql`status = 'pending'`), index('ai_tasks_hitl_of_agent').on(t.agent_id, t.created_at)],
)

export const ai_routing_decisions = sqliteTable(
	'ai_routing_decisions',
	{
		id: text().primaryKey(),
		prompt_digest: text().notNull(),
		route: text().notNull(),
		model: text().notNull(),
		rule: text().notNull(),
		scores: text().notNull().default('{}'),
		attempts: text().notNull().default('[]'),
		duration_ms: integer(),
		cost_micro_usd: integer(),
		...origin,
	},
	(t) => [index('ai_routing_decisions_newest').on(t.created_at)],
)

export const ai_structured_outputs = sqliteTable('ai_structured_outputs', {
	id: text().primaryKey(),
	schema_digest: text().notNull(),
	schema: text().notNull(),
	prompt: text().notNull(),
	output: text(),
	raw: text(),
	repaired: integer().notNull().default(0),
	error: text(),
	model: text(),
	duration_ms: integer(),
	...origin,
})

export const ai_tool_calls = sqliteTable(
	'ai_tool_calls',
	{
		id: text().primaryKey(),
		conversation_id: text().notNull(),
		tool_name: text().notNull(),
		input: text().notNull(),
		output: text(),
		status: text().notNull(),
		error: text(),
		duration_ms: integer(),
		...origin,
	},
	(t) => [index('ai_tool_calls_of_conversation').on(t.conversation_id, t.created_at)],
)

export const ai_tool_call_streams = sqliteTable('ai_tool_call_streams', {
	id: text().primaryKey(),
	conversation_id: text().notNull(),
	status: text().notNull(),
	chunk_count: integer().notNull().default(0),
	text: text(),
	error: text(),
	completed_at: integer(),
	...origin,
})
