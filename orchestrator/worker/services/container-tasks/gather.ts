// Calls of one isolate that would each make a batch of statements in D1, which does one batch after the other: those that come while
// another is under way wait for it, and go together then. Who is alone does not wait. It outlives requests, as the bell does.

export interface Gathered<Item> {
	item: Item
	/** Only items with the same key go together. */
	key: string
	/** A group has none of these names twice. */
	names: readonly string[]
}

export interface Ways<Item, Result> {
	/** Does it for one. */
	alone: () => Promise<Result>
	/** Does it for several. Null for each that has to do it alone then; when it throws, all do. */
	together: (items: readonly Item[]) => Promise<readonly (Result | null)[]>
	/** Keeps the work of a group alive when the request that leads it is cut off. */
	waitUntil: (work: Promise<unknown>) => void
	now: () => number
	sleep: (ms: number) => Promise<unknown>
}

export interface Limits {
	/** Items in a group. */
	largest: number
	/** A call that has waited this long begins, whatever is under way. */
	patienceMs: number
	/** What began this long ago, after the patience, is taken to be lost: a request that was cut off does not say so. */
	lostAfterMs: number
	/** The leader of a group goes on only when the others have heard, or after this time. */
	heardWithinMs: number
}

interface Entry<Item, Result> extends Gathered<Item> {
	outcome: PromiseWithResolvers<Result | null>
	heard: PromiseWithResolvers<void>
	since: number
	wake: () => void
}

/**
 * Returns a function that does something for an item, alone or in a group that one of its callers leads. An item that was taken along by a
 * request which was cut off is done alone after `lostAfterMs`, so it must be harmless to do it twice.
 */
export function createGatherer<Item, Result>({ largest, patienceMs, lostAfterMs, heardWithinMs }: Limits) {
	const waiting = new Set<Entry<Item, Result>>()
	const underWay = new Map<Entry<Item, Result>, number>()

	/** Whoever has waited longest is next, unless its request was cut off. */
	function mayBegin(entry: Entry<Item, Result>, now: number): boolean {
		for (const [leader, begunAt] of underWay) if (begunAt + lostAfterMs <= now) underWay.delete(leader)
		for (const each of waiting) if (each.since + lostAfterMs <= now) waiting.delete(each)
		const next = [...waiting].find(({ since }) => since + 2 * patienceMs > now)
		return underWay.size === 0 && next?.key === entry.key
	}

	/** The leader and those that can go with it; they wait no more. */
	function takeGroup(leader: Entry<Item, Result>): [Entry<Item, Result>, ...Entry<Item, Result>[]] {
		waiting.delete(leader)
		const names = new Set(leader.names)
		const others: Entry<Item, Result>[] = []
		for (const entry of waiting) {
			const isFree = entry.names.every((name) => !names.has(name))
			for (const name of entry.names) names.add(name)
			if (entry.key === leader.key && isFree && others.length + 1 < largest) others.push(entry)
		}
		for (const entry of others) waiting.delete(entry)
		return [leader, ...others]
	}

	/** What one request resolves reaches another only when this thread has nothing else to do: a leader that went on at once would be all that runs. */
	async function goTogether([leader, ...others]: readonly [Entry<Item, Result>, ...Entry<Item, Result>[]], { together, sleep }: Ways<Item, Result>): Promise<void> {
		const results = await together([leader, ...others].map(({ item }) => item)).catch(() => [])
		for (const [index, { outcome }] of [leader, ...others].entries()) outcome.resolve(results[index] ?? null)
		await Promise.race([Promise.all(others.map(({ heard }) => heard.promise)), sleep(heardWithinMs)])
	}

	async function lead(leader: Entry<Item, Result>, ways: Ways<Item, Result>): Promise<Result> {
		const group = takeGroup(leader)
		underWay.set(leader, ways.now())
		try {
			if (group.length === 1) return await ways.alone()
			const work = goTogether(group, ways)
			ways.waitUntil(work)
			await work
			return (await leader.outcome.promise) ?? (await ways.alone())
		} finally {
			underWay.delete(leader)
			for (const { wake } of waiting) wake()
		}
	}

	return async function gather(gathered: Gathered<Item>, ways: Ways<Item, Result>): Promise<Result> {
		const { now, sleep, alone } = ways
		const entry: Entry<Item, Result> = { ...gathered, outcome: Promise.withResolvers(), heard: Promise.withResolvers(), since: now(), wake: () => undefined }
		waiting.add(entry)
		if (mayBegin(entry, now())) return lead(entry, ways)
		let [isPatient, isSettled] = [true, false]
		// Timers are dear, and most calls need only this one.
		const patience = sleep(patienceMs).then(() => (isPatient = false))
		while (waiting.has(entry) && isPatient && !mayBegin(entry, now())) {
			const woken = new Promise<void>((resolve) => (entry.wake = resolve))
			await Promise.race([woken, entry.outcome.promise, patience])
		}
		if (waiting.has(entry)) return lead(entry, ways)
		const lost = patience.then(() => (isSettled ? null : sleep(lostAfterMs).then(() => null)))
		const outcome = await Promise.race([entry.outcome.promise, lost])
		isSettled = true
		entry.heard.resolve()
		return outcome ?? alone()
	}
}
