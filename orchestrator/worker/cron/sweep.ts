import type { Services } from '../services.ts'

/** How long ended container tasks stay in the database; after that they are in the bucket. */
const KEEP_MS = 30 * 86_400_000

/** The standing query for work that nobody does: lapsed leases, lost messages, tasks no runner takes. Each finding is logged with why. */
export async function sweep(services: Services): Promise<void> {
	await services.queue.requeueLapsed()
	await services.queue.maintain(KEEP_MS)
	const repairs = await services.dispatcher.sweep(services.vars.sweepIdleMs)
	await services.batches.sweep(services.vars.sweepIdleMs)
	const events = await services.gitHubEvents.retry()
	const unclaimed = await services.unclaimed.report(60_000)
	if (repairs.length > 0 || unclaimed > 0 || events > 0) console.log({ message: 'sweep', repairs, unclaimed, events })
	await services.housekeeping.forget()
	await services.containers.nudge()
	await services.containers.forgetChecks()
}
