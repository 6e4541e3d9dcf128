import type { Listeners } from './events.ts'
import { isStirring } from './workAlerts.ts'

export interface NudgeDeps {
	notify: (hasWork: boolean) => Promise<Listeners>
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
	/** When the last nudge for work left. */
	workSentAt: number
	/** What the hub last said: while nobody listens it is told rarely, only so that it can say when somebody does. */
	heardBy: Listeners
}

/** Of an isolate that has sent none. */
export const noNudge = (): PendingNudge => ({ until: 0, workUntil: 0, workSentAt: -Infinity, heardBy: { people: true, runners: true } })

/** People do not notice it, and an order writes a line every few ms. */
const GATHER_MS = 20
const GATHER_UNHEARD_MS = 500
const GATHER_WORK_MS = 2
/** The first of many still leaves at once: a runner may have just come. */
const GATHER_UNHEARD_WORK_MS = 100
const BELIEVED_MS = 100

/**
 * Tells the hub that the log has new lines. Lines that are written at about the same time share a nudge, whichever requests write
 * them: it leaves after all of them are stored. Nobody waits for it, and a lost one costs time only, because the hub also looks by itself.
 */
export function createNudge({ notify, now, sleep, waitUntil, pending }: NudgeDeps): (values: readonly unknown[]) => void {
	async function send(hasWork: boolean, gatherMs: number): Promise<void> {
		await sleep(gatherMs)
		pending[hasWork ? 'workUntil' : 'until'] = 0
		if (hasWork) pending.workSentAt = now()
		pending.heardBy = await notify(hasWork).catch(() => pending.heardBy)
	}
	function gatherFor(hasWork: boolean): number {
		const { heardBy, workSentAt } = pending
		if (!hasWork) return heardBy.people ? GATHER_MS : GATHER_UNHEARD_MS
		return heardBy.runners || heardBy.people || now() - workSentAt > GATHER_UNHEARD_WORK_MS ? GATHER_WORK_MS : GATHER_UNHEARD_WORK_MS
	}
	return (values) => {
		const hasWork = values.some(isStirring)
		// A nudge for work carries every other line too.
		if (now() < pending.workUntil || (!hasWork && now() < pending.until)) return
		const gatherMs = gatherFor(hasWork)
		pending[hasWork ? 'workUntil' : 'until'] = now() + gatherMs + BELIEVED_MS
		waitUntil(send(hasWork, gatherMs))
	}
}
