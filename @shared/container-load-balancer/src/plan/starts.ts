import { newInstance } from '../instance/machine.ts'
import { refOf } from '../ports.ts'
import { isLive, isOccupied } from '../state.ts'
import { allowedSize } from './cap.ts'
import { countOf, take } from './draft.ts'
import { isOverdue } from './ends.ts'
import type { Rules } from '../instance/failure.ts'
import type { InstanceRecord } from '../state.ts'
import type { Draft } from './draft.ts'

/** Starts what is missing: few at a time, one after the other, and never more than there is room for. */
export function startInstances(draft: Draft, rules: Rules): void {
	repeatLostStarts(draft, rules)
	const { settings, now } = rules
	const allowed = allowedSize(draft.pool.cap, rules)
	let starting = countOf(draft, ({ state, isExternal }) => state === 'starting' && !isExternal)
	let occupied = countOf(draft, isOccupied)
	while (occupied < allowed && starting < settings.maxParallelStarts && isStaggered(draft, rules)) {
		const next = nextToStart(draft, rules)
		if (!next) return
		const started = take(draft, next, { type: 'start', at: now, nextProbeAt: now + settings.fastProbeIntervalMs })
		draft.pool = { ...draft.pool, lastStartAt: now }
		draft.actions.push({ kind: 'start', instance: refOf(started) })
		starting++
		occupied++
	}
}

const isStaggered = ({ pool }: Draft, { settings, now }: Rules): boolean => pool.lastStartAt === null || now - pool.lastStartAt >= settings.startStaggerMs

/** A crash between the note and the call, or a call without an answer, leaves a start that nobody has confirmed. */
function repeatLostStarts(draft: Draft, rules: Rules): void {
	for (const instance of draft.instances.values()) {
		if (instance.state !== 'starting' || instance.calledAt === null || !isOverdue(instance.calledAt, rules)) continue
		take(draft, instance, { type: 'start', at: rules.now, nextProbeAt: rules.now })
		draft.actions.push({ kind: 'start', instance: refOf(instance) })
	}
}

/** A failed one whose wait is over first, then one that is to come back, then a free place, then a new place. */
function nextToStart(draft: Draft, rules: Rules): InstanceRecord | undefined {
	const isShort = countOf(draft, isLive) < draft.pool.target
	const managed = [...draft.instances.values()].filter(({ isExternal }) => !isExternal)
	const due = managed.find((instance) => isDue(instance, rules.now) && (isShort || isLive(instance)))
	if (due || !isShort) return due
	const free = managed.filter(({ state }) => state === 'stopped')
	return free.find(({ restartWanted }) => restartWanted) ?? free[0] ?? newPlace(draft, managed.length, rules)
}

/** A failed instance that may start again. */
export const isDue = ({ state, needsDestroy, retryAt }: InstanceRecord, now: number): boolean => state === 'failed' && !needsDestroy && (retryAt ?? now) <= now

/** There are never more places than `max`, so an image that always crashes cannot use one place after the other. */
function newPlace(draft: Draft, places: number, { settings, now }: Rules): InstanceRecord | undefined {
	if (places >= settings.max) return undefined
	for (let index = 0; ; index++) {
		const instanceId = `${settings.containerName}-${index}`
		if (!draft.instances.has(instanceId)) return newInstance({ instanceId, instanceType: settings.instanceType, port: settings.port, isExternal: false }, now)
	}
}
