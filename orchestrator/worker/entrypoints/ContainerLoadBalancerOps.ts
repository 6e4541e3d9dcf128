import { InstanceId } from '@shared/contracts'
import type { ContainerHealth, ContainerInstance, ContainerLoadBalancerRpc, PoolStatus } from '@shared/contracts'
import { BaseWorkerEntrypoint, callerOf } from '@shared/worker-base'
import { z } from 'zod'
import type { Env } from '../env.ts'
import { createWorkServices } from '../services.ts'
import { parseInput } from './parseInput.ts'

const Count = z.int().min(0).max(1000).nullable()
const RestartOptions = z.strictObject({ force: z.boolean().default(false) })

/** Binding ORCHESTRATOR_LOAD_BALANCER: the pool of the calling Worker, and no other. */
export class ContainerLoadBalancerOps extends BaseWorkerEntrypoint<Env> implements ContainerLoadBalancerRpc {
	readonly #containers = createWorkServices(this.env, this.ctx).containers

	async scaleContainers(instances: number | null): Promise<PoolStatus> {
		return this.#containers.scale(this.#own(), parseInput(Count, instances, 'number of instances'))
	}
	async getContainerStatus(): Promise<PoolStatus> {
		return this.#containers.status(this.#own().workerName)
	}
	async restartContainer(containerId: string, options: { force?: boolean } = {}): Promise<ContainerInstance> {
		return this.#containers.restart(this.#own(), parseInput(InstanceId, containerId, 'container id'), parseInput(RestartOptions, options, 'restart options'))
	}
	async healthCheck(containerId: string): Promise<ContainerHealth> {
		return this.#containers.healthCheck(this.#own().workerName, parseInput(InstanceId, containerId, 'container id'))
	}
	#own() {
		const { workerName } = callerOf(this.ctx)
		return { workerName, by: `worker:${workerName}` }
	}
}
