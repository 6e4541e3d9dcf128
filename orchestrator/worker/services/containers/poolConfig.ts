import { AppError } from '@shared/contracts'
import { PoolSettings } from '@shared/container-load-balancer'
import { z } from 'zod'

/** Who starts the instances of a pool. */
export type PoolDriver = z.infer<typeof PoolDriver>
export const PoolDriver = z.enum(['process-host', 'cloudflare', 'none'])

/** One pool of this deployment. */
export interface PoolConfig {
	driver: PoolDriver
	/** What its runners can do, as tasks require it; null: everything. Tasks that they cannot do start no runner. */
	capabilities: readonly string[] | null
	settings: PoolSettings
}

const Name = z.string().regex(/^[\w.:-]{1,100}$/)
const Given = z.record(Name, z.looseObject({ driver: PoolDriver.default('process-host'), capabilities: z.array(Name).max(50).nullable().default(null) })).refine((pools) => Object.keys(pools).length <= 100, { error: 'more than 100 pools' })

/** CONTAINER_POOLS: by Worker, what differs from the defaults, and the driver. Throws with the name and the field that is wrong. */
export function parsePools(text: string): ReadonlyMap<string, PoolConfig> {
	const given = Given.safeParse(readJSON(text))
	if (!given.success) throw wrong(given.error)
	return new Map(
		Object.entries(given.data).map(([workerName, { driver, capabilities, ...rest }]) => {
			const settings = PoolSettings.safeParse({ containerName: 'runner', ...rest, workerName })
			if (!settings.success) throw wrong(settings.error, workerName)
			return [workerName, { driver, capabilities, settings: settings.data }]
		}),
	)
}

function readJSON(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}

function wrong({ issues: [issue] }: z.ZodError, workerName?: string): AppError {
	const path = [...(workerName === undefined ? [] : [workerName]), ...(issue?.path ?? [])].join('.') || 'its top'
	return new AppError('NOT_CONFIGURED', `CONTAINER_POOLS is not valid at ${path}: ${issue?.message ?? ''}. It is JSON: Worker name to pool settings.`)
}

/** A Worker that is not named has a pool all the same: of external runners, which start themselves. */
export function poolOfWorker(pools: ReadonlyMap<string, PoolConfig>, workerName: string): PoolConfig {
	return pools.get(workerName) ?? { driver: 'none', capabilities: null, settings: PoolSettings.parse({ workerName, containerName: 'runner', max: 0 }) }
}
