import { z } from 'zod'

/** The state words are fixed; degraded and draining are flags beside them. */
export type ContainerState = z.infer<typeof ContainerState>
export const ContainerState = z.enum(['starting', 'running', 'unhealthy', 'stopped', 'failed'])

export type ContainerInstance = z.infer<typeof ContainerInstance>
export const ContainerInstance = z.strictObject({
	instanceId: z.string(),
	workerName: z.string(),
	containerName: z.string(),
	state: ContainerState,
	isDegraded: z.boolean(),
	isDraining: z.boolean(),
	port: z.int(),
	/** Restarts so far; a new one starts under the next generation. */
	generation: z.int(),
	lastHealthCheck: z.int().nullable(),
	detail: z.string().nullable(),
	createdAt: z.int(),
	updatedAt: z.int(),
})

export type PoolStatus = z.infer<typeof PoolStatus>
export const PoolStatus = z.strictObject({
	workerName: z.string(),
	/** How many instances are wanted. */
	target: z.int(),
	instances: z.array(ContainerInstance),
})

export type ContainerHealth = z.infer<typeof ContainerHealth>
export const ContainerHealth = z.strictObject({
	instanceId: z.string(),
	isHealthy: z.boolean(),
	statusCode: z.int().nullable(),
	latencyMs: z.number().nullable(),
	checkedAt: z.int(),
	detail: z.string().nullable(),
})

/** `POST /api/containers/scale/:instances`: how many instances a pool may be asked for. */
export type InstanceCount = z.infer<typeof InstanceCount>
export const InstanceCount = z.coerce.number().int().min(0).max(1000)

/** Binding `ORCHESTRATOR_LOAD_BALANCER`. The pool is that of the calling Worker. */
export interface ContainerLoadBalancerRpc {
	scaleContainers(instances: number): Promise<PoolStatus>
	getContainerStatus(): Promise<PoolStatus>
	restartContainer(containerId: string): Promise<ContainerInstance>
	healthCheck(containerId: string): Promise<ContainerHealth>
}
