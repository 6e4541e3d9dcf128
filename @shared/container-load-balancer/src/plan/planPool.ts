import { observeTime } from '../instance/observeProbe.ts'
import { findOrphans, probeInstances } from './checks.ts'
import { closeDraft, openDraft } from './draft.ts'
import { endInstances, scaleDown } from './ends.ts'
import { startInstances } from './starts.ts'
import { retarget, wantedSize } from './target.ts'
import { nextWake } from './wake.ts'
import type { Rules } from '../instance/failure.ts'
import type { PoolLoad } from '../ports.ts'
import type { InstanceRecord, PoolState } from '../state.ts'
import type { Action } from './draft.ts'

/** What to do now, and the state in which it counts as being done: save that first, then act. */
export interface Plan {
	state: PoolState
	actions: Action[]
	nextWakeAt: number | null
}

function withLoad(instance: InstanceRecord, busy: PoolLoad['busy'], now: number): InstanceRecord {
	const work = busy[instance.instanceId]
	// An external runner also says itself how much it does.
	if (instance.state === 'stopped' || instance.state === 'failed' || (instance.isExternal && !work)) return instance
	const inFlight = work?.inFlight ?? 0
	const lastSeenAt = Math.max(instance.lastSeenAt ?? 0, work?.lastHeartbeat ?? 0) || null
	const idleSince = inFlight > 0 ? null : (instance.idleSince ?? now)
	return { ...instance, inFlight, lastSeenAt, idleSince }
}

/** Compares what is with what should be. Pure; planning again at once gives no further action. */
export function planPool(state: PoolState, load: PoolLoad, rules: Rules): Plan {
	const { settings, now } = rules
	const instances = state.instances.map((instance) => observeTime(withLoad(instance, load.busy, now), rules))
	const size = retarget(state, wantedSize(load.queued, instances, settings), { settings, now })
	const draft = openDraft({ ...state, ...size, queued: load.queued, instances })
	scaleDown(draft, rules)
	endInstances(draft, rules)
	startInstances(draft, rules)
	probeInstances(draft, rules)
	findOrphans(draft, rules)
	const planned = closeDraft(draft)
	return { state: planned, actions: draft.actions, nextWakeAt: nextWake(planned, { settings, now }) }
}
