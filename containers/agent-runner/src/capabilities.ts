import type { AgentName } from './adapters/index.ts'
import type { ResolveCLI } from './cliSource.ts'

/** The agents that are ready to run here; they become ready one by one while their CLIs are installed. */
export interface Capabilities {
	readonly names: readonly AgentName[]
	readonly isSettled: boolean
	readonly settled: Promise<void>
}

export interface CapabilityOptions {
	providers: readonly AgentName[]
	resolveCLI: ResolveCLI
	log: (event: string, fields: Record<string, unknown>) => void
}

export function findCapabilities({ providers, resolveCLI, log }: CapabilityOptions): Capabilities {
	const names: AgentName[] = []
	let isSettled = false
	const settled = (async () => {
		// One after the other: each is a download of a hundred megabytes.
		for (const agent of providers) {
			try {
				const { version } = await resolveCLI(agent)
				names.push(agent)
				log('agent-ready', { agent, version })
			} catch (error) {
				log('agent-unavailable', { agent, reason: error instanceof Error ? error.message : String(error) })
			}
		}
		isSettled = true
	})()
	return {
		names,
		settled,
		get isSettled() {
			return isSettled
		},
	}
}
