import { usageSeconds } from './usage.ts'
import type { ContainerHealth, ContainerInstance, ContainerState, PoolHealth, PoolStatus } from '@shared/contracts'
import type { PoolSettings } from './settings.ts'
import type { InstanceRecord, InstanceState, PoolState } from './state.ts'

/** The fixed words; a draining instance still runs. */
const STATE_WORD: Record<InstanceState, ContainerState> = {
	stopped: 'stopped',
	starting: 'starting',
	running: 'running',
	unhealthy: 'unhealthy',
	draining: 'running',
	failed: 'failed',
}

/** An instance as everybody else sees it. */
export function toContainerInstance(instance: InstanceRecord, { workerName, containerName }: PoolSettings): ContainerInstance {
	const { instanceId, state, isDegraded, isExternal, inFlight, port, generation, lastHealthCheck, detail, createdAt, updatedAt } = instance
	const isDraining = state === 'draining'
	return {
		instanceId,
		workerName,
		containerName,
		state: STATE_WORD[state],
		isDegraded,
		isDraining,
		isExternal,
		inFlight,
		port,
		generation,
		lastHealthCheck,
		detail,
		createdAt,
		updatedAt,
	}
}

export function toPoolStatus(state: PoolState, settings: PoolSettings, now: number): PoolStatus {
	return {
		workerName: settings.workerName,
		target: state.target,
		manualTarget: state.manualTarget,
		learnedCap: state.cap?.limit ?? null,
		usageSeconds: usageSeconds(state, now),
		instances: state.instances.map((instance) => toContainerInstance(instance, settings)),
	}
}

/** The sum of a pool, for whoever watches it. */
export function toPoolHealth({ workerName, target, instances }: PoolStatus): PoolHealth {
	const count = (matches: (instance: ContainerInstance) => boolean) => instances.filter(matches).length
	const ready = count(({ state, isDraining }) => state === 'running' && !isDraining)
	return {
		isHealthy: ready > 0 || target === 0,
		workerName,
		target,
		ready,
		degraded: count(({ isDegraded }) => isDegraded),
		starting: count(({ state }) => state === 'starting'),
		unhealthy: count(({ state }) => state === 'unhealthy'),
		failed: count(({ state }) => state === 'failed'),
		draining: count(({ isDraining }) => isDraining),
	}
}

/** The health of an instance that cannot be probed: it does not run, or looks after itself. */
export function healthWithoutProbe({ instanceId, state, isExternal, lastSeenAt, detail }: InstanceRecord, now: number): ContainerHealth {
	const isHealthy = isExternal && state === 'running'
	const checkedAt = isExternal ? (lastSeenAt ?? now) : now
	return { instanceId, isHealthy, statusCode: null, latencyMs: null, checkedAt, detail: isHealthy ? null : (detail ?? `it is ${state}`) }
}
