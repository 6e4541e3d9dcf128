import { setTimeout as sleep } from 'node:timers/promises'
import type { ManagedProcess } from './processes.ts'

/** A runner that the host is to start. */
export interface HostedRunnerSpec {
	/** The Worker whose pool it is. */
	pool: string
	/** The name by which the pool knows it. */
	name: string
	/** The name under which it claims tasks. */
	instanceId: string
	generation: number
	runnerToken: string
}

/** A started runner, and where it answers `GET /health`. */
export interface HostedRunner {
	process: Pick<ManagedProcess, 'pid' | 'child' | 'exited' | 'hasExited' | 'kill'>
	healthURL: string
}

export type HostedProbe =
	| { kind: 'answered'; statusCode: number; latencyMs: number; detail?: string }
	| { kind: 'silent'; detail: string }
	| { kind: 'gone'; exitCode: number | null }

const PROBE_TIMEOUT_MS = 4_000

/** The runners of one machine as processes: what a container platform does, by pool and name. All calls may be repeated. */
export function createHostedRunners({ start, maxRunners }: { start: (spec: HostedRunnerSpec) => Promise<HostedRunner>; maxRunners: number }) {
	const runners = new Map<string, HostedRunner>()
	const starting = new Map<string, Promise<void>>()
	const keyOf = (pool: string, name: string) => `${pool}/${name}`
	const isUp = (key: string) => runners.get(key)?.process.hasExited() === false

	async function kill(key: string): Promise<void> {
		await starting.get(key)?.catch(() => undefined)
		const runner = runners.get(key)
		runner?.process.kill()
		await runner?.process.exited
	}

	return {
		/** Answers false when the machine has no room for one more. */
		async start(spec: HostedRunnerSpec): Promise<boolean> {
			const key = keyOf(spec.pool, spec.name)
			const known = starting.get(key)
			if (known !== undefined) await known
			if (isUp(key)) return true
			const count = [...runners.keys()].filter(isUp).length + starting.size
			if (count >= maxRunners) return false
			const begun = start(spec).then((runner) => void runners.set(key, runner))
			starting.set(key, begun)
			await begun.finally(() => starting.delete(key))
			return true
		},
		/** Answers whether it has ended. SIGTERM reaches the runner alone, which ends what it started; SIGKILL reaches all of its group. */
		stop(pool: string, name: string, signal: 'SIGTERM' | 'SIGKILL'): boolean {
			const key = keyOf(pool, name)
			if (!isUp(key)) return !starting.has(key)
			if (signal === 'SIGTERM') runners.get(key)?.process.child.kill('SIGTERM')
			else runners.get(key)?.process.kill()
			return false
		},
		async destroy(pool: string, name: string): Promise<void> {
			const key = keyOf(pool, name)
			await kill(key)
			runners.delete(key)
		},
		async probe(pool: string, name: string): Promise<HostedProbe> {
			const runner = runners.get(keyOf(pool, name))
			if (runner === undefined) return { kind: 'gone', exitCode: null }
			if (runner.process.hasExited()) return { kind: 'gone', exitCode: await runner.process.exited }
			return ask(runner.healthURL)
		},
		list: (pool: string): string[] => [...runners.keys()].filter((key) => key.startsWith(`${pool}/`) && isUp(key)).map((key) => key.slice(pool.length + 1)),
		/** The process of a runner that is up. */
		find: (pool: string, name: string) => (isUp(keyOf(pool, name)) ? runners.get(keyOf(pool, name))?.process : undefined),
		/** Ends all: politely at first. */
		async stopAll(graceMs = 5_000): Promise<void> {
			await Promise.allSettled(starting.values())
			const up = [...runners.keys()].filter(isUp)
			for (const key of up) runners.get(key)?.process.child.kill('SIGTERM')
			await Promise.race([Promise.all(up.map((key) => runners.get(key)?.process.exited)), sleep(graceMs, undefined, { ref: false })])
			await Promise.all(up.map(kill))
		},
	}
}
export type HostedRunners = ReturnType<typeof createHostedRunners>

async function ask(url: string): Promise<HostedProbe> {
	const askedAt = Date.now()
	try {
		const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
		const text = await answer.text()
		return { kind: 'answered', statusCode: answer.status, latencyMs: Date.now() - askedAt, ...(answer.ok ? {} : { detail: text.slice(0, 200) }) }
	} catch (error) {
		const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
		return { kind: 'silent', detail: cause instanceof Error ? cause.message || cause.name : String(cause) }
	}
}
