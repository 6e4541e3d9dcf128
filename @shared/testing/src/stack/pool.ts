import { randomBytes } from 'node:crypto'
import { ORCHESTRATOR_SERVICE } from '@shared/contracts'
import { freePort } from './freePort.ts'
import type { HostedRunner, HostedRunnerSpec } from './hostedRunners.ts'
import { startProcessHost } from './processHost.ts'
import { startRunnerProcess } from './runner.ts'
import type { RunnerOptions } from './runner.ts'

/** What differs from the defaults of the pool; PoolSettings of @shared/container-load-balancer has all. */
export type LocalPoolSettings = Readonly<Record<string, number | string>>

export interface LocalPoolOptions {
	stateDir: string
	settings: LocalPoolSettings
	runner?: Partial<Pick<RunnerOptions, 'isolation' | 'extraArgs'>>
}

/** The pool of the orchestrator on this machine: runners as processes, started when there is work for them. */
export async function startLocalPool({ stateDir, settings, runner = {} }: LocalPoolOptions) {
	const token = randomBytes(32).toString('base64url')
	let orchestratorURL: string | undefined
	let noteToken: (token: string) => void = () => undefined

	async function start({ pool, name, instanceId, runnerToken }: HostedRunnerSpec): Promise<HostedRunner> {
		if (orchestratorURL === undefined) throw new Error('The orchestrator has not started yet.')
		noteToken(runnerToken)
		const healthPort = await freePort()
		const process = startRunnerProcess({ ...runner, name, orchestratorURL, token: runnerToken, stateDir, pool: { workerName: pool, containerName: instanceId, healthPort } })
		return { process, healthURL: `http://127.0.0.1:${healthPort}/health` }
	}

	const host = await startProcessHost({ token, start })
	return {
		token,
		/** Vars and secrets of the orchestrator. */
		vars: { CONTAINER_POOLS: JSON.stringify({ [ORCHESTRATOR_SERVICE]: { ...settings, driver: 'process-host' } }), POOL_HOST_URL: host.url, POOL_HOST_TOKEN: token },
		/** Names of the runners that are up. */
		names: () => host.runners.list(ORCHESTRATOR_SERVICE),
		processOf: (name: string) => host.runners.find(ORCHESTRATOR_SERVICE, name),
		/** From here on runners can start; `onToken` is told of the credential of each. */
		open: (url: string, onToken: (token: string) => void) => {
			orchestratorURL = url
			noteToken = onToken
		},
		close: () => host.close(),
	}
}
