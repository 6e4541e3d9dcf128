import { describe, expect, it } from 'vitest'
import { defineMachine } from './definition.ts'
import type { Rule } from './definition.ts'

type Door = 'open' | 'closed'
type Push = { type: 'push' }
const define = (states: readonly Door[], push: readonly Rule<Door, Push, null>[]) => defineMachine<Door, Push, null>({ name: 'door', states, rules: { push } })

describe('defineMachine', () => {
	it('gives a sound definition back', () => {
		const rules: Rule<Door, Push, null>[] = [{ from: 'open', to: 'closed', guard: () => true }, { from: '*', to: 'open' }]
		expect(define(['open', 'closed'], rules).rules.push).toBe(rules)
	})

	it.each([
		{ what: 'a state listed twice', states: ['open', 'open'], rules: [], says: 'lists a state twice' },
		{ what: 'an unknown source', states: ['open'], rules: [{ from: ['open', 'closed'] }], says: 'Rule 1 of event push of machine door names the state closed' },
		{ what: 'an unknown target', states: ['open'], rules: [{ from: 'open', to: 'closed' }], says: 'names the state closed' },
		{ what: 'a second rule for the same state', states: ['open', 'closed'], rules: [{ from: '*', to: 'open' }, { from: 'closed', to: 'open' }], says: 'Rule 2 of event push of machine door can never apply' },
	] satisfies { what: string; states: Door[]; rules: Rule<Door, Push, null>[]; says: string }[])('refuses $what', ({ states, rules, says }) => {
		expect(() => define(states, rules)).toThrow(says)
	})
})
