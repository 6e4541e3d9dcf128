import { defineMachine, transition } from '@shared/ai-utils/fsm'
import { billed } from '../usage.ts'
import type { InstanceRecord, InstanceState } from '../state.ts'
import type { FailureVerdict } from './failure.ts'

/** What happens to an instance; `at` is when. */
export type InstanceEvent = { readonly at: number } & (
	| { readonly type: 'start'; readonly nextProbeAt: number }
	/** The driver has taken the start. */
	| { readonly type: 'started' }
	| { readonly type: 'ready' }
	| { readonly type: 'fall'; readonly wobbles: number[]; readonly detail: string }
	| { readonly type: 'fail'; readonly detail: string; readonly verdict: FailureVerdict; readonly isGone: boolean }
	/** A restart that a person asked for: at once, and on no budget. */
	| { readonly type: 'recycle'; readonly detail: string }
	/** The platform has no room: nobody's fault. */
	| { readonly type: 'refuse'; readonly detail: string }
	| { readonly type: 'destroyed' }
	| { readonly type: 'destroyFailed'; readonly detail: string }
	/** A failed instance that is wanted no more. */
	| { readonly type: 'retire' }
	| { readonly type: 'drain'; readonly thenRestart: boolean; readonly detail: string }
	| { readonly type: 'signal' }
	| { readonly type: 'kill' }
	| { readonly type: 'stop'; readonly detail: string }
	/** An external runner registers itself, for the first time or again. */
	| { readonly type: 'join' }
)

// After this many attempts the instance starts again under another name, and what is left of the old one is an orphan.
const MAX_DESTROY_FAILURES = 3

const resting = { isDegraded: false, inFlight: 0, idleSince: null, unhealthySince: null, calledAt: null, nextProbeAt: null, drain: null } as const
const counters = { rises: 0, falls: 0, slows: 0 } as const

const begin = (instance: InstanceRecord, at: number): InstanceRecord => ({
	...instance,
	...resting,
	...counters,
	generation: instance.generation + 1,
	startedAt: at,
	readyAt: null,
	needsDestroy: false,
	destroyFailures: 0,
	wobbles: [],
	isExhausted: false,
	retryAt: null,
	restartWanted: false,
	detail: null,
})

const stopped = (instance: InstanceRecord, { at, detail }: { at: number; detail: string | null }): InstanceRecord => ({
	...billed(instance, at),
	...resting,
	needsDestroy: false,
	retryAt: null,
	detail,
})

/**
 * ```
 *  stopped ──start──► starting ──ready──► running ◄──ready── unhealthy
 *     ▲  ▲───refuse──────┘ │ │               │ └─────fall────────▲
 *     │                    │ └─────fail──────┴────► failed ──start──► starting
 *     └──stop── draining ◄─┴──drain── (running, unhealthy)
 * ```
 * `degraded` is a flag of running instances.
 */
