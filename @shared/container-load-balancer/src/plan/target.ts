import type { PoolSettings } from '../settings.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

const clamp = (value: number, { min, max }: PoolSettings): number => Math.min(max, Math.max(min, value))

/** Instances that the work calls for: external runners take their share first, and the work of a draining instance needs no other. */
export function wantedSize(queued: number, instances: Iterable<InstanceRecord>, settings: PoolSettings): number {
	let work = queued
	let externals = 0
	for (const { state, isExternal, inFlight } of instances) {
		if (state !== 'draining' && state !== 'stopped') work += inFlight
		if (isExternal && state === 'running') externals++
	}
	const needed = Math.max(0, Math.ceil(work / settings.workPerInstance) - externals)
	return clamp(needed + settings.minWarm, settings)
}

type Size = Pick<PoolState, 'target' | 'manualTarget' | 'raisedAt' | 'lowSince'>

/** The target that stands now. What a person asked for holds at once; the work moves it up fast and down slowly. */
export function retarget(size: Size, wanted: number, { settings, now }: { settings: PoolSettings; now: number }): Size {
	if (size.manualTarget !== null) return { ...size, target: Math.min(size.manualTarget, settings.max), lowSince: null }
	const target = clamp(size.target, settings)
	if (wanted > target) {
		const mayRise = size.raisedAt === null || now - size.raisedAt >= settings.upCooldownMs
		return mayRise ? { ...size, target: wanted, raisedAt: now, lowSince: null } : { ...size, target, lowSince: null }
	}
	if (wanted === target) return { ...size, target, lowSince: null }
	const lowSince = size.lowSince ?? now
	return now - lowSince >= settings.downCooldownMs ? { ...size, target: wanted, lowSince: null } : { ...size, target, lowSince }
}
