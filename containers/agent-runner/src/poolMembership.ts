import { setTimeout as sleep } from 'node:timers/promises'
import type { RunnerOptions, PoolRole } from './options.ts'
import { createOrchestratorClient, OrchestratorError } from './orchestratorClient.ts'
import type { Log, Runner } from './runner.ts'

export interface PoolMembershipOptions extends Pick<RunnerOptions, 'orchestratorURL' | 'runnerToken' | 'containerName'> {
	role: PoolRole
	/** Where it answers `GET /health`, if anywhere. */
	port: number | null
}

export interface PoolMembershipDeps {
	runner: Pick<Runner, 'status' | 'drain'>
	log: Log
	/** Between two heartbeats; absent: some seconds. */
	beatMs?: number
	fetch?: typeof globalThis.fetch
}

/** The pool misses an external runner after 45 s, and a draining one should claim no more soon. */
const BEAT_MS = 5_000

/**
 * Keeps the pool informed that the runner lives, and drains the runner when the pool wants that. A runner without its pool goes on
 * working: claims have their own way. One that the pool started and counts on no more, or whose token has ended, drains.
 */
export function startPoolMembership(options: PoolMembershipOptions, { runner, log, beatMs = BEAT_MS, fetch }: PoolMembershipDeps): { leave(): Promise<void> } {
	const { role, containerName, port } = options
	const client = createOrchestratorClient({ orchestratorURL: options.orchestratorURL, runnerToken: options.runnerToken, ...(fetch ? { fetch } : {}) })
	const ended = new AbortController()
	let isRegistered = role === 'member'
	let isDraining = false

	function drain(why: string): void {
		if (isDraining) return
		isDraining = true
		log('pool-drain', { why })
		runner.drain()
	}

	async function beat(): Promise<void> {
		if (!isRegistered) {
			await client.register({ instanceId: containerName, port: port ?? 8080, capabilities: [...runner.status().agents] })
			isRegistered = true
			log('pool-joined', { containerName })
		}
		const reply = await client.beat(containerName, { inFlight: runner.status().runningTasks, isLeaving: false })
		if (reply.isDraining) drain('the pool asks for it')
	}

	function missed(error: unknown): void {
		const { status, code, message } = error instanceof OrchestratorError ? error : { status: null, code: 'INTERNAL', message: String(error) }
		log('pool-problem', { code, message })
		// Drained already, it comes to its end by itself.
		if (isDraining) return
		if (role === 'member' && (status === 404 || status === 401)) drain(message)
		if (role === 'external' && status === 404) isRegistered = false
	}

	const done = (async () => {
		while (!ended.signal.aborted) {
			await beat().catch(missed)
			await sleep(beatMs, undefined, { signal: ended.signal }).catch(() => undefined)
		}
	})()

	return {
		/** Says good-bye, so that the pool need not wait for the silence. */
		async leave() {
			ended.abort()
			await done
			if (isRegistered) await client.beat(containerName, { inFlight: 0, isLeaving: true }).catch(missed)
		},
	}
}