export const instanceMachine = defineMachine<InstanceState, InstanceEvent, InstanceRecord>({
	name: 'container-instance',
	states: ['stopped', 'starting', 'running', 'unhealthy', 'draining', 'failed'],
	rules: {
		start: [
			{
				from: ['stopped', 'failed'],
				to: 'starting',
				guard: ({ isExternal, needsDestroy }) => !isExternal && !needsDestroy,
				update: (instance, { at, nextProbeAt }) => ({ ...begin(instance, at), calledAt: at, nextProbeAt, billedSince: at }),
			},
			// Nobody knows whether the driver heard it: the same start again.
			{ from: 'starting', update: (instance, { at }) => ({ ...instance, calledAt: at }) },
		],
		started: [{ from: ['starting', 'running', 'unhealthy', 'draining'], update: (instance) => ({ ...instance, calledAt: null }) }],
		ready: [
			{
				from: ['starting', 'unhealthy'],
				to: 'running',
				update: (instance, { at }) => ({
					...instance,
					...counters,
					readyAt: instance.readyAt ?? at,
					// Its first idle second is the first in which it could have worked.
					idleSince: instance.readyAt === null ? at : instance.idleSince,
					unhealthySince: null,
					calledAt: null,
					detail: null,
				}),
			},
		],
		fall: [
			{
				from: 'running',
				to: 'unhealthy',
				update: (instance, { at, wobbles, detail }) => ({ ...instance, ...counters, isDegraded: false, unhealthySince: at, wobbles, detail }),
			},
		],
		fail: [
			{
				from: ['starting', 'running', 'unhealthy'],
				to: 'failed',
				guard: ({ isExternal }) => !isExternal,
				update: (instance, { at, detail, verdict, isGone }) => ({
					...(isGone ? billed(instance, at) : instance),
					...resting,
					...verdict,
					// Also what seems gone: platforms call instances stopped that run, and destroying nothing is no error.
					needsDestroy: true,
					detail,
				}),
			},
		],
		recycle: [
			{
				from: ['starting', 'running', 'unhealthy', 'draining', 'failed'],
				to: 'failed',
				guard: ({ isExternal }) => !isExternal,
				update: (instance, { at, detail }) => ({ ...instance, ...resting, failures: 0, isExhausted: false, retryAt: at, needsDestroy: true, detail }),
			},
		],
		// It never ran, so it is not billed.
		refuse: [{ from: 'starting', to: 'stopped', update: (instance, { at, detail }) => stopped({ ...instance, billedSince: null }, { at, detail }) }],
		destroyed: [{ from: 'failed', update: (instance, { at }) => ({ ...billed(instance, at), needsDestroy: false, calledAt: null }) }],
		destroyFailed: [
			{
				from: 'failed',
				guard: ({ destroyFailures }) => destroyFailures + 1 >= MAX_DESTROY_FAILURES,
				update: (instance, { at, detail }) => ({
					...billed(instance, at),
					needsDestroy: false,
					calledAt: null,
					platformName: `${instance.instanceId}-g${instance.generation + 1}`,
					detail,
				}),
			},
			// `calledAt` stays: the next attempt waits as it would for a lost call.
			{ from: 'failed', update: (instance, { detail }) => ({ ...instance, destroyFailures: instance.destroyFailures + 1, detail }) },
		],
		retire: [{ from: 'failed', to: 'stopped', guard: ({ needsDestroy }) => !needsDestroy, update: (instance, { at }) => stopped(instance, { at, detail: instance.detail }) }],
		drain: [
			{
				from: ['starting', 'running', 'unhealthy'],
				to: 'draining',
				update: (instance, { at, thenRestart, detail }) => ({
					...instance,
					isDegraded: false,
					calledAt: null,
					drain: { since: at, signalledAt: null, killedAt: null, thenRestart },
					detail,
				}),
			},
		],
		signal: [{ from: 'draining', guard: ({ isExternal, drain }) => !isExternal && drain?.signalledAt === null, update: (instance, { at }) => ({ ...instance, drain: instance.drain && { ...instance.drain, signalledAt: at } }) }],
		kill: [{ from: 'draining', guard: ({ isExternal }) => !isExternal, update: (instance, { at }) => ({ ...instance, drain: instance.drain && { ...instance.drain, killedAt: at } }) }],
		stop: [
			{
				from: 'draining',
				to: 'stopped',
				update: (instance, { at, detail }) => ({ ...stopped(instance, { at, detail }), restartWanted: instance.drain?.thenRestart ?? false }),
			},
			{ from: ['running', 'unhealthy'], to: 'stopped', guard: ({ isExternal }) => isExternal, update: (instance, event) => stopped(instance, event) },
		],
		join: [
			{
				from: '*',
				to: 'running',
				guard: ({ isExternal }) => isExternal,
				update: (instance, { at }) => ({ ...begin(instance, at), readyAt: at, idleSince: at, lastSeenAt: at }),
			},
		],
	},
})

/** The instance after an event. Throws TransitionError where the machine refuses it: a mistake of the pool, never of an instance. */
export function advance(instance: InstanceRecord, event: InstanceEvent): InstanceRecord {
	const next = transition(instanceMachine, { state: instance.state, context: instance }, event)
	if (next instanceof Error) throw next
	return { ...next.context, state: next.state, updatedAt: event.at }
}

/** The first record of an instance that has never run. */
export function newInstance(what: Pick<InstanceRecord, 'instanceId' | 'instanceType' | 'port' | 'isExternal'>, at: number): InstanceRecord {
	return {
		...what,
		...resting,
		...counters,
		platformName: what.instanceId,
		state: 'stopped',
		generation: 0,
		detail: null,
		createdAt: at,
		updatedAt: at,
		lastSeenAt: null,
		startedAt: null,
		readyAt: null,
		needsDestroy: false,
		destroyFailures: 0,
		lastHealthCheck: null,
		wobbles: [],
		failures: 0,
		failedAt: [],
		isExhausted: false,
		retryAt: null,
		restartWanted: false,
		billedSince: null,
		usageMs: {},
	}
}
