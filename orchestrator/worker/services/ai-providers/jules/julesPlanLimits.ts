/** The plan of the Google account that the key belongs to. The API tells neither it nor what is left of it. */
export type JulesPlanName = 'free' | 'pro' | 'ultra'

export interface JulesBudget {
	perDay: number
	concurrent: number
}

// Google publishes these and may change them; where a figure is too high, Jules answers 429 and the start is tried again later.
const BUDGETS: Record<JulesPlanName, JulesBudget> = {
	free: { perDay: 15, concurrent: 3 },
	pro: { perDay: 100, concurrent: 15 },
	/** Not confirmed by anything that was measured. */
	ultra: { perDay: 300, concurrent: 60 },
}
export const DAY_MS = 24 * 3_600_000

export function julesBudget(plan: JulesPlanName): JulesBudget {
	return BUDGETS[plan]
}

export interface StartForecastInput {
	budget: JulesBudget
	/** When sessions were started, in any order; older ones than 24 hours do not matter. */
	startsAt: readonly number[]
	/** Sessions that have not ended. */
	running: number
	now: number
}

export interface StartForecast {
	mayStart: boolean
	/** When the day's budget has room again: `now` when it has, null when only the end of a running session helps. */
	nextSlotAt: number | null
	limitedBy: 'day' | 'concurrency' | null
}

/** Whether one more session fits into the plan. The day is the last 24 hours, so that no clock of Google's is needed. */
export function forecastStart({ budget, startsAt, running, now }: StartForecastInput): StartForecast {
	const recent = startsAt.filter((at) => at > now - DAY_MS).toSorted((one, other) => one - other)
	const blocking = recent[recent.length - budget.perDay]
	if (blocking !== undefined) return { mayStart: false, nextSlotAt: blocking + DAY_MS, limitedBy: 'day' }
	if (running >= budget.concurrent) return { mayStart: false, nextSlotAt: null, limitedBy: 'concurrency' }
	return { mayStart: true, nextSlotAt: now, limitedBy: null }
}
