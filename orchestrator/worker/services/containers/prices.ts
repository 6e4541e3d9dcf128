/** What the platform charges for a second of an instance, in US dollars: memory and disk while it runs, and all of its CPU. */
const PRICE = { vCPU: 0.00002, memoryGiB: 0.0000025, diskGB: 0.00000007 } as const

/** Cloudflare Containers, 2026: vCPUs, GiB of memory, GB of disk. */
const INSTANCE_TYPES: Readonly<Record<string, readonly [vCPU: number, memoryGiB: number, diskGB: number]>> = {
	lite: [1 / 16, 1 / 4, 2],
	basic: [1 / 4, 1, 4],
	'standard-1': [1 / 2, 4, 8],
	'standard-2': [1, 6, 12],
	'standard-3': [2, 8, 16],
	'standard-4': [4, 12, 20],
}

/**
 * The most that so many seconds cost, without what the plan includes: CPU is charged for as far as it is used, and the pool cannot see
 * that. Null for a type without a list price.
 */
export function maxCostUsd(instanceType: string, seconds: number): number | null {
	const type = Object.hasOwn(INSTANCE_TYPES, instanceType) ? INSTANCE_TYPES[instanceType] : undefined
	if (type === undefined) return null
	const [vCPU, memoryGiB, diskGB] = type
	return seconds * (vCPU * PRICE.vCPU + memoryGiB * PRICE.memoryGiB + diskGB * PRICE.diskGB)
}
