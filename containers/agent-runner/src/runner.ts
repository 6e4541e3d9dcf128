import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClaimedTask, WakeUp } from '@shared/contracts'
import { findCapabilities } from './capabilities.ts'
import type { Capabilities } from './capabilities.ts'
import { createCLISource } from './cliSource.ts'
import type { ResolveCLI } from './cliSource.ts'
import { createDisk } from './disk.ts'
import type { Disk } from './disk.ts'
import { selectIsolation } from './isolation/selectIsolation.ts'
import type { Lease } from './lease.ts'
import type { RunnerOptions } from './options.ts'
import { createOrchestratorClient, OrchestratorError } from './orchestratorClient.ts'
import type { OrchestratorClient } from './orchestratorClient.ts'
import { warmUpPatchManager } from './patchManager.ts'
import { createRedactor } from './redact.ts'
import { findMemoryRoot, sweepRuns } from './runDirs.ts'
import { runTask } from './runTask.ts'
import { createWake } from './wake.ts'
import type { Wake } from './wake.ts'

export type Log = (event: string, fields: Record<string, unknown>) => void

export interface RunnerDeps {
	log: Log
	now?: () => number
	fetch?: typeof globalThis.fetch
	/** Where agents come from; absent: the cache of pinned CLIs, or the image. */
	resolveCLI?: ResolveCLI
	/** Between two looks at what a running agent has changed; absent: some seconds. */
	touchedMs?: number
	/** Bytes that may still be written to the disk that holds `path`; absent: what the system says. */
	freeBytes?: (path: string) => Promise<number>
}

export interface RunnerStatus {
	startedAt: number
	/** Unix ms of the last answer of the orchestrator, null before the first. */
	lastContactAt: number | null
	runningTasks: number
	/** False when there is no room for one more task. */
	hasRoom: boolean
	isolation: string
	agents: readonly string[]
}

export interface Runner {
	status(): RunnerStatus
	/** Claims no more; `done` resolves when the tasks it has have ended. */
	drain(): void
	/** Ends running tasks as retryable and resolves when everything is cleaned up. */
	stop(): Promise<void>
	/** Resolves when the runner has ended, by `stop` or after the one task of `isOnce`. */
	done: Promise<void>
}

const LONG_POLL_MS = 20_000
const SHORT_POLL_MS = 1000
const MAX_BACKOFF_MS = 10_000
const CLAIM_GRACE_MS = 500

/**
 * Claims tasks and runs them until it is stopped.
 * @throws AppError ISOLATION_UNAVAILABLE when the isolation that was asked for does not work here
 */
export async function startRunner(options: RunnerOptions, deps: RunnerDeps): Promise<Runner> {
	const redactor = createRedactor([options.runnerToken])
	const { log } = deps
	const { orchestratorURL, cacheDir, image } = options
	const isolation = await selectIsolation({ choice: options.isolation, orchestratorURL, hidden: options.hidden, shown: options.shown, image })
	const onProgress = (line: string): void => log('agent-install', { line: redactor.redact(line) })
	const resolveCLI = deps.resolveCLI ?? createCLISource({ isolation, image, cacheDir: options.cliCacheDir, onProgress })
	const [mirrorsRoot, runsRoot] = [join(cacheDir, 'mirrors'), join(cacheDir, 'runs')]
	for (const path of [mirrorsRoot, runsRoot]) {
		await mkdir(path, { recursive: true })
		// Another user may have to pass through to one directory in it, never to list it.
		await chmod(path, 0o711)
	}
	const memoryRoot = await findMemoryRoot()
	const disk = createDisk({ path: runsRoot, log, ...(deps.freeBytes ? { freeBytes: deps.freeBytes } : {}) })
	await Promise.all([runsRoot, ...(memoryRoot ? [memoryRoot] : [])].map(sweepRuns))
	void warmUpPatchManager()
	const now = deps.now ?? Date.now
	const startedAt = now()
	let lastContactAt: number | null = null
	const onContact = (): void => {
		lastContactAt = now()
	}
	const client = createOrchestratorClient({ orchestratorURL, runnerToken: options.runnerToken, onContact, ...(deps.fetch ? { fetch: deps.fetch } : {}) })
	const capabilities = findCapabilities({ providers: options.providers, resolveCLI, log })
	log('runner-started', { workerName: options.workerName, containerName: options.containerName, isolation: isolation.kind, orchestratorURL })
	const base = { client, isolation, orchestratorURL, isTrusted: options.isTrusted, mirrorsRoot, runsRoot, memoryRoot, resolveCLI, redactor, ...(deps.touchedMs === undefined ? {} : { touchedMs: deps.touchedMs }) }
	const leases = new Set<Lease>()
	let isStopped = false
	const run = async (claimed: ClaimedTask): Promise<void> => {
		let own: Lease | undefined
		const onLease = (lease: Lease): void => {
			own = lease
			leases.add(lease)
			if (isStopped) lease.stop({ kind: 'shutdown' })
		}
		await runTask({ claimed, base, now, log, onLease })
		if (own) leases.delete(own)
	}
	const control = new AbortController()
	// A claim that is out may have been granted already; cut off, its task would wait until the lease lapses.
	const cutOff = new AbortController()
	control.signal.addEventListener('abort', () => setTimeout(() => cutOff.abort(), CLAIM_GRACE_MS), { once: true })
	// Inside a container the end of a run kills everything of the agents' user, so there is room for one.
	const concurrency = isolation.kind === 'container' ? 1 : options.concurrency
	const canDo = ({ requires }: WakeUp): boolean => requires === null || !capabilities.isSettled || capabilities.names.some((name) => name === requires)
	const hangUp = new AbortController()
	const wake = createWake({ orchestratorURL, runnerToken: options.runnerToken, canDo, signal: AbortSignal.any([control.signal, hangUp.signal]), log })
	const done = claimLoop({ options: { ...options, concurrency }, client, capabilities, disk, wake, signal: control.signal, cutOff: cutOff.signal, run, log }).finally(() => hangUp.abort())
	return {
		done,
		status: () => ({ startedAt, lastContactAt, runningTasks: leases.size, hasRoom: disk.hasRoom(), isolation: isolation.kind, agents: capabilities.names }),
		drain: () => control.abort(),
		async stop() {
			isStopped = true
			control.abort()
			for (const lease of leases) lease.stop({ kind: 'shutdown' })
			await done
		},
	}
}

