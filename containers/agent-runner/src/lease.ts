import { setTimeout as sleep } from 'node:timers/promises'
import type { ClaimedTask, ProgressEvent, TaskError } from '@shared/contracts'
import type { AgentEvent } from './adapters/adapter.ts'
import type { OrchestratorClient } from './orchestratorClient.ts'
import { OrchestratorError } from './orchestratorClient.ts'
import { createProgressBuffer } from './progressBuffer.ts'
import type { Redactor } from './redact.ts'

/** Why a run must end before its program has ended. */
export type StopReason = { kind: 'cancelled'; code: string; message: string } | { kind: 'lease-lost' } | { kind: 'shutdown' }

/** The runner's hold on one task, from the claim to the final report. */
export interface Lease {
	/** Aborted when the run must end; `stopReason` then says why. */
	readonly signal: AbortSignal
	readonly stopReason: StopReason | null
	stop(reason: StopReason): void
	/** Hands on what happens; it goes out with the next heartbeat. */
	report(event: AgentEvent): void
	/** Both retry for minutes while the orchestrator is away, and end the lease. Null when the report was taken, else why not. */
	complete(output: Record<string, unknown>): Promise<ReportRefusal | null>
	fail(error: TaskError, output?: Record<string, unknown>): Promise<ReportRefusal | null>
}

/** `isFinal`: the orchestrator no longer wants to hear of the task, or cannot be reached; another report is pointless. */
export interface ReportRefusal {
	code: string
	message: string
	isFinal: boolean
}

export interface LeaseOptions {
	client: OrchestratorClient
	claimed: Pick<ClaimedTask, 'task' | 'leaseToken' | 'leaseMs'>
	redactor: Redactor
	now: () => number
	onProblem: (problem: { call: string; code: string; message: string }) => void
	/** How long a final report is tried. */
	reportForMs?: number
}

const FLUSH_MS = 250
const MAX_RETRY_MS = 5000
const GONE = new Set(['LEASE_LOST', 'LEASE_REQUIRED', 'CONTAINER_TASK_CLOSED', 'CONTAINER_TASK_NOT_FOUND'])

export function createLease(options: LeaseOptions): Lease {
	const { client, claimed, redactor, now, onProblem, reportForMs = 10 * 60_000 } = options
	const { leaseToken, leaseMs } = claimed
	const { taskId } = claimed.task
	const control = new AbortController()
	const progress = createProgressBuffer(now)
	const intervalMs = Math.max(50, Math.floor(leaseMs / 3))
	let stopReason: StopReason | null = null
	let failures = 0
	let isBeating = false
	let isSettled = false
	let timer: NodeJS.Timeout | undefined
	let nextAt = Number.POSITIVE_INFINITY

	const stop = (reason: StopReason): void => {
		stopReason ??= reason
		control.abort()
	}
	const schedule = (delayMs: number): void => {
		const at = performance.now() + delayMs
		if (isSettled || isBeating || at >= nextAt) return
		clearTimeout(timer)
		nextAt = at
		timer = setTimeout(() => void beat(), delayMs)
	}
	const body = (fields: Record<string, unknown>): string => redactor.redact(JSON.stringify({ leaseToken, ...fields }))

	async function beat(): Promise<void> {
		isBeating = true
		nextAt = Number.POSITIVE_INFINITY
		const events = progress.take(200)
		try {
			const { cancel } = await client.heartbeat(taskId, body({ progress: events }))
			failures = 0
			if (cancel) stop({ kind: 'cancelled', ...cancel })
		} catch (error) {
			onBeatFailure(toOrchestratorError(error), events)
		} finally {
			isBeating = false
			if (!isSettled && stopReason?.kind !== 'lease-lost') schedule(failures > 0 ? retryDelay(failures, intervalMs) : progress.size > 0 ? FLUSH_MS : intervalMs)
		}
	}

	function onBeatFailure(error: OrchestratorError, events: ProgressEvent[]): void {
		onProblem({ call: 'heartbeat', code: error.code, message: error.message })
		if (GONE.has(error.code)) return stop({ kind: 'lease-lost' })
		failures += 1
		// Events that the orchestrator does not take must not stand in the way of the next heartbeat.
		if (error.isTransient || error.status === 401) progress.putBack(events)
	}

	async function settle(call: 'complete' | 'fail', fields: Record<string, unknown>): Promise<ReportRefusal | null> {
		const text = body({ ...fields, progress: progress.take(1000) })
		const deadline = now() + (stopReason?.kind === 'shutdown' ? Math.min(reportForMs, 10_000) : reportForMs)
		try {
			for (let attempt = 1; ; attempt++) {
				try {
					await client[call](taskId, text)
					return null
				} catch (caught) {
					const error = toOrchestratorError(caught)
					onProblem({ call, code: error.code, message: error.message })
					const { code, message } = error
					const isRefused = !error.isTransient && error.status !== 401
					const delayMs = Math.max(retryDelay(attempt, MAX_RETRY_MS), error.retryAfterMs)
					if (isRefused || now() + delayMs > deadline) return { code, message, isFinal: !isRefused || GONE.has(code) }
					await sleep(delayMs)
				}
			}
		} finally {
			isSettled = true
			clearTimeout(timer)
		}
	}

	schedule(intervalMs)
	return {
		signal: control.signal,
		get stopReason() {
			return stopReason
		},
		stop,
		report(event) {
			progress.add(event)
			schedule(FLUSH_MS)
		},
		complete: (output) => settle('complete', { output }),
		fail: (error, output) => settle('fail', { error, ...(output ? { output } : {}) }),
	}
}

function retryDelay(attempt: number, maxMs: number): number {
	return Math.min(200 * 2 ** Math.min(attempt - 1, 10), maxMs, MAX_RETRY_MS)
}

function toOrchestratorError(error: unknown): OrchestratorError {
	if (error instanceof OrchestratorError) return error
	return new OrchestratorError(error instanceof Error ? error.message : String(error), { status: null, code: 'UNREACHABLE' })
}
