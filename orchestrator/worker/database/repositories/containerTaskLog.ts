import type { LogEntry, ProgressEvent } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { sql } from '../client.ts'
import type { Schema, Statement } from '../client.ts'
import { idsIn } from '../idList.ts'
import { prepared } from '../prepared.ts'

type Where = (where: ExpressionBuilder<Schema, 'container_tasks'>) => Expression<SqlBool>

export interface TaskLogLine {
	operation: string
	level?: LogEntry['level']
	at: number
	/** Columns and values for `details`, beside the task's id, type and attempt. */
	details?: Record<string, Expression<unknown> | string | number | null>
}

const COLUMNS = [
	'source',
	'operation',
	'level',
	'order_id',
	'task_uuid',
	'execution_id',
	'details',
	'trace_id',
	'worker_name',
	'container_name',
	'created_at',
	'updated_at',
] as const

// An execution's log is read by its order and task too, so a line of its container task carries both.
const orderOf = raw<string | null>`(select order_id from ai_provider_executions e where e.execution_id = container_tasks.execution_id)`
const taskOf = raw<string | null>`(select task_uuid from ai_provider_executions e where e.execution_id = container_tasks.execution_id)`
/** Who holds or held the lease, without its Worker. */
const holder = raw<string | null>`substr(assigned_to, instr(assigned_to, ':') + 1)`

/**
 * One log line for each task that `where` picks. Put it before the update of the same rows in the same batch: a batch
 * is one transaction, so both see the same rows, and `where` may be the update's own condition.
 */
export function logTasks(where: Where, line: TaskLogLine): Statement {
	const fields = { taskId: raw`task_id`, taskType: raw`task_type`, attempt: raw`attempt`, ...line.details }
	const details = raw<string>`json_object(${raw.join(Object.entries(fields).flatMap(([name, value]) => [raw.lit(name), raw`${value}`]))})`
	return sql
		.insertInto('operation_logs')
		.columns(COLUMNS)
		.expression(
			sql
				.selectFrom('container_tasks')
				.select([
					raw.val('orchestrator.queue').as('source'),
					raw.val(line.operation).as('operation'),
					raw.val(line.level ?? 'info').as('level'),
					orderOf.as('order_id'),
					taskOf.as('task_uuid'),
					'execution_id',
					details.as('details'),
					raw<null>`null`.as('trace_id'),
					'worker_name',
					holder.as('container_name'),
					raw.val(line.at).as('created_at'),
					raw.val(line.at).as('updated_at'),
				])
				.where(where),
		)
}

/** The lines of new tasks. Picks nothing of what was not inserted because its key was known. */
export const logSubmitted = prepared(({ taskIds, at }: { taskIds: string; at: number }) => logTasks((where) => where('task_id', 'in', idsIn(taskIds)), { operation: 'queue.submitted', at }))

/** One line of a running CLI, cut to size and named so that the same event is kept once. */
export interface ProgressLine {
	operation: `agent.${ProgressEvent['kind']}`
	level: LogEntry['level']
	details: { taskId: string; at: number; text: string; data?: unknown }
	onceKey: string
}

/** Appends what the runner said, unless the task is no longer the one that `where` picks. */
export function logProgress(where: Where, lines: readonly ProgressLine[], at: number): Statement {
	const field = (path: string) => raw<string>`json_extract(event.value, ${raw.lit(path)})`
	return sql
		.insertInto('operation_logs')
		.columns(COLUMNS)
		.expression(
			sql
				.selectFrom(['container_tasks', raw<{ key: number }>`json_each(${JSON.stringify(lines)})`.as('event')])
				.select([
					raw.val('runner').as('source'),
					field('$.operation').as('operation'),
					field('$.level').as('level'),
					orderOf.as('order_id'),
					taskOf.as('task_uuid'),
					'execution_id',
					field('$.details').as('details'),
					field('$.onceKey').as('trace_id'),
					'worker_name',
					holder.as('container_name'),
					raw.val(at).as('created_at'),
					raw.val(at).as('updated_at'),
				])
				.where((builder) => where(builder as unknown as ExpressionBuilder<Schema, 'container_tasks'>))
				.orderBy('event.key'),
		)
		.onConflict((conflict) => conflict.doNothing())
}
