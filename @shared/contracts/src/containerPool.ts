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

/** What the instances of a pool have used since it exists. */
export type ContainerUsage = z.infer<typeof ContainerUsage>
export const ContainerUsage = z.strictObject({
	workerName: z.string(),
	items: z.array(
		z.strictObject({
			instanceType: z.string(),
			/** From start to proven end. */
			seconds: z.number(),
			/** At list prices, with all CPU in use; 0 where the platform bills nothing, null for a type without a price. */
			maxCostUsd: z.number().nullable(),
		}),
	),
	maxCostUsd: z.number().nullable(),
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

/** Names an instance within its pool; a runner claims tasks under the same name. */
export type InstanceId = z.infer<typeof InstanceId>
export const InstanceId = z.string().regex(/^[\w.:-]{1,100}$/, { error: 'has letters, digits and _ . : - only, at most 100' })

/** `POST /api/containers/register`: a runner that started itself. */
export type RunnerRegistration = z.infer<typeof RunnerRegistration>
export const RunnerRegistration = z.strictObject({
	instanceId: InstanceId,
	/** Where it answers `GET /health`. */
	port: z.int().min(1).max(65_535).default(8080),
	/** The agents it can run. */
	capabilities: z.array(z.string().regex(/^[\w.:-]{1,50}$/)).max(50).default([]),
})

/** `POST /api/containers/:containerId/heartbeat`. */
export type RunnerBeat = z.infer<typeof RunnerBeat>
export const RunnerBeat = z.strictObject({
	inFlight: z.int().min(0).max(10_000).default(0),
	/** The runner ends now and says good-bye. */
	isLeaving: z.boolean().default(false),
})

/** Whether the runner is to end after the work it has, and to claim no more. */
export type RunnerBeatReply = z.infer<typeof RunnerBeatReply>
export const RunnerBeatReply = z.strictObject({ isDraining: z.boolean() })

/** `POST /api/containers/scale/:instances`: how many instances a pool may be asked for. */
export type InstanceCount = z.infer<typeof InstanceCount>
export const InstanceCount = z.coerce.number().int().min(0).max(1000)

/** Binding `ORCHESTRATOR_LOAD_BALANCER`. The pool is that of the calling Worker. */
export interface ContainerLoadBalancerRpc {
	/** Null: as many as the work needs. */
	scaleContainers(instances: number | null): Promise<PoolStatus>
	getContainerStatus(): Promise<PoolStatus>
	/** After its work has ended; by force at once. */
	restartContainer(containerId: string, options?: { force?: boolean }): Promise<ContainerInstance>
	healthCheck(containerId: string): Promise<ContainerHealth>
}
