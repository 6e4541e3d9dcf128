import type { ProgressEvent } from '@shared/contracts'
import type { AgentEvent } from './adapters/adapter.ts'

/** Events on their way to the orchestrator; bounded, so that a program that floods its output costs nothing but a count. */
export interface ProgressBuffer {
	add(event: AgentEvent): void
	take(max: number): ProgressEvent[]
	/** Events that were taken and did not arrive. */
	putBack(events: readonly ProgressEvent[]): void
	readonly size: number
}

const MAX_EVENTS = 600

export function createProgressBuffer(now: () => number): ProgressBuffer {
	let events: ProgressEvent[] = []
	let leftOut = 0
	return {
		add(event) {
			// Only the newest of these says anything, and they are large.
			if (event.kind === 'touched') events = events.filter(({ kind }) => kind !== 'touched')
			if (events.length < MAX_EVENTS) events.push({ at: now(), ...event })
			else leftOut += 1
		},
		take(max) {
			if (leftOut > 0 && events.length <= max) {
				leftOut += events.splice(max - 1).length
				events.push({ at: now(), kind: 'warning', text: `${leftOut} events were left out: more came than can be passed on.` })
				leftOut = 0
			}
			const taken = events.slice(0, max)
			events = events.slice(max)
			return taken
		},
		putBack(returned) {
			events = [...returned, ...events].slice(0, MAX_EVENTS)
		},
		get size() {
			return events.length
		},
	}
}
