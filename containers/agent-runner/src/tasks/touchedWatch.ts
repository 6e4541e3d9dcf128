import { setTimeout as delay } from 'node:timers/promises'
import type { AgentEvent } from '../adapters/adapter.ts'
import type { TouchedFile } from '../git/touchedFiles.ts'

export interface TouchedWatchOptions {
	/** What is changed at the moment; null for not known. */
	list: (signal: AbortSignal) => Promise<TouchedFile[] | null>
	report: (event: AgentEvent) => void
	intervalMs?: number
	now?: () => number
	sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

export interface TouchedWatch {
	/** Resolves when nothing of it is under way any more. */
	stop(): Promise<void>
}

const INTERVAL_MS = 5000
const SLOW_MS = 1000
const MAX_INTERVAL_MS = 120_000

/** Tells, while an agent runs, which lines it has changed so far, whenever that is another answer. Each look that takes long doubles the time to the next one. */
export function watchTouched(options: TouchedWatchOptions): TouchedWatch {
	const { list, report, intervalMs = INTERVAL_MS, now = () => performance.now(), sleep = (ms, signal) => delay(ms, undefined, { signal }) } = options
	const control = new AbortController()
	const { signal } = control
	let known = '[]'

	async function look(): Promise<void> {
		const files = await list(signal)
		if (files === null || signal.aborted) return
		const found = JSON.stringify(files)
		if (found === known) return
		known = found
		report({ kind: 'touched', text: files.length === 1 ? '1 file changed' : `${files.length} files changed`, data: { files } })
	}

	async function run(): Promise<void> {
		let waitMs = intervalMs
		while (!signal.aborted) {
			await sleep(waitMs, signal)
			const start = now()
			// Nobody's run may fail because of a look at it.
			await look().catch(() => {})
			waitMs = now() - start > SLOW_MS ? Math.min(2 * waitMs, MAX_INTERVAL_MS) : intervalMs
		}
	}

	const ended = run().catch(() => {})
	return {
		async stop() {
			control.abort()
			await ended
		},
	}
}
