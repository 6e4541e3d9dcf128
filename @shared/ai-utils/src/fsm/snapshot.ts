import type { MachineDefinition, MachineEvent, Position } from './definition.ts'

/** A position as it is stored: plain JSON when the context is. */
export interface Snapshot<State extends string, Context> extends Position<State, Context> {
	readonly machine: string
}

/** Stored text that is no position of the machine. */
export class SnapshotError extends Error {
	override readonly name = 'SnapshotError'
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The position in a stored snapshot. Throws SnapshotError, and whatever `parseContext` throws. */
export function parseSnapshot<State extends string, Event extends MachineEvent, Context>(
	definition: MachineDefinition<State, Event, Context>,
	stored: unknown,
	parseContext: (value: unknown) => Context,
): Position<State, Context> {
	const fail = (why: string): never => {
		throw new SnapshotError(`Not a snapshot of machine ${definition.name}: ${why}.`)
	}
	if (!isObject(stored)) return fail('it is no object')
	if (stored.machine !== definition.name) return fail('it names another machine')
	const state = definition.states.find((each) => each === stored.state)
	if (state === undefined) return fail(`its state is none of ${definition.states.join(', ')}`)
	return { state, context: parseContext(stored.context) }
}
