import { z } from 'zod'

/** The states of the machine. Outside, draining is a flag beside the fixed state words. */
export type InstanceState = z.infer<typeof InstanceState>
export const InstanceState = z.enum(['stopped', 'starting', 'running', 'unhealthy', 'draining', 'failed'])

const time = z.number()

/** All that the pool knows of one instance: plain JSON. Times are Unix ms. */
export type InstanceRecord = z.infer<typeof InstanceRecord>
export const InstanceRecord = z.strictObject({
	instanceId: z.string(),
	/** The name that the platform knows it by; it changes only when an instance could not be destroyed. */
	platformName: z.string(),
	/** An external runner started itself: the driver never touches it. */
	isExternal: z.boolean(),
	instanceType: z.string(),
	port: z.int(),
	state: InstanceState,
	isDegraded: z.boolean(),
	/** Counts starts; what concerns an older generation is ignored. */
	generation: z.int(),
	detail: z.string().nullable(),
	createdAt: time,
	updatedAt: time,

	inFlight: z.int(),
	idleSince: time.nullable(),
	/** The last heartbeat of its work or, for an external runner, of itself. */
	lastSeenAt: time.nullable(),

	startedAt: time.nullable(),
	readyAt: time.nullable(),
	unhealthySince: time.nullable(),
	/** A start or destroy that the driver has not confirmed yet. */
	calledAt: time.nullable(),
	needsDestroy: z.boolean(),
	destroyFailures: z.int(),

	nextProbeAt: time.nullable(),
	lastHealthCheck: time.nullable(),
	rises: z.int(),
	falls: z.int(),
	slows: z.int(),
	/** When it turned unhealthy, within the restart window. */
	wobbles: z.array(time),

	/** Failures in a row, which set the backoff. */
	failures: z.int(),
	/** Failures within the restart window, which use up the budget. */
	failedAt: z.array(time),
	isExhausted: z.boolean(),
	retryAt: time.nullable(),

	drain: z.strictObject({ since: time, signalledAt: time.nullable(), killedAt: time.nullable(), thenRestart: z.boolean() }).nullable(),
	restartWanted: z.boolean(),

	billedSince: time.nullable(),
	/** Billed time by instance type, without what runs now. */
	usageMs: z.record(z.string(), z.number()),
})

/** Something that runs on the platform and that no record speaks for. */
const Orphan = z.strictObject({ platformName: z.string(), firstSeenAt: time, calledAt: time.nullable() })

/** The snapshot that the store keeps. */
export type PoolState = z.infer<typeof PoolState>
export const PoolState = z.strictObject({
	version: z.literal(1),
	target: z.int(),
	/** Set by a person; null while the pool follows the work. */
	manualTarget: z.int().nullable(),
	raisedAt: time.nullable(),
	/** Since when less than the target is wanted. */
	lowSince: time.nullable(),
	queued: z.int(),
	lastStartAt: time.nullable(),
	nextListAt: time,
	/** How many instances the platform was found to give, and when one more is tried. */
	cap: z.strictObject({ limit: z.int(), retryAt: time }).nullable(),
	orphans: z.array(Orphan),
	instances: z.array(InstanceRecord),
})

export const emptyPool = (): PoolState => ({
	version: 1,
	target: 0,
	manualTarget: null,
	raisedAt: null,
	lowSince: null,
	queued: 0,
	lastStartAt: null,
	nextListAt: 0,
	cap: null,
	orphans: [],
	instances: [],
})

/** Takes up room on the platform. */
export const isOccupied = ({ isExternal, state, needsDestroy }: InstanceRecord): boolean => !isExternal && (state !== 'stopped' && (state !== 'failed' || needsDestroy))

/** Counts towards the target: it works, or will soon. One that has used up its restarts does not, so another takes its place. */
export function isLive({ isExternal, state, isExhausted, drain }: InstanceRecord): boolean {
	if (isExternal) return false
	if (state === 'failed') return !isExhausted
	return state === 'starting' || state === 'running' || state === 'unhealthy' || (state === 'draining' && drain?.thenRestart === true)
}
