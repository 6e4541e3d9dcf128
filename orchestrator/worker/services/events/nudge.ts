import { isStirring } from './workAlerts.ts'

export interface NudgeDeps {
	/** Resolves with whether anybody listens to more than work. */
	notify: (hasWork: boolean) => Promise<boolean>
	now: () => number
	sleep: (ms: number) => Promise<void>
	waitUntil: (promise: Promise<unknown>) => void
	/** Shared by all requests of an isolate. */
	pending: PendingNudge
}

/** Nudges that are about to be sent, and until when that is believed: the request that was to send one may have been cut off. */
export interface PendingNudge {
	until: number
	workUntil: number
	/** What the hub last said: while nobody listens it is told rarely, only so that it can say when somebody does. */
	isHeard: boolean
}

/** People do not notice it, and an order writes a line every few ms. */
const GATHER_MS = 20
const GATHER_UNHEARD_MS = 500
const GATHER_WORK_MS = 2
const BELIEVED_MS = 100

/**
 * Tells the hub that the log has new lines. Lines that are written at about the same time share a nudge, whichever requests write
 * them: it leaves after all of them are stored. Nobody waits for it, and a lost one costs time only, because the hub also looks by itself.
 */
export function createNudge({ notify, now, sleep, waitUntil, pending }: NudgeDeps): (values: readonly unknown[]) => void {
	async function send(hasWork: boolean, gatherMs: number): Promise<void> {
		await sleep(gatherMs)
		pending[hasWork ? 'workUntil' : 'until'] = 0
		pending.isHeard = await notify(hasWork).catch(() => pending.isHeard)
	}
	return (values) => {
		const hasWork = values.some(isStirring)
		// A nudge for work carries every other line too.
		if (now() < pending.workUntil || (!hasWork && now() < pending.until)) return
		const gatherMs = hasWork ? GATHER_WORK_MS : pending.isHeard ? GATHER_MS : GATHER_UNHEARD_MS
		pending[hasWork ? 'workUntil' : 'until'] = now() + gatherMs + BELIEVED_MS
		waitUntil(send(hasWork, gatherMs))
	}
}
