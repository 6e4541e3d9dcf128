import type { ContainerHealth } from '@shared/contracts'
import { sql as raw } from 'kysely'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** Adds checks to the history. */
export function appendChecksStatement(checks: readonly ContainerHealth[], { workerName, containerName }: { workerName: string; containerName: string }): Statement {
	const rows = checks.map(({ instanceId, isHealthy, statusCode, latencyMs, detail, checkedAt }) => [
		instanceId,
		isHealthy ? 'healthy' : 'unhealthy',
		statusCode,
		latencyMs === null ? null : Math.round(latencyMs),
		detail,
		workerName,
		containerName,
		checkedAt,
		checkedAt,
	])
	const columns = ['instance_id', 'status', 'status_code', 'latency_ms', 'detail', 'worker_name', 'container_name', 'created_at', 'updated_at'] as const
	const given = sql.selectFrom(raw<{ value: string }>`json_each(${JSON.stringify(rows)})`.as('given'))
	return sql
		.insertInto('container_health_checks')
		.columns([...columns])
		.expression(given.select(columns.map((column, index) => raw<never>`value ->> ${raw.lit(index)}`.as(column))))
}

export interface CheckPage {
	workerName: string
	instanceId: string
	/** The row id to go on from. */
	before?: number | undefined
	limit: number
}

/** The history of one instance, newest first. Names are the same in many pools; there are few pools, so the index is enough. */
export function checksQuery({ workerName, instanceId, before, limit }: CheckPage) {
	const query = sql.selectFrom('container_health_checks').selectAll().where('instance_id', '=', instanceId).where('worker_name', '=', workerName).orderBy('id', 'desc').limit(limit)
	return before === undefined ? query : query.where('id', '<', before)
}

export async function listChecks(db: Database, page: CheckPage): Promise<{ id: number; check: ContainerHealth }[]> {
	const rows = await db.all(checksQuery(page))
	return rows.map((row) => ({
		id: row.id,
		check: { instanceId: row.instance_id, isHealthy: row.status === 'healthy', statusCode: row.status_code, latencyMs: row.latency_ms, checkedAt: row.created_at, detail: row.detail },
	}))
}

/** Forgets the oldest checks beyond the newest `keep`, at most `limit` of them. */
export const forgetChecksStatement = (keep: number, limit: number): Statement =>
	sql
		.deleteFrom('container_health_checks')
		.where('id', 'in', raw<number>`(select id from container_health_checks where id <= (select max(id) from container_health_checks) - ${keep} order by id limit ${limit})`)
