import { advance } from '../instance/machine.ts'
import type { InstanceEvent } from '../instance/machine.ts'
import type { InstanceRef } from '../ports.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

/** One call that the driver is to make. The plan has already noted in the state that it is being made. */
export type Action =
	| { kind: 'start' | 'destroy' | 'terminate' | 'kill'; instance: InstanceRef }
	| { kind: 'probe'; instance: InstanceRef }
	| { kind: 'list'; known: readonly InstanceRef[] }
	/** Destroys what runs and belongs to no record. */
	| { kind: 'reap'; platformName: string }

/** A plan in the making: the steps change it in turn, and only the finished plan leaves. */
export interface Draft {
	pool: Omit<PoolState, 'instances'>
	instances: Map<string, InstanceRecord>
	actions: Action[]
}

export function openDraft({ instances, ...pool }: PoolState): Draft {
	return { pool, instances: new Map(instances.map((instance) => [instance.instanceId, instance])), actions: [] }
}

export const closeDraft = ({ pool, instances }: Draft): PoolState => ({ ...pool, instances: [...instances.values()] })

/** Puts the event to the instance and the result into the draft. */
export function take(draft: Draft, instance: InstanceRecord, event: InstanceEvent): InstanceRecord {
	const next = advance(instance, event)
	draft.instances.set(next.instanceId, next)
	return next
}

export function countOf(draft: Draft, matches: (instance: InstanceRecord) => boolean): number {
	let count = 0
	for (const instance of draft.instances.values()) if (matches(instance)) count++
	return count
}
