import { isLive, isOccupied } from '../state.ts'
import { isProbed } from './checks.ts'
import { isDue } from './starts.ts'
import { wantedSize } from './target.ts'
import type { PoolSettings } from '../settings.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

type Times = (number | null)[]
const after = (at: number | null, waitMs: number): number | null => (at === null ? null : at + waitMs)

/**
 * When the plan could next change by time alone, or null when only an event can change it. Times that have passed do not count:
 * what they allowed has been done, or waits for something that has a time of its own.
 */
export function nextWake(state: PoolState, { settings, now }: { settings: PoolSettings; now: number }): number | null {
	const times = [...poolTimes(state, settings, now), ...state.instances.flatMap((instance) => instanceTimes(instance, settings))]
	const future = times.filter((at): at is number => at !== null && at > now)
	return future.length > 0 ? future.reduce((first, at) => Math.min(first, at)) : null
}

function poolTimes(state: PoolState, settings: PoolSettings, now: number): Times {
	const { target, manualTarget, instances, orphans, cap } = state
	const live = instances.filter(isLive)
	const wanted = wantedSize(state.queued, instances, settings)
	const times: Times = orphans.flatMap(({ firstSeenAt, calledAt }) => [firstSeenAt + settings.orphanGraceMs, after(calledAt, settings.callTimeoutMs)])
	if (instances.some(isOccupied) || orphans.length > 0) times.push(state.nextListAt)
	if (manualTarget === null && wanted > target) times.push(after(state.raisedAt, settings.upCooldownMs))
	if (manualTarget === null && wanted < target) times.push(after(state.lowSince, settings.downCooldownMs))
	if (live.length > target) times.push(...live.map(({ idleSince }) => after(idleSince, settings.idleMs)))
	if (live.length < target || instances.some((instance) => isDue(instance, now))) times.push(after(state.lastStartAt, settings.startStaggerMs), cap?.retryAt ?? null)
	return times
}

function instanceTimes(instance: InstanceRecord, settings: PoolSettings): Times {
	const { state, drain } = instance
	if (state === 'stopped') return []
	if (instance.isExternal) return [after(instance.lastSeenAt, settings.externalTtlMs), after(instance.lastSeenAt, 3 * settings.externalTtlMs)]
	const times: Times = [isProbed(instance) ? instance.nextProbeAt : null, after(instance.calledAt, settings.callTimeoutMs)]
	if (state === 'starting') times.push(after(instance.startedAt, settings.startGraceMs))
	if (state === 'unhealthy') times.push(after(instance.unhealthySince, settings.stuckMs))
	if (state === 'failed') times.push(instance.retryAt)
	if (drain) times.push(after(drain.since, settings.drainMs), after(drain.signalledAt, settings.killAfterMs), after(drain.killedAt, settings.callTimeoutMs))
	return times
}
