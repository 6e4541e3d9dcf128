/** Runs `work` on every item, at most `limit` at a time. Settles when all have; the first failure is thrown then. */
export async function inParallel<Item>(items: readonly Item[], limit: number, work: (item: Item) => Promise<void>): Promise<void> {
	const queue = items.values()
	const lane = async () => {
		for (const item of queue) await work(item)
	}
	const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane))
	for (const result of lanes) if (result.status === 'rejected') throw result.reason
}
