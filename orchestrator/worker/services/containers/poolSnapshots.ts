import { toPoolHealth } from '@shared/container-load-balancer'
import { PoolStatus } from '@shared/contracts'
import type { PoolHealth } from '@shared/contracts'
import { z } from 'zod'

/** The part of a KV namespace that is used here. */
export interface SnapshotValues {
	get(key: string, options: { cacheTtl: number }): Promise<string | null>
	put(key: string, value: string): Promise<void>
}

const Snapshot = z
	.string()
	.transform((text, context): unknown => {
		try {
			return JSON.parse(text)
		} catch {
			context.addIssue('is no JSON')
			return z.NEVER
		}
	})
	.pipe(PoolStatus)

const keyOf = (workerName: string) => `pool:${workerName}`
/** The shortest that the platform caches for. */
const CACHE_S = 30

/** Pools as they were at their last change, for watchers. Nothing is routed on them. */
export function createPoolSnapshots(values: SnapshotValues) {
	async function read(workerName: string): Promise<PoolStatus | null> {
		const text = await values.get(keyOf(workerName), { cacheTtl: CACHE_S })
		const status = Snapshot.safeParse(text)
		return status.success ? status.data : null
	}
	return {
		write: (status: PoolStatus) => values.put(keyOf(status.workerName), JSON.stringify(status)),
		/** The sum of these pools under one name: healthy when each of them is. One that was never seen has nothing to do. */
		async health(workerNames: readonly string[], name: string): Promise<PoolHealth> {
			const found = (await Promise.all(workerNames.map(read))).filter((status) => status !== null)
			const parts = found.map(toPoolHealth)
			const sum = (count: 'target' | 'ready' | 'degraded' | 'starting' | 'unhealthy' | 'failed' | 'draining') => parts.reduce((total, part) => total + part[count], 0)
			return {
				isHealthy: parts.every(({ isHealthy }) => isHealthy),
				workerName: name,
				target: sum('target'),
				ready: sum('ready'),
				degraded: sum('degraded'),
				starting: sum('starting'),
				unhealthy: sum('unhealthy'),
				failed: sum('failed'),
				draining: sum('draining'),
			}
		},
	}
}
export type PoolSnapshots = ReturnType<typeof createPoolSnapshots>
