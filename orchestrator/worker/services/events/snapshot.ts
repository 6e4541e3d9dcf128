import type { SocketSnapshot } from '@shared/contracts'
import type { Compilable } from 'kysely'
import type { Database } from '../../database/client.ts'
import { containerTaskStatesQuery, executionStatesQuery, instanceStatesQuery, newestLineQuery } from '../../database/repositories/eventLog.ts'
import type { LineFilter } from './subscription.ts'

const MAX_ROWS = 200

/**
 * How things stand, and the id of the newest line of the log at that moment. State and log are written together and both are read in
 * one transaction here, so the lines after that id are exactly what changed since.
 */
export async function readSnapshot(db: Database, { feed, workerName, task }: LineFilter): Promise<{ cursor: number; data: SocketSnapshot }> {
	const scope = { workerName, task, limit: MAX_ROWS }
	const parts: Partial<Record<'executions' | 'tasks' | 'instances', Compilable<unknown>>> = {
		...(feed === 'tasks' ? { executions: executionStatesQuery(scope), tasks: containerTaskStatesQuery(scope) } : {}),
		...(feed === 'containers' ? { instances: instanceStatesQuery(scope) } : {}),
	}
	const [newest = [], ...tables] = await db.batch([newestLineQuery(), ...Object.values(parts)])
	const rows = tables as Record<string, unknown>[][]
	const data = Object.fromEntries(Object.keys(parts).map((name, index) => [name, (rows[index] ?? []).slice(0, MAX_ROWS).map(withCamelKeys)]))
	return { cursor: (newest as { id: number | null }[])[0]?.id ?? 0, data: { ...data, isCut: rows.some((table) => table.length > MAX_ROWS) } }
}

/** Rows carry the names that the rest of the API uses. */
function withCamelKeys(row: Record<string, unknown>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(row).map(([name, value]) => [NAMES[name] ?? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]))
}
const NAMES: Record<string, string> = { task_uuid: 'taskId', provider_name: 'provider' }
