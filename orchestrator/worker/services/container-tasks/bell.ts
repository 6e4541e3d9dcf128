import type { ContainerTask } from '@shared/contracts'
import type { Statement } from '../../database/client.ts'

// Waiting claims of this isolate. Work that is submitted in the same isolate wakes them at once, and claims for one of them in the batch
// that stores it; elsewhere they look for themselves, so nothing depends on it. It outlives requests, because services are made per request.

/** What wakes a waiting claim: nothing in particular, a task that is meant for it, or what its own claim returned. */
export type Wake = { isMeant: boolean; rows?: undefined } | { isMeant: true; rows: unknown[][] }

export interface WaitingClaim {
	wants: (task: ContainerTask) => boolean
	/** Whether it asked a moment ago. Like `wants`, it is called by other requests. */
	isFresh: () => boolean
	/** The claim as a part of somebody's batch; undefined when whoever waits is gone. Called by its own request, once. */
	statements: () => readonly Statement[] | undefined
}

interface Waiter extends Pick<WaitingClaim, 'wants' | 'isFresh'> {
	wake: (wake: Wake) => void
	/** Has its own request say what to put into the batch. One that was cut off never answers. */
	ask: () => Promise<readonly Statement[] | undefined>
	/** A request that was cut off never comes to take itself out. */
	goneAt: number
}

/** A waiting claim that is made in the batch which stores the task. `end` has to be called: with its rows, or without when the batch failed. */
export interface HandOver {
	taskId: string
	statements: readonly Statement[]
	end: (rows?: unknown[][]) => void
}

const NOTHING: Wake = { isMeant: false }
/** The batch of another request decides; when that request was cut off, nobody would ever say. */
const TAKEN_AT_MOST_MS = 10_000
/** It is a matter of the same thread; who has not said anything by then is not there. */
const ANSWERS_WITHIN_MS = 10

const waiting = new Set<Waiter>()
let rings = 0

/** How often the bell was rung so far; pass it to `waitForBell` so that a ring in between is not missed. */
export const ringCount = (): number => rings

/**
 * Takes the claim that has waited longest of those that want one of these tasks, which are about to be stored and ready then. It has to
 * answer first: a request that was cut off would take the task with it.
 */
export async function takeWaiting(tasks: () => readonly ContainerTask[], sleep: (ms: number) => Promise<unknown>): Promise<HandOver | undefined> {
	const fresh = [...waiting].filter(({ isFresh }) => isFresh())
	if (fresh.length === 0) return undefined
	for (const task of tasks()) {
		const waiter = fresh.find(({ wants }) => wants(task))
		if (!waiter) continue
		waiting.delete(waiter)
		const end = (rows?: unknown[][]) => waiter.wake(rows ? { isMeant: true, rows } : NOTHING)
		const statements = await Promise.race([waiter.ask(), sleep(ANSWERS_WITHIN_MS).then(() => undefined)])
		if (statements) return { taskId: task.taskId, statements, end }
		end()
		return undefined
	}
	return undefined
}

/** Wakes every waiting claim of this isolate. Each of the tasks, which are new and ready, is meant for the one that has waited longest of those that want it. */
export function ringBell(tasks: readonly ContainerTask[] = []): void {
	rings++
	const all = [...waiting]
	const meant = new Set<Waiter>()
	for (const task of tasks) {
		const first = all.find((waiter) => !meant.has(waiter) && waiter.wants(task))
		if (first) meant.add(first)
	}
	for (const waiter of all) waiter.wake({ isMeant: meant.has(waiter) })
}

export interface WaitOptions {
	now: number
	timeoutMs: number
	sleep: (ms: number) => Promise<unknown>
	claim: WaitingClaim
}

/**
 * Resolves when the bell rings after the count of `since`, at the latest after `timeoutMs`. A claim that was taken is waited for
 * beyond that: it may hold tasks.
 */
export async function waitForBell(since: number, { now, timeoutMs, sleep, claim }: WaitOptions): Promise<Wake> {
	if (rings !== since) return NOTHING
	for (const waiter of waiting) if (waiter.goneAt < now) waiting.delete(waiter)
	const { promise, resolve } = Promise.withResolvers<Wake>()
	const asked = Promise.withResolvers<void>()
	const answer = asked.promise.then(claim.statements)
	const ask = () => {
		asked.resolve()
		return answer
	}
	const waiter: Waiter = { wants: claim.wants, isFresh: claim.isFresh, wake: resolve, ask, goneAt: now + timeoutMs + TAKEN_AT_MOST_MS }
	waiting.add(waiter)
	try {
		const woken = await Promise.race([promise, sleep(timeoutMs).then(() => null)])
		if (woken !== null) return woken
		// Who is no longer among those that wait was taken.
		return waiting.has(waiter) ? NOTHING : await Promise.race([promise, sleep(TAKEN_AT_MOST_MS).then(() => NOTHING)])
	} finally {
		waiting.delete(waiter)
	}
}
