import { AppError } from '@shared/contracts'
import type { ContainerDriver } from '@shared/container-load-balancer'

/** Nothing can be started here: the pool lives on runners that start themselves. */
export const externalOnlyDriver: ContainerDriver = {
	start: async ({ instanceId }) => {
		throw new AppError('NOT_CONFIGURED', `${instanceId} cannot be started: this pool has external runners only. Configure it in CONTAINER_POOLS.`)
	},
	stop: async () => true,
	destroy: async () => undefined,
	probe: async () => ({ kind: 'gone', exitCode: null }),
	list: async () => [],
}
