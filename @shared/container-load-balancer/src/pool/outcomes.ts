import { advance } from '../instance/machine.ts'
import { fail, observeProbe } from '../instance/observeProbe.ts'
import { lowerCap, raiseCap } from '../plan/cap.ts'
import { isProbed } from '../plan/checks.ts'
import { isNoInstance } from '../ports.ts'
import { isOccupied } from '../state.ts'
import type { Rules } from '../instance/failure.ts'
import type { InstanceRef, ProbeResult } from '../ports.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

/** What a driver call taught, applied to the state of now: much may have changed since the call was made. */
export type Outcome = (state: PoolState, rules: Rules) => PoolState

export const nothingLearned: Outcome = (state) => state

/** Whatever a platform says may be long. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 500)

/** Applies `change` to the instance if it is still of that generation and in a state for which the answer means something. */
function change(state: PoolState, ref: InstanceRef, apply: (instance: InstanceRecord) => InstanceRecord): PoolState {
	const instances = state.instances.map((instance) => (instance.instanceId === ref.instanceId && instance.generation === ref.generation ? apply(instance) : instance))
	return { ...state, instances }
}

const stateOf = ({ instances }: PoolState, { instanceId, generation }: InstanceRef) => instances.find((each) => each.instanceId === instanceId && each.generation === generation)?.state

export const started =
	(ref: InstanceRef): Outcome =>
	(state, { now }) =>
		change(state, ref, (instance) => (instance.state === 'starting' ? advance(instance, { type: 'started', at: now }) : instance))

export const notStarted =
	(ref: InstanceRef, error: unknown): Outcome =>
	(state, rules) => {
		const detail = errorText(error)
		if (isNoInstance(error)) return probed(ref, { kind: 'refused', detail })(state, rules)
		return change(state, ref, (instance) => (instance.state === 'starting' ? fail(instance, { detail: `the start failed: ${detail}` }, rules) : instance))
	}

export const stopped =
	(ref: InstanceRef): Outcome =>
	(state, { now }) =>
		change(state, ref, (instance) => (instance.state === 'draining' ? advance(instance, { type: 'stop', at: now, detail: instance.detail ?? 'stopped' }) : instance))

export const destroyed =
	(ref: InstanceRef): Outcome =>
	(state, { now }) =>
		change(state, ref, (instance) => (isWreck(instance) ? advance(instance, { type: 'destroyed', at: now }) : instance))

export const notDestroyed =
	(ref: InstanceRef, error: unknown): Outcome =>
	(state, { now }) =>
		change(state, ref, (instance) => (isWreck(instance) ? advance(instance, { type: 'destroyFailed', at: now, detail: `it could not be destroyed: ${errorText(error)}` }) : instance))

const isWreck = ({ state, needsDestroy }: InstanceRecord): boolean => state === 'failed' && needsDestroy

export const probed =
	(ref: InstanceRef, result: ProbeResult): Outcome =>
	(state, rules) => {
		const before = stateOf(state, ref)
		const next = change(state, ref, (instance) => observeProbe(instance, result, rules))
		if (before !== 'starting') return next
		const after = stateOf(next, ref)
		if (after === 'stopped') return lowerCap(next, rules)
		return after === 'running' ? raiseCap(next, rules) : next
	}

/** Names without a record are orphans in waiting; an instance that is missing is looked at next. `askedAt`: when the list was asked for. */
export const listed =
	(names: readonly string[], askedAt: number): Outcome =>
	(state, { now }) => {
		const running = new Set(names)
		const claimed = new Set(state.instances.filter(isOccupied).map(({ platformName }) => platformName))
		const known = new Map(state.orphans.map((orphan) => [orphan.platformName, orphan]))
		const orphans = [...running].filter((name) => !claimed.has(name)).map((platformName) => known.get(platformName) ?? { platformName, firstSeenAt: now, calledAt: null })
		const isMissing = (instance: InstanceRecord) =>
			isProbed(instance) && !running.has(instance.platformName) && instance.calledAt === null && instance.startedAt !== null && instance.startedAt < askedAt
		return { ...state, orphans, instances: state.instances.map((instance) => (isMissing(instance) ? { ...instance, nextProbeAt: now } : instance)) }
	}

export const reaped =
	(platformName: string): Outcome =>
	(state) => ({ ...state, orphans: state.orphans.filter((orphan) => orphan.platformName !== platformName) })
