import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineMachine } from './definition.ts'
import { createMachine } from './machine.ts'
import { parseSnapshot, SnapshotError } from './snapshot.ts'
import { transition, TransitionError } from './transition.ts'
import type { MachineOptions } from './machine.ts'

type State = 'off' | 'warming' | 'on'
type Event = { type: 'press' } | { type: 'warm' } | { type: 'cut' } | { type: 'count' }
type Lamp = MachineOptions<State, Event, number>

const lamp = defineMachine<State, Event, number>({
	name: 'lamp',
	states: ['off', 'warming', 'on'],
	rules: {
		press: [{ from: 'off', to: 'warming' }, { from: 'on', to: 'off' }],
		warm: [{ from: 'warming', to: 'on', update: (count) => count + 1 }],
		cut: [{ from: '*', to: 'off' }],
		count: [{ from: 'on', update: (count) => count + 1 }],
	},
})
const start = (options: Partial<Lamp> = {}) => createMachine(lamp, { at: { state: 'off', context: 0 }, ...options })

describe('createMachine', () => {
	it('moves, counts and tells what it can take', () => {
		const machine = start()
		expect([machine.can({ type: 'press' }), machine.can({ type: 'warm' })]).toEqual([true, false])
		machine.send({ type: 'press' })
		machine.send({ type: 'warm' })
		machine.send({ type: 'count' })
		expect([machine.state, machine.context]).toEqual(['on', 2])
	})

	it('throws on what it cannot take and stays', () => {
		const machine = start()
		expect(() => machine.send({ type: 'warm' })).toThrow(TransitionError)
		expect(machine.state).toBe('off')
	})

	it('runs the hooks of the states that are really left and entered, around the audit', () => {
		const seen: string[] = []
		const machine = start({
			at: { state: 'on', context: 0 },
			exit: { on: ({ from, state }) => seen.push(`exit ${from}>${state}`) },
			onTransition: ({ from, state, event }) => seen.push(`${event.type} ${from}>${state}`),
			enter: { off: ({ from }) => seen.push(`enter off from ${from}`) },
		})
		machine.send({ type: 'count' })
		machine.send({ type: 'cut' })
		expect(seen).toEqual(['count on>on', 'exit on>off', 'cut on>off', 'enter off from on'])
	})

	it('queues what a hook sends behind the transition under way', () => {
		const seen: string[] = []
		const machine = start({
			exit: { off: (_, send) => send({ type: 'warm' }) },
			onTransition: ({ from, state }) => seen.push(`${from}>${state}`),
			enter: {
				warming: () => {
					machine.send({ type: 'count' })
					seen.push(`still ${machine.state}`)
				},
			},
		})
		machine.send({ type: 'press' })
		expect(seen).toEqual(['off>warming', 'still warming', 'warming>on', 'on>on'])
		expect(machine.context).toBe(2)
	})

	it('tries all that is queued, then throws each failure', () => {
		const enter: Lamp['enter'] = {
			warming: (_, send) => {
				send({ type: 'press' })
				send({ type: 'warm' })
				throw new Error('bulb')
			},
		}
		const machine = start({ enter })
		expect(() => machine.send({ type: 'press' })).toThrow(expect.objectContaining({ errors: [new Error('bulb'), expect.any(TransitionError)] }))
		expect(machine.state).toBe('on')
		machine.send({ type: 'cut' })
		expect(machine.state).toBe('off')
	})

	it('does not leave a state whose exit hook throws', () => {
		const machine = start({
			exit: {
				off: () => {
					throw new Error('stuck')
				},
			},
		})
		expect(() => machine.send({ type: 'press' })).toThrow('stuck')
		expect(machine.state).toBe('off')
	})

	it('ends hooks that send for ever', () => {
		const machine = start({ at: { state: 'on', context: 0 }, enter: { off: (_, send) => send({ type: 'press' }), warming: (_, send) => send({ type: 'cut' }) } })
		expect(() => machine.send({ type: 'press' })).toThrow('more than 1000 events')
		expect(machine.can({ type: 'cut' })).toBe(true)
	})
})

describe('parseSnapshot', () => {
	const parseCount = (value: unknown): number => {
		if (typeof value !== 'number') throw new TypeError('no count')
		return value
	}

	it('restores what was stored as JSON', () => {
		const machine = start({ at: { state: 'warming', context: 7 } })
		const stored: unknown = JSON.parse(JSON.stringify(machine.snapshot()))
		const restored = createMachine(lamp, { at: parseSnapshot(lamp, stored, parseCount) })
		restored.send({ type: 'warm' })
		expect([restored.state, restored.context]).toEqual(['on', 8])
	})

	it.each([null, 7, [], {}, { machine: 'other', state: 'on', context: 1 }, { machine: 'lamp', state: 'blue', context: 1 }, { machine: 'lamp', context: 1 }])('refuses %j', (stored) => {
		expect(() => parseSnapshot(lamp, stored, parseCount)).toThrow(SnapshotError)
	})

	it('refuses a context that its parser refuses', () => {
		expect(() => parseSnapshot(lamp, { machine: 'lamp', state: 'on', context: '1' }, parseCount)).toThrow('no count')
	})
})

it('agrees with the pure transition for every sequence of events', () => {
	const events = fc.array(fc.constantFrom<Event>({ type: 'press' }, { type: 'warm' }, { type: 'cut' }, { type: 'count' }))
	fc.assert(
		fc.property(events, (sequence) => {
			const machine = start()
			let at: { state: State; context: number } = { state: 'off', context: 0 }
			for (const event of sequence) {
				const next = transition(lamp, at, event)
				expect(machine.can(event)).toBe(!(next instanceof TransitionError))
				if (next instanceof TransitionError) expect(() => machine.send(event)).toThrow(TransitionError)
				else {
					machine.send(event)
					at = next
				}
				expect([machine.state, machine.context]).toEqual([at.state, at.context])
			}
		}),
	)
})
