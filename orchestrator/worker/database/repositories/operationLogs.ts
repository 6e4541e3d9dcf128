import type { LogEntry } from '@shared/contracts'
import type { Selectable } from 'kysely'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** One line for the audit trail, before it has a place in it. */
export interface LogLine {
	source: string
	operation: string
	level?: LogEntry['level']
	orderId?: string | null | undefined
	taskId?: string | null | undefined
	executionId?: string | null | undefined
	details?: Record<string, unknown>
	/** With an execution: a second line of the same operation and key is dropped, so a repeated step logs once. */
	onceKey?: string
	durationMs?: number
	workerName: string
	containerName?: string | null | undefined
	at: number
}

/** The statement that appends a line; batch it with the state change it tells of, so the two cannot part. */
export function appendLog(line: LogLine): Statement {
	return sql
		.insertInto('operation_logs')
		.values({
			source: line.source,
			operation: line.operation,
			level: line.level ?? 'info',
			order_id: line.orderId ?? null,
			task_uuid: line.taskId ?? null,
			execution_id: line.executionId ?? null,
			details: JSON.stringify(line.details ?? {}),
			trace_id: line.onceKey ?? null,
			duration_ms: line.durationMs ?? null,
			worker_name: line.workerName,
			container_name: line.containerName ?? null,
			created_at: line.at,
			updated_at: line.at,
		})
		.onConflict((conflict) => conflict.doNothing())
}

/** A row as the log shows it. The details are the caller's to read: they may be long, or be no JSON. */
export function entryOf<Details>(row: Selectable<Schema['operation_logs']>, details: Details) {
	return {
		source: row.source,
		operation: row.operation,
		level: row.level as LogEntry['level'],
		orderId: row.order_id,
		taskId: row.task_uuid,
		executionId: row.execution_id,
		details,
		workerName: row.worker_name,
		containerName: row.container_name,
	}
}

/** The trail of one execution from after `since`, oldest first; one row more than `limit` says that there is more. */
export const executionLogQuery = (executionId: string, since: number, limit: number) =>
	sql.selectFrom('operation_logs').selectAll().where('execution_id', '=', executionId).where('id', '>', since).orderBy('id').limit(limit + 1)

export async function readExecutionLog(db: Database, page: { executionId: string; since: number; limit: number }) {
	const rows = await db.all(executionLogQuery(page.executionId, page.since, page.limit))
	const items = rows.slice(0, page.limit).map(
		(row): LogEntry => ({ cursor: String(row.id), at: row.created_at, ...entryOf(row, JSON.parse(row.details) as Record<string, unknown>) }),
	)
	return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.cursor ?? null) : null }
}
