import { isOccupied } from '../state.ts'
import type { PoolSettings } from '../settings.ts'
import type { PoolState } from '../state.ts'

type Clock = { settings: PoolSettings; now: number }

/** How many instances may take up room now: one more than the learned cap when it is time to try. */
export function allowedSize(cap: PoolState['cap'], { settings, now }: Clock): number {
	if (!cap) return settings.max
	return Math.min(settings.max, now >= cap.retryAt ? cap.limit + 1 : cap.limit)
}

/** The platform had no room for one more than now take up room. */
export function lowerCap(state: PoolState, { settings, now }: Clock): PoolState {
	return { ...state, cap: { limit: state.instances.filter(isOccupied).length, retryAt: now + settings.capRetryMs } }
}

/** As many instances as now take up room have become ready, so the cap is at least that. */
export function raiseCap(state: PoolState, { settings }: Clock): PoolState {
	if (!state.cap) return state
	const limit = Math.max(state.cap.limit, state.instances.filter(isOccupied).length)
	return { ...state, cap: limit >= settings.max ? null : { ...state.cap, limit } }
}
