import type { ContainerHealth, ContainerInstance, PoolStatus } from '@shared/contracts'
import type { ExternalRunner, RunnerHeartbeat } from '@shared/container-load-balancer'
import type { z } from 'zod'

/** The one object that looks after a Worker's pool, as its doors call it. The name comes with each call: an object does not learn its own. */
export interface PoolObject {
	status(workerName: string): Promise<PoolStatus>
	scale(workerName: string, instances: number | null): Promise<PoolStatus>
	restart(workerName: string, instanceId: string, options: { force: boolean }): Promise<ContainerInstance>
	drain(workerName: string, instanceId: string): Promise<ContainerInstance>
	healthCheck(workerName: string, instanceId: string): Promise<ContainerHealth>
	platformNameOf(workerName: string, instanceId: string): Promise<string>
	register(workerName: string, runner: z.input<typeof ExternalRunner>): Promise<ContainerInstance>
	heartbeat(workerName: string, instanceId: string, heartbeat: z.input<typeof RunnerHeartbeat>): Promise<{ isDraining: boolean }>
	/** Looks at the pool soon: work has come, or nobody has looked for a while. */
	nudge(workerName: string): Promise<void>
}
