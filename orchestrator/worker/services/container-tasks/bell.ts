import type { ContainerTask } from '@shared/contracts'

// Waiting claims of this isolate. Work that is submitted in the same isolate wakes them at once; elsewhere they look for
// themselves, so nothing depends on it. It outlives requests, because services are made per request.
interface Waiter {
	wants: (task: ContainerTask) => boolean
	wake: (isMeant: boolean) => void
}
const waiting = new Set<Waiter>()
let rings = 0

/** How often the bell was rung so far; pass it to `waitForBell` so that a ring in between is not missed. */
export const ringCount = (): number => rings

/** Wakes every waiting claim of this isolate. Each of the tasks, which are new and ready, is meant for the one that has waited longest of those that want it. */
export function ringBell(tasks: readonly ContainerTask[] = []): void {
	rings++
	const all = [...waiting]
	const meant = new Set<Waiter>()
	for (const task of tasks) {
		const first = all.find((waiter) => !meant.has(waiter) && waiter.wants(task))
		if (first) meant.add(first)
	}
	for (const waiter of all) waiter.wake(meant.has(waiter))
}

/**
 * Resolves when the bell rings after the count of `since`, at the latest when `timeout` does: with true when a task that was rung for is meant for this
 * one, so that it need not look whether there is any.
 */
export async function waitForBell(since: number, { timeout, wants }: { timeout: Promise<unknown>; wants: Waiter['wants'] }): Promise<boolean> {
	if (rings !== since) return false
	const { promise, resolve } = Promise.withResolvers<boolean>()
	const waiter: Waiter = { wants, wake: resolve }
	waiting.add(waiter)
	try {
		return await Promise.race([promise, timeout.then(() => false)])
	} finally {
		waiting.delete(waiter)
	}
}
