import type { ContainerDriver, InstanceRef, ProbeResult } from '@shared/container-load-balancer'

/** One container of the platform, as a `Container` class of `@cloudflare/containers` can offer it over RPC. */
export interface ContainerPort {
	/** Returns when the platform has taken it; throws the platform's own words when it has no room. */
	start(environment: Readonly<Record<string, string>>): Promise<void>
	/** 15 is SIGTERM, 9 is SIGKILL. */
	signal(number: 9 | 15): Promise<void>
	destroy(): Promise<void>
	/** `exitCode` is that of the last run, null while it runs or where it is not known. */
	state(): Promise<{ isRunning: boolean; exitCode: number | null }>
	/** Asks the program inside. Rejects when it does not listen. */
	health(port: number): Promise<{ statusCode: number; text: string }>
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
		const { isRunning, exitCode } = await container.state()
		if (!isRunning) return { kind: 'gone', exitCode }
		const askedAt = now()
		try {
			const { statusCode, text } = await container.health(port)
			return { kind: 'answered', statusCode, latencyMs: now() - askedAt, ...(statusCode >= 200 && statusCode < 300 ? {} : { detail: text.slice(0, 200) }) }
		} catch (error) {
			return { kind: 'silent', detail: error instanceof Error ? error.message : String(error) }
		}
	}

	return {
		async start(instance) {
			const container = containerOf(instance.platformName)
			const { isRunning } = await container.state()
			if (!isRunning) await container.start(await environmentOf(instance))
		},
		async stop({ platformName }, signal) {
			const container = containerOf(platformName)
			const { isRunning } = await container.state()
			if (!isRunning) return true
			await container.signal(signal === 'SIGKILL' ? 9 : 15)
			return false
		},
		destroy: ({ platformName }) => containerOf(platformName).destroy(),
		probe,
		async list(known) {
			const names: string[] = []
			for (let from = 0; from < known.length; from += ASKED_AT_ONCE) {
				const asked = known.slice(from, from + ASKED_AT_ONCE).map(async ({ platformName }) => ((await containerOf(platformName).state()).isRunning ? [platformName] : []))
				names.push(...(await Promise.all(asked)).flat())
			}
			return names
		},
	}
}