interface ClaimLoop {
	options: RunnerOptions
	client: OrchestratorClient
	capabilities: Capabilities
	disk: Disk
	wake: Wake
	/** No more claims. */
	signal: AbortSignal
	/** Nor the answer to the last one. */
	cutOff: AbortSignal
	run: (claimed: ClaimedTask) => Promise<void>
	log: Log
}

async function claimLoop({ options, client, capabilities, disk, wake, signal, cutOff, run, log }: ClaimLoop): Promise<void> {
	const running = new Set<Promise<void>>()
	let failures = 0
	// What is installed already is ready in no time, and the first claim should name it.
	await Promise.race([capabilities.settled, sleep(500, undefined, { signal }).catch(() => {})])
	while (!signal.aborted) {
		const free = options.concurrency - running.size
		if (free === 0) {
			await Promise.race(running)
			continue
		}
		try {
			await disk.room(signal)
			const calls = wake.calls()
			const claimed = await client.claim(claimRequest(options, capabilities, { max: options.isOnce ? 1 : free, isOpen: wake.isOpen() }), cutOff)
			failures = 0
			for (const task of claimed) {
				const ended = run(task).finally(() => running.delete(ended))
				running.add(ended)
			}
			if (options.isOnce && claimed.length > 0) break
			// The end of a task may let another one start, which is not always told.
			if (claimed.length === 0 && capabilities.isSettled) await Promise.race([wake.idle(calls), ...running])
		} catch (error) {
			if (signal.aborted) break
			failures += 1
			const { code, message, retryAfterMs } = error instanceof OrchestratorError ? error : { code: 'UNREACHABLE', message: String(error), retryAfterMs: 0 }
			log('claim-problem', { code, message, failures })
			const delayMs = Math.max(Math.min(200 * 2 ** Math.min(failures - 1, 10), MAX_BACKOFF_MS), retryAfterMs)
			await sleep(delayMs, undefined, { signal }).catch(() => {})
		}
	}
	await Promise.all(running)
}

function claimRequest({ workerName, containerName }: RunnerOptions, { names, isSettled }: Capabilities, { max, isOpen }: { max: number; isOpen: boolean }) {
	// While agents are still being installed, ask again soon with more of them. With an open line only the work that comes at once is
	// waited for in the claim, which gets it soonest; for all other there will be a call.
	const waitMs = isSettled && !isOpen ? LONG_POLL_MS : SHORT_POLL_MS
	return { workerName, containerName, taskTypes: ['agent-run' as const, 'validate' as const, 'command' as const], capabilities: [...names], waitMs, max }
}
