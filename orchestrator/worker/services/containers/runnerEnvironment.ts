import type { InstanceRef } from '@shared/container-load-balancer'
import type { Tokens } from '../security/tokens.ts'

export interface RunnerEnvironmentDeps {
	tokens: Pick<Tokens, 'mint'>
	/** Whose pool it is; runners claim in its name. */
	workerName: string
}

/** A runner whose token has ended ends itself, and comes back with a new one. */
const TOKEN_TTL_MS = 30 * 86_400_000

/** What a runner that the pool starts is told. Its token opens claims and reports of this one container, nothing else. */
export function createRunnerEnvironment({ tokens, workerName }: RunnerEnvironmentDeps) {
	const token = ({ instanceId }: Pick<InstanceRef, 'instanceId'>): Promise<string> =>
		tokens.mint({ kind: 'runner', subject: `pool:${instanceId}`.slice(0, 100), workerName, containerName: instanceId, ttlMs: TOKEN_TTL_MS })
	return {
		token,
		async of({ instanceId, port }: InstanceRef): Promise<Readonly<Record<string, string>>> {
			return {
				ORCHESTRATOR_TOKEN: await token({ instanceId }),
				WORKER_NAME: workerName,
				CONTAINER_NAME: instanceId,
				HEALTH_PORT: String(port),
				VIBEHQ_POOL: 'member',
			}
		},
	}
}
export type RunnerEnvironment = ReturnType<typeof createRunnerEnvironment>
