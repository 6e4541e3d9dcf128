export interface NudgeDeps {
	notify: () => Promise<void>
	now: () => number
	sleep: (ms: number) => Promise<void>
	waitUntil: (promise: Promise<unknown>) => void
	/** Shared by all requests of an isolate. */
	pending: PendingNudge
}

/** A nudge that is about to be sent, and until when that is believed: the request that was to send it may have been cut off. */
export interface PendingNudge {
	until: number
}

const GATHER_MS = 3
const BELIEVED_MS = 100

/**
 * Tells the hub that the log has new lines. Lines that are written within a few ms share a nudge, whichever requests write them: it
 * leaves after all of them are stored. A lost one costs time only, because the hub also looks by itself.
 */
export function createNudge({ notify, now, sleep, waitUntil, pending }: NudgeDeps): () => void {
	async function send(): Promise<void> {
		await sleep(GATHER_MS)
		pending.until = 0
		await notify().catch(() => undefined)
	}
	return () => {
		if (now() < pending.until) return
		pending.until = now() + BELIEVED_MS
		waitUntil(send())
	}
}
