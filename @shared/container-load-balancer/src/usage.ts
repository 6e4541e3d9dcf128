import type { InstanceRecord, PoolState } from './state.ts'

const add = (usage: Readonly<Record<string, number>>, type: string, amount: number) => ({ ...usage, [type]: (usage[type] ?? 0) + amount })

/** The instance with its running bill closed. */
export function billed(instance: InstanceRecord, at: number): InstanceRecord {
	if (instance.billedSince === null) return instance
	return { ...instance, billedSince: null, usageMs: add(instance.usageMs, instance.instanceType, Math.max(0, at - instance.billedSince)) }
}

/** Seconds that the platform has billed so far, by instance type, with what runs now. External runners cost it nothing. */
export function usageSeconds({ instances }: Pick<PoolState, 'instances'>, now: number): Record<string, number> {
	let usage: Record<string, number> = {}
	for (const instance of instances) {
		for (const [type, spentMs] of Object.entries(billed(instance, now).usageMs)) usage = add(usage, type, spentMs / 1000)
	}
	return usage
}
