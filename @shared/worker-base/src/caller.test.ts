import { describe, expect, it } from 'vitest'
import { callerOf } from './caller.ts'

describe('callerOf', () => {
	it('reads the Worker that the binding names', () => {
		expect(callerOf({ props: { workerName: 'agent-factory', more: 1 } })).toEqual({ workerName: 'agent-factory' })
	})

	it.each([[{}], [{ props: {} }], [{ props: { workerName: '' } }], [{ props: { workerName: 7 } }], [{ props: { workerName: 'a b' } }], [{ props: { workerName: 'x'.repeat(101) } }]])(
		'refuses %j',
		(ctx) => {
			expect(() => callerOf(ctx)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
		},
	)
})
