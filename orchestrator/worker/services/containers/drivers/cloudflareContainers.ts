import type { ContainerDriver, InstanceRef, ProbeResult } from '@shared/container-load-balancer'

/**
 * One container of the platform. A class on `Container` of `@cloudflare/containers` offers this over RPC, and its stub is the port:
 * the names are none that `Container` has.
 */
export interface ContainerPort {
	/** Returns when the platform has taken it; throws the platform's own words when it has no room. */
	startRunner(environment: Readonly<Record<string, string>>): Promise<void>
	/** 15 is SIGTERM, 9 is SIGKILL. */
	signalRunner(signal: 9 | 15): Promise<void>
	/** Removes it, whatever it does; nothing to remove is no error. */
	destroyRunner(): Promise<void>
	/** Without starting it. `exitCode` is that of the last run, null while it runs or where it is not known. */
	runnerState(): Promise<{ isRunning: boolean; exitCode: number | null }>
	/** What `GET /health` of the program inside answers. Rejects when it does not listen. */
	runnerHealth(port: number): Promise<{ statusCode: number; text: string }>
}

export interface CloudflareContainersDeps {
	containerOf: (platformName: string) => ContainerPort
	/** What the runner inside is told, its token among it. */
	environmentOf: (instance: InstanceRef) => Promise<Readonly<Record<string, string>>>
	now: () => number
}

/** The platform cannot list what runs, so each known one is asked a few at a time. */
const ASKED_AT_ONCE = 10

/** Runners in containers of the platform, each behind an object of its own. */
export function createCloudflareContainersDriver({ containerOf, environmentOf, now }: CloudflareContainersDeps): ContainerDriver {
	async function probe({ platformName, port }: InstanceRef): Promise<ProbeResult> {
		const container = containerOf(platformName)
		// Asked first: on this platform a request to a container that does not run would start it.
		const { isRunning, exitCode } = await container.runnerState()
		if (!isRunning) return { kind: 'gone', exitCode }
		const askedAt = now()
		try {
			const { statusCode, text } = await container.runnerHealth(port)
			return { kind: 'answered', statusCode, latencyMs: now() - askedAt, ...(statusCode >= 200 && statusCode < 300 ? {} : { detail: text.slice(0, 200) }) }
		} catch (error) {
			return { kind: 'silent', detail: error instanceof Error ? error.message : String(error) }
		}
	}

	return {
		async start(instance) {
			const container = containerOf(instance.platformName)
			const { isRunning } = await container.runnerState()
			if (!isRunning) await container.startRunner(await environmentOf(instance))
		},
		async stop({ platformName }, signal) {
			const container = containerOf(platformName)
			const { isRunning } = await container.runnerState()
			if (!isRunning) return true
			await container.signalRunner(signal === 'SIGKILL' ? 9 : 15)
			return false
		},
		destroy: ({ platformName }) => containerOf(platformName).destroyRunner(),
		probe,
		async list(known) {
			const names: string[] = []
			for (let from = 0; from < known.length; from += ASKED_AT_ONCE) {
				const asked = known.slice(from, from + ASKED_AT_ONCE).map(async ({ platformName }) => ((await containerOf(platformName).runnerState()).isRunning ? [platformName] : []))
				names.push(...(await Promise.all(asked)).flat())
			}
			return names
		},
	}
}
