import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import type { Failure } from '@shared/contracts'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** The cloud session behind an execution of Jules. */
export interface JulesSessionRow {
	executionId: string
	/** Null until the create is known to have worked. */
	sessionId: string | null
	url: string | null
	/** JSON. */
	memory: string
	startedAt: number
	endedAt: number | null
}

function toRow(row: Selectable<Schema['jules_sessions']>): JulesSessionRow {
	return {
		executionId: row.execution_id,
		sessionId: row.session_name === null ? null : row.session_name.replace(/^sessions\//, ''),
		url: row.session_url,
		memory: row.memory,
		startedAt: row.started_at ?? row.created_at,
		endedAt: row.ended_at,
	}
}

export async function findJulesSession(db: Database, executionId: string): Promise<JulesSessionRow | undefined> {
	const row = await db.first(sql.selectFrom('jules_sessions').selectAll().where('execution_id', '=', executionId))
	return row && toRow(row)
}

/** The execution that a session works for; undefined for a session that is not ours. */
export async function executionOfJulesSession(db: Database, sessionId: string): Promise<string | undefined> {
	return (await db.first(executionOfSessionQuery(sessionId)))?.execution_id
}

export const executionOfSessionQuery = (sessionId: string) => sql.selectFrom('jules_sessions').select('execution_id').where('session_name', '=', `sessions/${sessionId}`)

/** A session runs until its end was written; of an execution that ended without saying so, until then. */
export const runningJulesQuery = () =>
	sql
		.selectFrom('ai_provider_executions as e')
		// Not a plain join: few executions are open, and sessions are kept for ever.
		.crossJoin('jules_sessions as j')
		.select((select) => select.fn.countAll<number>().as('count'))
		.whereRef('j.execution_id', '=', 'e.execution_id')
		.where('j.ended_at', 'is', null)
		.where('e.completed_at', 'is', null)

export const julesStartsQuery = (since: number) => sql.selectFrom('jules_sessions').select('started_at').where('started_at', '>', since)

/** When sessions were started since then, and how many run. */
export async function julesLoad(db: Database, since: number): Promise<{ startsAt: number[]; running: number }> {
	const starts = await db.all(julesStartsQuery(since))
	const count = await db.first(runningJulesQuery())
	return { startsAt: starts.flatMap((row) => row.started_at ?? []), running: count?.count ?? 0 }
}

export interface Reservation {
	executionId: string
	source: string | null
	memory: string
	limits: { perDay: number; concurrent: number }
	since: number
	origin: Origin
	at: number
}

/** Takes a place in the plan, in one statement, so that two starts never take the last one both. Returns false when there is none. */
export async function reserveJulesSession(db: Database, { executionId, source, memory, limits, since, origin, at }: Reservation): Promise<boolean> {
	const place = sql
		.selectNoFrom((select) => [
			select.val(executionId).as('execution_id'),
			select.val(source).as('source'),
			select.val(memory).as('memory'),
			select.val(at).as('started_at'),
			select.val(origin.workerName).as('worker_name'),
			select.val(at).as('created_at'),
			select.val(at).as('updated_at'),
		])
		.where(({ eb, selectFrom }) => eb(selectFrom('jules_sessions').select((select) => select.fn.countAll<number>().as('count')).where('started_at', '>', since), '<', limits.perDay))
		.where(({ eb }) => eb(runningJulesQuery(), '<', limits.concurrent))
	const changed = await db.run(sql.insertInto('jules_sessions').columns(['execution_id', 'source', 'memory', 'started_at', 'worker_name', 'created_at', 'updated_at']).expression(place).onConflict((conflict) => conflict.doNothing()))
	return changed > 0
}

/** Gives the place back, when it is sure that no session was started. */
export const releaseJulesSession = (executionId: string): Statement => sql.deleteFrom('jules_sessions').where('execution_id', '=', executionId).where('session_name', 'is', null)

export interface JulesSessionChange {
	session_name?: string
	session_url?: string | null
	state?: string
	memory?: string
	pull_request_url?: string | null
	ended_at?: number
}

export function changeJulesSession({ executionId, change, at }: { executionId: string; change: JulesSessionChange; at: number }): Statement {
	return sql.updateTable('jules_sessions').set({ ...change, updated_at: at }).where('execution_id', '=', executionId)
}

/** Says in a live execution why it waits and for how long, and keeps the sweeper away until then; null when it goes on. */
export function parkExecution({ executionId, error, until, at }: { executionId: string; error: Failure | null; until: number; at: number }): Statement {
	return sql
		.updateTable('ai_provider_executions')
		.set({ error: error === null ? null : JSON.stringify(error), seen_at: until, updated_at: at })
		.where('execution_id', '=', executionId)
		.where('completed_at', 'is', null)
}

/** Books the session: one task, whose price nobody tells. */
export function bookJulesTask(executionId: string): Statement {
	return sql.updateTable('ai_provider_executions').set({ model_calls: raw<number>`max(model_calls, 1)`, unpriced_calls: raw<number>`max(unpriced_calls, 1)` }).where('execution_id', '=', executionId)
}
