import { transition, TransitionError } from './transition.ts'
import type { MachineDefinition, MachineEvent, Position } from './definition.ts'
import type { Snapshot } from './snapshot.ts'
import type { Transition } from './transition.ts'

/** Called with what happened and a way to send more; what it sends is queued behind the transition that is under way. */
export type Hook<State extends string, Event extends MachineEvent, Context> = (what: Transition<State, Event, Context>, send: (event: Event) => void) => void

export interface MachineOptions<State extends string, Event extends MachineEvent, Context> {
	/** The first position, or one that `parseSnapshot` gave. */
	at: Position<State, Context>
	/** Before the state is left; when it throws, the transition does not happen. */
	exit?: { readonly [Name in State]?: Hook<State, Event, Context> }
	/** After every transition, internal ones too: the place for an audit log. */
	onTransition?: (what: Transition<State, Event, Context>) => void
	/** After the state was entered; when it throws, the machine stays in the new state. */
	enter?: { readonly [Name in State]?: Hook<State, Event, Context> }
}

export interface Machine<State extends string, Event extends MachineEvent, Context> extends Position<State, Context> {
	/** True when `send` would take the event now. */
	can(event: Event): boolean
	/**
	 * Takes the event and all that hooks send meanwhile. Called within a hook it queues and returns at once. Every queued event is
	 * tried; then the first call throws what was refused or thrown: the error itself, or an AggregateError of several.
	 */
	send(event: Event): void
	snapshot(): Snapshot<State, Context>
}

// Hooks that send for ever would hang the program; no honest chain of events is this long.
const MAX_EVENTS = 1000

/** A machine that stands somewhere. Hooks see the real states: `from` was left, `state` was entered, whatever rule matched. */
export function createMachine<State extends string, Event extends MachineEvent, Context>(
	definition: MachineDefinition<State, Event, Context>,
	options: MachineOptions<State, Event, Context>,
): Machine<State, Event, Context> {
	const { exit, enter, onTransition } = options
	let at = options.at
	let queue: Event[] | null = null

	const take = (event: Event): void => {
		const next = transition(definition, at, event)
		if (next instanceof TransitionError) throw next
		if (!next.isInternal) exit?.[next.from]?.(next, send)
		at = { state: next.state, context: next.context }
		onTransition?.(next)
		if (!next.isInternal) enter?.[next.state]?.(next, send)
	}

	const drain = (events: Event[]): unknown[] => {
		const errors: unknown[] = []
		for (let index = 0; index < events.length; index++) {
			const event = events[index]
			if (event === undefined) break
			if (index === MAX_EVENTS) return [...errors, new RangeError(`Machine ${definition.name}: hooks sent more than ${MAX_EVENTS} events in answer to one; ${event.type} and what follows were dropped.`)]
			try {
				take(event)
			} catch (error) {
				errors.push(error)
			}
		}
		return errors
	}

	const send = (event: Event): void => {
		if (queue) return void queue.push(event)
		queue = [event]
		const errors = drain(queue)
		queue = null
		if (errors.length > 1) throw new AggregateError(errors, `Machine ${definition.name}: ${errors.length} events failed.`)
		if (errors.length === 1) throw errors[0]
	}

	return {
		get state() {
			return at.state
		},
		get context() {
			return at.context
		},
		can: (event) => !(transition(definition, at, event) instanceof TransitionError),
		send,
		snapshot: () => ({ machine: definition.name, state: at.state, context: at.context }),
	}
}
