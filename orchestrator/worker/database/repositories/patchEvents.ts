import { sql as raw } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** Something that happened to a patch set. */
export interface PatchEvent {
	patchSetId: string
	eventType: string
	status: 'ok' | 'failed'
	metadata: Record<string, unknown>
	origin: Origin
	at: number
}

/** Appends the event unless the same one (set, type, status, metadata) is there already, so that a repeated step tells it once. */
export function appendPatchEvent({ patchSetId, eventType, status, metadata, origin, at }: PatchEvent): Statement {
	const text = JSON.stringify(metadata)
	const same = sql
		.selectFrom('patch_events')
		.select('id')
		.where('patch_id', '=', patchSetId)
		.where('event_type', '=', eventType)
		.where('status', '=', status)
		.where('metadata', '=', text)
	const row = sql
		.selectNoFrom([
			raw<string>`${patchSetId}`.as('patch_id'),
			raw<string>`${eventType}`.as('event_type'),
			raw<string>`${status}`.as('status'),
			raw<string>`${text}`.as('metadata'),
			raw<string>`${origin.workerName}`.as('worker_name'),
			raw<string | null>`${origin.containerName ?? null}`.as('container_name'),
			raw<number>`${at}`.as('created_at'),
			raw<number>`${at}`.as('updated_at'),
		])
		.where(({ not, exists }) => not(exists(same)))
	return sql
		.insertInto('patch_events')
		.columns(['patch_id', 'event_type', 'status', 'metadata', 'worker_name', 'container_name', 'created_at', 'updated_at'])
		.expression(row)
}

export const patchEventsQuery = (patchSetId: string, limit: number) =>
	sql.selectFrom('patch_events').selectAll().where('patch_id', '=', patchSetId).orderBy('id').limit(limit)

/** What happened to a set, oldest first. */
export async function eventsOfPatchSet(db: Database, patchSetId: string, limit = 100) {
	const rows = await db.all(patchEventsQuery(patchSetId, limit))
	return rows.map((row) => ({
		eventType: row.event_type,
		status: row.status,
		metadata: JSON.parse(row.metadata) as Record<string, unknown>,
		workerName: row.worker_name,
		at: row.created_at,
	}))
}
