import type { ContainerInstance } from '@shared/contracts'

/** What routing needs to know of an instance; a `ContainerInstance` of a pool status has it. */
export type Routable = Pick<ContainerInstance, 'instanceId' | 'state' | 'isDraining' | 'isDegraded' | 'inFlight'>

export interface RoutingOptions {
	random: () => number
	/** Requests of one key go to one instance for as long as it takes work. */
	affinity?: string | undefined
	/** An instance that has just failed. */
	exclude?: string | undefined
}

// Above this, looking at two beats sorting all, and simultaneous callers do not flock to the same one.
const LARGE = 16

/** The instance that takes the next request, or null when none can. A degraded one takes it only where there is no other. */
export function chooseInstance<Instance extends Routable>(instances: readonly Instance[], { random, affinity, exclude }: RoutingOptions): Instance | null {
	const ready = instances.filter(({ instanceId, state, isDraining }) => state === 'running' && !isDraining && instanceId !== exclude)
	const sound = ready.filter(({ isDegraded }) => !isDegraded)
	const candidates = sound.length > 0 ? sound : ready
	if (affinity !== undefined) return best(candidates, ({ instanceId }) => -rendezvous(affinity, instanceId))
	if (candidates.length <= LARGE) return best(candidates, ({ inFlight }) => inFlight + random() / 2)
	return best([pick(candidates, random), pick(candidates, random)].flat(), ({ inFlight }) => inFlight)
}

const pick = <Item>(items: readonly Item[], random: () => number): Item[] => items.slice(Math.floor(random() * items.length)).slice(0, 1)

function best<Item>(items: readonly Item[], cost: (item: Item) => number): Item | null {
	let found: { item: Item; cost: number } | null = null
	for (const item of items) {
		const next = cost(item)
		if (!found || next < found.cost) found = { item, cost: next }
	}
	return found?.item ?? null
}

/** Rendezvous hashing: when an instance goes, only its own keys move. FNV-1a with a final mix. */
function rendezvous(key: string, instanceId: string): number {
	let hash = 0x811c9dc5
	for (const char of `${key}\n${instanceId}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
	return (hash ^ (hash >>> 13)) >>> 0
}
