import { isLive } from '../state.ts'
import { refOf } from '../ports.ts'
import { countOf, take } from './draft.ts'
import type { Rules } from '../instance/failure.ts'
import type { InstanceRecord } from '../state.ts'
import type { Draft } from './draft.ts'

/** Takes instances out of the pool until no more are live than the target allows. */
export function scaleDown(draft: Draft, rules: Rules): void {
	const { target, manualTarget } = draft.pool
	const live = [...draft.instances.values()].filter(isLive)
	const isPressing = manualTarget !== null || live.length > rules.settings.max
	const victims = live.filter((instance) => isPressing || isSpare(instance, rules)).sort(byWorth)
	for (const victim of victims.slice(0, Math.max(0, live.length - target))) release(draft, victim, rules.now)
	for (const instance of draft.instances.values()) if (isForgotten(draft, instance, rules.now)) take(draft, instance, { type: 'retire', at: rules.now })
}

/** One that used up its restarts, waited, and is not needed. */
const isForgotten = (draft: Draft, { state, isExhausted, needsDestroy, retryAt }: InstanceRecord, now: number): boolean =>
	state === 'failed' && isExhausted && !needsDestroy && (retryAt ?? now) <= now && countOf(draft, isLive) >= draft.pool.target

/** Nothing is lost when it goes. A running one is kept for a while after its last work: a warm instance is worth some idle seconds. */
export function isSpare({ state, inFlight, idleSince }: InstanceRecord, { settings, now }: Pick<Rules, 'settings' | 'now'>): boolean {
	if (inFlight > 0) return false
	return state !== 'running' || (idleSince !== null && now - idleSince >= settings.idleMs)
}

const RANK = { draining: 0, failed: 1, starting: 2, unhealthy: 3, running: 4, stopped: 5 } as const

const byWorth = (a: InstanceRecord, b: InstanceRecord): number =>
	RANK[a.state] - RANK[b.state] ||
	a.inFlight - b.inFlight ||
	Number(b.isDegraded) - Number(a.isDegraded) ||
	(a.idleSince ?? 0) - (b.idleSince ?? 0) ||
	b.instanceId.localeCompare(a.instanceId, 'en', { numeric: true })

function release(draft: Draft, victim: InstanceRecord, now: number): void {
	if (victim.state === 'draining') {
		const drain = victim.drain && { ...victim.drain, thenRestart: false }
		draft.instances.set(victim.instanceId, { ...victim, drain })
	} else if (victim.state !== 'failed') {
		take(draft, victim, { type: 'drain', at: now, thenRestart: false, detail: 'not needed' })
	} else if (!victim.needsDestroy) {
		take(draft, victim, { type: 'retire', at: now })
	}
}

/** Drives instances on that are on their way out: one SIGTERM when their work is done or takes too long, then SIGKILL; wrecks are destroyed. */
export function endInstances(draft: Draft, rules: Rules): void {
	for (const instance of draft.instances.values()) {
		if (instance.isExternal) continue
		if (instance.state === 'draining') endDraining(draft, instance, rules)
		if (instance.state === 'failed' && instance.needsDestroy && isOverdue(instance.calledAt, rules)) {
			draft.instances.set(instance.instanceId, { ...instance, calledAt: rules.now })
			draft.actions.push({ kind: 'destroy', instance: refOf(instance) })
		}
	}
}

/** True when no call was made, or one whose answer has been out for too long. */
export const isOverdue = (calledAt: number | null, { settings, now }: Pick<Rules, 'settings' | 'now'>): boolean => calledAt === null || now - calledAt >= settings.callTimeoutMs

function endDraining(draft: Draft, instance: InstanceRecord, rules: Rules): void {
	const { settings, now } = rules
	const { drain, inFlight } = instance
	if (!drain) return
	if (drain.signalledAt === null) {
		if (inFlight > 0 && now - drain.since < settings.drainMs) return
		const told = take(draft, instance, { type: 'signal', at: now })
		draft.instances.set(told.instanceId, { ...told, nextProbeAt: now + settings.fastProbeIntervalMs })
		draft.actions.push({ kind: 'terminate', instance: refOf(instance) })
	} else if (now - drain.signalledAt >= settings.killAfterMs && isOverdue(drain.killedAt, rules)) {
		take(draft, instance, { type: 'kill', at: now })
		draft.actions.push({ kind: 'kill', instance: refOf(instance) })
	}
}
