import { DurableObject } from 'cloudflare:workers'
import type { ContainerHealth, ContainerInstance, PoolStatus } from '@shared/contracts'
import { createLogger } from '@shared/worker-base'
import { createDatabase } from '../database/client.ts'
import { parseVars, readSecret } from '../env.ts'
import type { Env } from '../env.ts'
import { createContainerPool } from '../services/containers/containerPool.ts'
import type { ContainerPoolService } from '../services/containers/containerPool.ts'
import { createDriver } from '../services/containers/drivers/createDriver.ts'
import { poolOfWorker } from '../services/containers/poolConfig.ts'
import type { PoolObject } from '../services/containers/poolObject.ts'
import { createPoolSnapshots } from '../services/containers/poolSnapshots.ts'
import { createRunnerEnvironment } from '../services/containers/runnerEnvironment.ts'
import { hubOf } from '../services/events/hub.ts'
import { createTokens } from '../services/security/tokens.ts'

/** The single writer of one Worker's pool. What it may do is decided before it is called. */
export class ContainerPool extends DurableObject<Env> implements PoolObject {
	#pool: ContainerPoolService | undefined

	async status(workerName: string): Promise<PoolStatus> {
		return this.#of(workerName).status()
	}
	async healthCheck(workerName: string, instanceId: string): Promise<ContainerHealth> {
		return this.#of(workerName).healthCheck(instanceId)
	}
	async platformNameOf(workerName: string, instanceId: string): Promise<string> {
		return this.#of(workerName).platformNameOf(instanceId)
	}
	async scale(workerName: string, instances: number | null): Promise<PoolStatus> {
		return this.#keep(workerName).scale(instances)
	}
	async restart(workerName: string, instanceId: string, options: { force: boolean }): Promise<ContainerInstance> {
		return this.#keep(workerName).restart(instanceId, options)
	}
	async drain(workerName: string, instanceId: string): Promise<ContainerInstance> {
		return this.#keep(workerName).drain(instanceId)
	}
	async register(workerName: string, runner: Parameters<PoolObject['register']>[1]): Promise<ContainerInstance> {
		return this.#keep(workerName).register(runner)
	}
	async heartbeat(workerName: string, instanceId: string, heartbeat: Parameters<PoolObject['heartbeat']>[2]): Promise<{ isDraining: boolean }> {
		return this.#of(workerName).heartbeat(instanceId, heartbeat)
	}
	async nudge(workerName: string): Promise<void> {
		await this.#keep(workerName).nudge()
	}

	override async alarm(): Promise<void> {
		const workerName = this.ctx.storage.kv.get('workerName')
		if (typeof workerName === 'string') await this.#of(workerName).tick()
	}

	/** Like `#of`, for what is followed by an alarm, which comes without a name. */
	#keep(workerName: string): ContainerPoolService {
		const { kv } = this.ctx.storage
		if (kv.get('workerName') !== workerName) kv.put('workerName', workerName)
		return this.#of(workerName)
	}

	#of(workerName: string): ContainerPoolService {
		return (this.#pool ??= this.#create(workerName))
	}

	#create(workerName: string): ContainerPoolService {
		const { env, ctx } = this
		const { storage } = ctx
		const { AGENT_CONTAINER: containers } = env
		const vars = parseVars(env)
		const { driver, capabilities, settings } = poolOfWorker(vars.pools, workerName)
		const now = () => Date.now()
		const tokens = createTokens({ key: vars.tokenSigningKey, now })
		return createContainerPool({
			settings,
			except: workerName === vars.workerName ? [...vars.pools.keys()].filter((name) => name !== workerName) : null,
			capabilities,
			driver: createDriver(driver, {
				workerName,
				hostURL: vars.poolHostURL,
				hostToken: readSecret(env, 'POOL_HOST_TOKEN'),
				containerOf: containers === undefined ? null : (platformName) => containers.getByName(platformName),
				environment: createRunnerEnvironment({ tokens, workerName }),
				fetch: (input, init) => fetch(input, init),
				now,
			}),
			db: createDatabase(env.DB, () => ctx.waitUntil(hubOf(env).notify(false))),
			kept: storage.kv,
			alarm: { get: () => storage.getAlarm(), set: (at) => storage.setAlarm(at) },
			snapshots: createPoolSnapshots(env.POOL_SNAPSHOTS),
			now,
			random: () => Math.random(),
			timer: (ms, callback) => {
				const timeout = setTimeout(callback, ms)
				return () => clearTimeout(timeout)
			},
			log: createLogger({ fields: { worker: vars.workerName, pool: workerName } }),
		})
	}
}
