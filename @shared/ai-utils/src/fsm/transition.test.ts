import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineMachine } from './definition.ts'
import { allowedEvents, transition, TransitionError } from './transition.ts'

type State = 'idle' | 'busy' | 'done'
type Event = { type: 'work'; amount: number } | { type: 'note'; text: string } | { type: 'reset' }
interface Context {
	left: number
	notes: string[]
}

const states: readonly State[] = ['idle', 'busy', 'done']
const machine = defineMachine<State, Event, Context>({
	name: 'worker',
	states,
	rules: {
		work: [
			{ from: ['idle', 'busy'], to: 'done', guard: ({ left }, { amount }) => amount >= left, update: (context) => ({ ...context, left: 0 }) },
			{ from: ['idle', 'busy'], to: 'busy', guard: (_, { amount }) => amount > 0, update: (context, { amount }) => ({ ...context, left: context.left - amount }) },
		],
		note: [{ from: 'busy', update: (context, { text }) => ({ ...context, notes: [...context.notes, text] }) }],
		reset: [{ from: '*', to: 'idle' }],
	},
})
const at = (state: State, left = 10) => ({ state, context: { left, notes: [] } })

describe('transition', () => {
	it('takes the first rule whose state and guard fit', () => {
		expect(transition(machine, at('idle'), { type: 'work', amount: 4 })).toEqual({
			from: 'idle',
			state: 'busy',
			context: { left: 6, notes: [] },
			event: { type: 'work', amount: 4 },
			isInternal: false,
		})
		expect(transition(machine, at('busy'), { type: 'work', amount: 10 })).toMatchObject({ from: 'busy', state: 'done', context: { left: 0 } })
	})

	it('keeps the state of an internal rule and names the real one of `*`', () => {
		expect(transition(machine, at('busy'), { type: 'note', text: 'a' })).toMatchObject({ state: 'busy', isInternal: true, context: { notes: ['a'] } })
		expect(transition(machine, at('done'), { type: 'reset' })).toMatchObject({ from: 'done', state: 'idle', isInternal: false })
		expect(transition(machine, at('idle'), { type: 'reset' })).toMatchObject({ from: 'idle', state: 'idle', isInternal: false })
	})

	it.each([
		{ state: 'done' as const, event: { type: 'work', amount: 1 } as const, reason: 'not-allowed', says: 'work is not allowed in done, which takes reset' },
		{ state: 'idle' as const, event: { type: 'work', amount: 0 } as const, reason: 'guard-refused', says: 'refused in idle' },
		{ state: 'gone' as State, event: { type: 'reset' } as const, reason: 'unknown-state', says: 'no state gone' },
		{ state: 'idle' as const, event: { type: 'toString' } as unknown as Event, reason: 'unknown-event', says: 'no event toString' },
		{ state: 'idle' as const, event: { type: '__proto__' } as unknown as Event, reason: 'unknown-event', says: 'knows work, note, reset' },
	])('refuses $event.type in $state: $reason', ({ state, event, reason, says }) => {
		const refused = transition(machine, at(state), event)
		expect(refused).toBeInstanceOf(TransitionError)
		expect(refused).toMatchObject({ name: 'TransitionError', reason, state, event, message: expect.stringContaining(says) })
	})

	it('names the events that a state takes', () => {
		expect(states.map((state) => allowedEvents(machine, state))).toEqual([['work', 'reset'], ['work', 'note', 'reset'], ['reset']])
	})
})

const events = fc.oneof(
	fc.record({ type: fc.constant('work' as const), amount: fc.integer({ min: -2, max: 12 }) }),
	fc.record({ type: fc.constant('note' as const), text: fc.string() }),
	fc.record({ type: fc.constant('reset' as const) }),
)

it('either moves to a listed state by an allowed event or refuses, and never touches what it was given', () => {
	fc.assert(
		fc.property(fc.constantFrom(...states), fc.integer({ min: 0, max: 12 }), events, (state, left, event) => {
			const before = at(state, left)
			const copy: unknown = JSON.parse(JSON.stringify(before))
			const next = transition(machine, before, event)
			expect(before).toEqual(copy)
			if (next instanceof TransitionError) return
			expect(states).toContain(next.state)
			expect(allowedEvents(machine, state)).toContain(event.type)
			expect(transition(machine, before, event)).toEqual(next)
		}),
	)
})
