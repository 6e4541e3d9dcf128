import type { ContainerTaskStatus } from '@shared/contracts'
import { isLeased } from './states.ts'

/** What decides whether a token still speaks for a task. Times are Unix ms. */
export interface LeaseState {
	status: ContainerTaskStatus
	leaseToken: string | null
	leaseExpiresAt: number | null
}

/** True while `token` may heartbeat, complete or fail the task: it is the current one and its time has not run out. */
export function isLeaseHeld(state: LeaseState, token: string, now: number): boolean {
	return isLeased(state.status) && state.leaseToken === token && state.leaseExpiresAt !== null && state.leaseExpiresAt > now
}

/** When an attempt must be over, whatever its heartbeats say. */
export const attemptDeadline = (assignedAt: number, timeoutMs: number): number => assignedAt + timeoutMs

/**
 * A lease never outlives its attempt, so an attempt that is too long ends as a lease that lapses. Nor does a heartbeat shorten one:
 * the time of one that was overtaken lies before that of the later, whose runner was told until when it may work (`until`, 0 for a claim).
 */
export function leaseUntil(lease: { now: number; leaseMs: number; assignedAt: number; timeoutMs: number; until: number }): number {
	return Math.max(lease.until, Math.min(lease.now + lease.leaseMs, attemptDeadline(lease.assignedAt, lease.timeoutMs)))
}

/** A third of the lease: two heartbeats may get lost before the lease does. */
export const heartbeatEveryMs = (leaseMs: number): number => Math.max(1, Math.floor(leaseMs / 3))
