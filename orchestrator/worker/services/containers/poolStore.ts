import type { PoolSettings, PoolStore } from '@shared/container-load-balancer'
import type { Database } from '../../database/client.ts'
import { appendChecksStatement } from '../../database/repositories/containerHealthChecks.ts'
import { forgetStoppedStatement, logChangesStatement, mirrorStatement } from '../../database/repositories/containerInstances.ts'

/** The storage of a Durable Object: what it says, it has kept. */
export interface KeptValues {
	get(key: string): unknown
	put(key: string, value: string): void
}

export interface PoolStoreDeps {
	kept: KeptValues
	db: Database
	settings: Pick<PoolSettings, 'workerName' | 'containerName'>
	now: () => number
}

const STATE = 'state'
const KEEP_STOPPED_MS = 30 * 86_400_000

/** The state of a pool in its own object, from where alone it is read; D1 has a copy for everybody else, and the history of health checks. */
export function createPoolStore({ kept, db, settings, now }: PoolStoreDeps): PoolStore {
	return {
		async load() {
			const text = kept.get(STATE)
			return typeof text === 'string' ? (JSON.parse(text) as unknown) : null
		},
		async save(state) {
			kept.put(STATE, JSON.stringify(state))
		},
		async mirror(instances) {
			await db.batch([logChangesStatement(instances, now()), mirrorStatement(instances), forgetStoppedStatement(settings.workerName, now() - KEEP_STOPPED_MS)])
		},
		async appendHealthChecks(checks) {
			await db.run(appendChecksStatement(checks, settings))
		},
	}
}
