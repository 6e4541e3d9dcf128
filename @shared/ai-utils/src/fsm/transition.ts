import { sourcesOf } from './definition.ts'
import type { MachineDefinition, MachineEvent, Position, Rule } from './definition.ts'

export type RefusalReason = 'unknown-state' | 'unknown-event' | 'not-allowed' | 'guard-refused'

/** An event that the machine does not take where it stands. Nothing has changed. */
export class TransitionError extends Error {
	override readonly name = 'TransitionError'
	readonly reason: RefusalReason
	readonly state: string
	readonly event: MachineEvent

	constructor(reason: RefusalReason, at: { state: string; event: MachineEvent }, message: string) {
		super(message)
		this.reason = reason
		this.state = at.state
		this.event = at.event
	}
}

/** What an event did. `isInternal`: the rule keeps the state, so it was neither left nor entered. */
export interface Transition<State extends string, Event extends MachineEvent, Context> extends Position<State, Context> {
	readonly from: State
	readonly event: Event
	readonly isInternal: boolean
}

/** The rules of an event type, or undefined when the definition does not know it. */
function rulesOf<State extends string, Event extends MachineEvent, Context>(definition: MachineDefinition<State, Event, Context>, type: string) {
	if (!Object.hasOwn(definition.rules, type)) return undefined
	// The rules under `type` take exactly the events of that type, which TypeScript cannot follow through an index.
	return (definition.rules as unknown as Record<string, readonly Rule<State, Event, Context>[]>)[type]
}

/** The events that some rule takes from `state`; guards are not asked. */
export function allowedEvents<State extends string, Event extends MachineEvent, Context>(
	definition: MachineDefinition<State, Event, Context>,
	state: State,
): Event['type'][] {
	const types: Event['type'][] = Object.keys(definition.rules)
	return types.filter((type) => rulesOf(definition, type)?.some((rule) => sourcesOf(rule.from, definition.states).includes(state)))
}

/** What `event` makes of a position. Pure: returns the transition, or a TransitionError where the event is refused. */
export function transition<State extends string, Event extends MachineEvent, Context>(
	definition: MachineDefinition<State, Event, Context>,
	at: Position<State, Context>,
	event: Event,
): Transition<State, Event, Context> | TransitionError {
	const { name, states } = definition
	const { state, context } = at
	const refuse = (reason: RefusalReason, why: string) => new TransitionError(reason, { state, event }, `Machine ${name}: ${why}`)
	if (!states.includes(state)) return refuse('unknown-state', `there is no state ${state}; it knows ${states.join(', ')}.`)
	const rules = rulesOf(definition, event.type)
	if (!rules) return refuse('unknown-event', `there is no event ${event.type}; it knows ${Object.keys(definition.rules).join(', ')}.`)
	const listed = rules.filter((rule) => sourcesOf(rule.from, states).includes(state))
	if (listed.length === 0) {
		return refuse('not-allowed', `${event.type} is not allowed in ${state}, which takes ${allowedEvents(definition, state).join(', ') || 'nothing'}.`)
	}
	const rule = listed.find(({ guard }) => !guard || guard(context, event))
	if (!rule) return refuse('guard-refused', `${event.type} is refused in ${state} by its guard.`)
	return { from: state, state: rule.to ?? state, event, context: rule.update ? rule.update(context, event) : context, isInternal: rule.to === undefined }
}
