import type { Database } from '../../database/client.ts'
import { POOL_LOG_SOURCE } from '../../database/repositories/containerInstances.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import type { ContainerPlace } from '../containers/egress.ts'
import type { TerminalsDeps } from './terminals.ts'

/** Writes down who had a terminal where, and how it ended. */
export function createTerminalLog({ db, now, placeOf }: { db: Database; now: () => number; placeOf: () => ContainerPlace }): TerminalsDeps['note'] {
	return async (operation, details) => {
		const { workerName, instanceId } = placeOf()
		await db.run(appendLog({ source: POOL_LOG_SOURCE, operation, details: { ...details, instanceId }, workerName, containerName: instanceId, at: now() }))
	}
}
