import { refOf } from '../ports.ts'
import { isOccupied } from '../state.ts'
import { isOverdue } from './ends.ts'
import type { Rules } from '../instance/failure.ts'
import type { PoolSettings } from '../settings.ts'
import type { InstanceRecord } from '../state.ts'
import type { Draft } from './draft.ts'

/** How soon to look again: often at what starts, ails or ends. */
function probeEveryMs({ state, falls, drain }: InstanceRecord, settings: PoolSettings): number {
	const isCalm = (state === 'running' && falls === 0) || (state === 'draining' && drain?.signalledAt === null)
	return isCalm ? settings.probeIntervalMs : settings.fastProbeIntervalMs
}

/** True for instances that are probed at all. */
export const isProbed = (instance: InstanceRecord): boolean => isOccupied(instance) && instance.state !== 'failed'

export function probeInstances(draft: Draft, { settings, now }: Rules): void {
	for (const instance of draft.instances.values()) {
		if (!isProbed(instance) || (instance.nextProbeAt ?? now) > now) continue
		draft.instances.set(instance.instanceId, { ...instance, nextProbeAt: now + probeEveryMs(instance, settings) })
		draft.actions.push({ kind: 'probe', instance: refOf(instance) })
	}
}

/** While anything runs, or may: asks for a list now and then, and destroys what has been on it for too long without a record. */
export function findOrphans(draft: Draft, rules: Rules): void {
	const { settings, now } = rules
	const managed = [...draft.instances.values()].filter(({ isExternal }) => !isExternal)
	const claimed = new Set(managed.filter(isOccupied).map(({ platformName }) => platformName))
	const orphans = draft.pool.orphans
		.filter(({ platformName }) => !claimed.has(platformName))
		.map((orphan) => {
			if (now - orphan.firstSeenAt < settings.orphanGraceMs || !isOverdue(orphan.calledAt, rules)) return orphan
			draft.actions.push({ kind: 'reap', platformName: orphan.platformName })
			return { ...orphan, calledAt: now }
		})
	draft.pool = { ...draft.pool, orphans }
	// A pool that has never looked may have inherited something.
	const mayRun = claimed.size > 0 || orphans.length > 0 || draft.pool.nextListAt === 0
	if (!mayRun || draft.pool.nextListAt > now) return
	draft.pool = { ...draft.pool, nextListAt: now + settings.listIntervalMs }
	draft.actions.push({ kind: 'list', known: managed.map(refOf) })
}
