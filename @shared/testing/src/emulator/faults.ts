import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario, ScenarioFault } from '@shared/contracts'

/** Counts how often each scenario has failed on purpose, so that `times` can end it. One counter per emulator process. */
export interface FaultCounter {
	/** The fault to play for this request, counted as played; undefined when the scenario has none or it is used up. */
	take(scenario: Scenario): ScenarioFault | undefined
	reset(): void
}

export function createFaultCounter(): FaultCounter {
	const played = new Map<string, number>()
	return {
		take({ name, fault }) {
			if (!fault) return undefined
			const count = (played.get(name) ?? 0) + 1
			if (fault.times !== undefined && count > fault.times) return undefined
			played.set(name, count)
			return fault
		},
		reset: () => played.clear(),
	}
}

/** Waits `delayMs`; ends early, without an error, when the caller goes away. */
export async function delay(delayMs: number, signal: AbortSignal): Promise<void> {
	await sleep(delayMs, undefined, { signal }).catch(() => {})
}

/** Settles only when the caller goes away. */
export function untilAborted(signal: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>()
	if (signal.aborted) resolve()
	else signal.addEventListener('abort', () => resolve(), { once: true })
	return promise
}

/** Sends the first half of the frames, then breaks the connection or falls silent. */
export function brokenStream(frames: string[], how: 'cut' | 'stall'): ReadableStream<Uint8Array> {
	const encoder = new TextEncoder()
	const sent = frames.slice(0, Math.max(1, Math.floor(frames.length / 2)))
	let next = 0
	const forever = Promise.withResolvers<void>()
	return new ReadableStream({
		async pull(controller) {
			const frame = sent[next]
			next += 1
			if (frame !== undefined) return controller.enqueue(encoder.encode(frame))
			if (how === 'cut') return controller.error(new Error('cut on purpose by a scenario'))
			await forever.promise
		},
		cancel: () => forever.resolve(),
	})
}

/** What a captive portal or a broken proxy sends instead of an answer. */
export const GARBAGE_PAGE = '<!doctype html><title>502 Bad Gateway</title><p>vibehq-model-emulator: garbage on purpose</p>\n'
