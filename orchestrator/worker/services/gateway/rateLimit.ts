import { AppError } from '@shared/contracts'

/** A CLI may sit out a shorter wait; for a longer one another provider takes over. */
const LONGEST_WAIT_S = 10

/**
 * The failure in place of a 429 that names a long wait, null for any other answer. Every CLI obeys the wait, silent and holding its
 * runner, until it counts as stalled, and none of them says for how long the provider asked.
 */
export function longRateLimit(response: Response, text: string, now: number): AppError | null {
	if (response.status !== 429) return null
	const waitS = waitOf(response.headers.get('retry-after'), text, now)
	if (waitS === null || waitS <= LONGEST_WAIT_S) return null
	return new AppError('PROVIDER_RATE_LIMITED', `The provider does not want to be called for a while: retry after ${Math.ceil(waitS)} s.`)
}

/** Seconds, or a date; Google says it in the body. */
function waitOf(header: string | null, text: string, now: number): number | null {
	const seconds = header === null || header.trim() === '' ? Number.NaN : Number(header)
	if (Number.isFinite(seconds)) return seconds
	const date = Date.parse(header ?? '')
	if (Number.isFinite(date)) return (date - now) / 1000
	const told = /"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(text)?.[1]
	return told === undefined ? null : Number(told)
}
