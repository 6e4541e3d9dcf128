/** Something that happened to a machine; `type` names it, the rest is its payload. */
export interface MachineEvent {
	readonly type: string
}

/** Where a machine stands. */
export interface Position<State extends string, Context> {
	readonly state: State
	readonly context: Context
}

/** What one event does. Guard and update are pure: they may run without the transition being kept. */
export interface Rule<State extends string, Event extends MachineEvent, Context> {
	readonly from: State | readonly State[] | '*'
	/** Absent: the event is allowed and the state stays, without exit and enter hooks. */
	readonly to?: State
	/** The rule holds only where this says so; the next rule of the event is asked otherwise. */
	readonly guard?: (context: Context, event: Event) => boolean
	/** The context afterwards. */
	readonly update?: (context: Context, event: Event) => Context
}

/** The rules of each event are asked in order; the first that fits decides. */
export interface MachineDefinition<State extends string, Event extends MachineEvent, Context> {
	readonly name: string
	readonly states: readonly State[]
	readonly rules: { readonly [Type in Event['type']]: readonly Rule<State, Extract<Event, { type: Type }>, Context>[] }
}

/** The states that `from` names. */
export function sourcesOf<State extends string>(from: State | readonly State[] | '*', states: readonly State[]): readonly State[] {
	if (from === '*') return states
	return typeof from === 'string' ? [from] : from
}

/**
 * Checks a definition when the program starts. Throws a TypeError for a state that is not listed, a state listed twice, and a rule
 * that can never be reached because rules before it take all its states without asking a guard.
 */
export function defineMachine<State extends string, Event extends MachineEvent, Context>(
	definition: MachineDefinition<State, Event, Context>,
): MachineDefinition<State, Event, Context> {
	const { name, states } = definition
	const known = new Set<string>(states)
	if (known.size !== states.length) throw new TypeError(`Machine ${name} lists a state twice: ${states.join(', ')}.`)
	for (const [type, rules] of Object.entries<readonly Rule<State, never, Context>[]>(definition.rules)) {
		const taken = new Set<string>()
		for (const [index, rule] of rules.entries()) {
			const sources = sourcesOf(rule.from, states)
			const where = `Rule ${index + 1} of event ${type} of machine ${name}`
			const unknown = [...sources, ...(rule.to === undefined ? [] : [rule.to])].find((state) => !known.has(state))
			if (unknown !== undefined) throw new TypeError(`${where} names the state ${unknown}, which the machine does not list.`)
			if (sources.every((state) => taken.has(state))) throw new TypeError(`${where} can never apply: rules before it take all its states.`)
			if (!rule.guard) for (const state of sources) taken.add(state)
		}
	}
	return definition
}
