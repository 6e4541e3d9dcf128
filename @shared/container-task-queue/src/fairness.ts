/** How many tasks of one Worker may run at once where nobody set another number. */
export const DEFAULT_MAX_RUNNING = 1000

/** A task that the runner may take. `id` counts up in the order of submits. */
export interface Candidate {
	id: number
	workerName: string
	priority: number
}

/** What a Worker's tasks have had so far; see the table `container_task_shares`. */
export interface Share {
	running: number
	maxRunning: number
	served: number
}

/**
 * Which tasks a claim takes: the highest priority first; among equals the task of the Worker that was served least, and of one
 * Worker the oldest. So a Worker that submits ten thousand tasks gets every second claim while another has one to do, not all.
 *
 * `served` is virtual time (start-time fair queueing). The clock of the queue stands one behind the Worker that was served most: a
 * Worker that had nothing to do starts there, and can neither save up claims nor owe any. None gets beyond its `maxRunning`.
 */
export function chooseFairly(candidates: readonly Candidate[], shares: ReadonlyMap<string, Share>, limit: number): number[] {
	const clock = virtualClock([...shares.values()])
	const oldestFirst = candidates.toSorted(byPriorityThenAge)
	const taken = new Map<string, number>()
	const tagged = oldestFirst.flatMap((candidate) => {
		const share = shares.get(candidate.workerName) ?? { running: 0, maxRunning: DEFAULT_MAX_RUNNING, served: 0 }
		const before = taken.get(candidate.workerName) ?? 0
		taken.set(candidate.workerName, before + 1)
		return share.running + before < share.maxRunning ? [{ ...candidate, tag: Math.max(share.served, clock) + before }] : []
	})
	return tagged
		.toSorted((a, b) => b.priority - a.priority || a.tag - b.tag || a.id - b.id)
		.slice(0, limit)
		.map(({ id }) => id)
}

/** A Worker's `served` after a claim took `count` of its tasks. */
export const servedAfter = (share: Share, clock: number, count: number): number => Math.max(share.served, clock) + count

export const virtualClock = (shares: readonly Share[]): number => Math.max(0, Math.max(0, ...shares.map(({ served }) => served)) - 1)

const byPriorityThenAge = (a: Candidate, b: Candidate): number => b.priority - a.priority || a.id - b.id
