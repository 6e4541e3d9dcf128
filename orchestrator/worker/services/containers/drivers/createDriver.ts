import { AppError } from '@shared/contracts'
import type { ContainerDriver } from '@shared/container-load-balancer'
import type { PoolDriver } from '../poolConfig.ts'
import type { RunnerEnvironment } from '../runnerEnvironment.ts'
import { createCloudflareContainersDriver } from './cloudflareContainers.ts'
import type { ContainerPort } from './cloudflareContainers.ts'
import { externalOnlyDriver } from './externalOnly.ts'
import { createProcessHostDriver } from './processHost.ts'

export interface DriverDeps {
	workerName: string
	hostURL: string | undefined
	hostToken: string | undefined
	/** Containers of the platform by name; null where this deployment has none. */
	containerOf: ((platformName: string) => ContainerPort) | null
	environment: RunnerEnvironment
	fetch: typeof globalThis.fetch
	now: () => number
}

/** The driver that a pool asks for. One that lacks a setting fails each call with the name of the setting. */
export function createDriver(kind: PoolDriver, deps: DriverDeps): ContainerDriver {
	const { workerName, hostURL, hostToken, containerOf, environment, fetch, now } = deps
	switch (kind) {
		case 'none':
			return externalOnlyDriver
		case 'process-host':
			if (hostURL === undefined || hostToken === undefined) return missing(`The pool of ${workerName} runs on a process host, and POOL_HOST_URL or the secret POOL_HOST_TOKEN is not set.`)
			return createProcessHostDriver({ url: hostURL, token: hostToken, workerName, tokenOf: environment.token, fetch })
		case 'cloudflare':
			if (containerOf === null) return missing(`The pool of ${workerName} runs in containers of Cloudflare, and this deployment has none: bind a container class.`)
			return createCloudflareContainersDriver({ containerOf, environmentOf: environment.of, now })
	}
}

/** Nothing is known of what runs, so nothing may be taken to have ended. */
function missing(message: string): ContainerDriver {
	const fail = async () => {
		throw new AppError('NOT_CONFIGURED', message)
	}
	return { start: fail, stop: fail, destroy: fail, probe: fail, list: fail }
}
