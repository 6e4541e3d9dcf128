import { describe, expect, it } from 'vitest'
import { heartbeatEveryMs, isLeaseHeld, leaseUntil } from './lease.ts'

describe('isLeaseHeld', () => {
	const held = { status: 'running', leaseToken: 't', leaseExpiresAt: 100 } as const
	it.each([
		{ name: 'current token in time', state: held, token: 't', now: 99, is: true },
		{ name: 'at the very end', state: held, token: 't', now: 100, is: false },
		{ name: 'another token', state: held, token: 'u', now: 0, is: false },
		{ name: 'assigned, before the first heartbeat', state: { ...held, status: 'assigned' } as const, token: 't', now: 0, is: true },
		{ name: 'closed with the same token', state: { ...held, status: 'completed' } as const, token: 't', now: 0, is: false },
		{ name: 'back in the queue', state: { status: 'pending', leaseToken: null, leaseExpiresAt: null } as const, token: 't', now: 0, is: false },
		{ name: 'no expiry', state: { ...held, leaseExpiresAt: null }, token: 't', now: 0, is: false },
	])('$name', ({ state, token, now, is }) => {
		expect(isLeaseHeld(state, token, now)).toBe(is)
	})
})

describe('leaseUntil', () => {
	it('is one lease from now', () => expect(leaseUntil({ now: 50, leaseMs: 30, assignedAt: 0, timeoutMs: 1000, until: 70 })).toBe(80))
	it('is not shortened by a heartbeat that a later one overtook', () => expect(leaseUntil({ now: 50, leaseMs: 30, assignedAt: 0, timeoutMs: 1000, until: 95 })).toBe(95))
	it('never outlives the attempt', () => expect(leaseUntil({ now: 990, leaseMs: 30, assignedAt: 0, timeoutMs: 1000, until: 0 })).toBe(1000))
})

it('asks for three heartbeats a lease', () => {
	expect([30_000, 500, 2].map(heartbeatEveryMs)).toEqual([10_000, 166, 1])
})
