import type { Services } from '../services.ts'

/** The standing query for work that nobody does: lapsed leases, lost messages, tasks no runner takes. Each finding is logged with why. */
export async function sweep(services: Services): Promise<void> {
	await services.queue.requeueLapsed()
	const repairs = await services.dispatcher.sweep(services.vars.sweepIdleMs)
	const unclaimed = await services.unclaimed.report(60_000)
	if (repairs.length > 0 || unclaimed > 0) console.log({ message: 'sweep', repairs, unclaimed })
	await services.housekeeping.forget()
}
