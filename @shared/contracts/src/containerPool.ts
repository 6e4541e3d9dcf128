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
	/** A runner that started itself and keeps itself alive; the pool routes to it and never starts or stops it. */
	isExternal: z.boolean().default(false),
	/** Pieces of work that it has now. */
	inFlight: z.int().default(0),
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
	/** Set by a person; null while the pool follows the work. */
	manualTarget: z.int().nullable().default(null),
	/** How many instances the platform was found to give; null while it gives all that are asked for. */
	learnedCap: z.int().nullable().default(null),
	/** Seconds that the platform has billed, by instance type. */
	usageSeconds: z.record(z.string(), z.number()).default({}),
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

/** `GET /health/load-balancer`: 200 when work can be done or none is wanted, else 503. */
export type PoolHealth = z.infer<typeof PoolHealth>
export const PoolHealth = z.strictObject({
	isHealthy: z.boolean(),
	workerName: z.string(),
	target: z.int(),
	/** Instances that take work: running and not draining. `degraded` ones are among them. */
	ready: z.int(),
	degraded: z.int(),
	starting: z.int(),
	unhealthy: z.int(),
	failed: z.int(),
	draining: z.int(),
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
