// Waiting claims of this isolate. Work that is submitted in the same isolate wakes them at once; elsewhere they look for
// themselves, so nothing depends on it. It outlives requests, because services are made per request.
const waiting = new Set<() => void>()
let rings = 0

/** How often the bell was rung so far; pass it to `waitForBell` so that a ring in between is not missed. */
export const ringCount = (): number => rings

/** Wakes every waiting claim of this isolate. */
export function ringBell(): void {
	rings++
	for (const wake of [...waiting]) wake()
}

/** Resolves when the bell rings after the count of `since`, at the latest when `timeout` does. */
export async function waitForBell(since: number, timeout: Promise<unknown>): Promise<void> {
	if (rings !== since) return
	let wake: () => void = () => undefined
	const rung = new Promise<void>((resolve) => {
		wake = resolve
	})
	waiting.add(wake)
	try {
		await Promise.race([rung, timeout])
	} finally {
		waiting.delete(wake)
	}
}
