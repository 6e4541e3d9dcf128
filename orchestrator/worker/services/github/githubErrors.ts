import { RequestError } from '@octokit/request-error'
import { AppError, isAppError } from '@shared/contracts'

/** What a failed call was about. */
export interface FailedCall {
	/** Method and path as the documentation of the API writes them; no value of the call. */
	call: string
	/** Unix ms. */
	now: number
}

/** GitHub asks for a minute where it says nothing else. */
const DEFAULT_WAIT_MS = 60_000
const MAX_WAIT_MS = 2 * 3_600_000
const MAX_REASON = 300

/**
 * What octokit threw, as an AppError. `details.status` is the HTTP status, `details.reason` GitHub's own words. A limit becomes
 * RATE_LIMITED with `details.retryAt` (Unix ms): nobody waits here, the caller parks its work until then.
 */
export function toGitHubError(error: unknown, { call, now }: FailedCall): AppError {
	if (isAppError(error)) return error
	if (!(error instanceof RequestError) || error.response === undefined) {
		const cause = error instanceof Error ? error.cause : undefined
		// The text of a network error may quote an address or a header, so it is left out.
		return isAppError(cause) ? cause : new AppError('GIT_UPSTREAM', `GitHub could not be reached (${call}). Try again.`)
	}
	const { status } = error
	const { headers } = error.response
	const reason = reasonOf(error.response.data)
	const details = { status, reason }
	if (isLimit(status, headers, reason)) {
		const retryAt = retryTime(headers, now)
		return new AppError('RATE_LIMITED', `GitHub limits our calls (${call}: ${reason}). Try again after ${new Date(retryAt).toISOString()}.`, { ...details, retryAt })
	}
	if (status === 401) return new AppError('NOT_CONFIGURED', `GitHub refused the credential (${call}: ${reason}). Set GITHUB_TOKEN, or the GitHub App, anew.`, details)
	if (status === 403) return forbidden(call, headers, details)
	if (status === 404) return new AppError('WORKSPACE_NOT_FOUND', `GitHub has no such thing, or the credential may not see it (${call}). Check the name, and that the credential covers the repository.`, details)
	if (status === 409) return new AppError('WORKSPACE_NOT_FOUND', `The GitHub repository has no commit to start from (${call}: ${reason}). Push a first commit to it.`, details)
	if (status >= 500) return new AppError('GIT_UPSTREAM', `GitHub failed with HTTP ${status} (${call}). Try again.`, details)
	return new AppError('WORKSPACE_UNSUPPORTED', `GitHub refused the call with HTTP ${status} (${call}: ${reason}).`, details)
}

/** Whether the call failed with one of these HTTP statuses. */
export function hasStatus(error: unknown, ...statuses: number[]): error is AppError {
	return isAppError(error) && statuses.some((status) => error.details?.['status'] === status)
}

/** GitHub's own words for a failed call. */
export const reasonFor = (error: AppError): string => (typeof error.details?.['reason'] === 'string' ? error.details['reason'] : 'no reason given')

type Headers = Record<string, string | number | undefined>

function isLimit(status: number, headers: Headers, reason: string): boolean {
	if (status === 429) return true
	return status === 403 && (headers['retry-after'] !== undefined || String(headers['x-ratelimit-remaining']) === '0' || /rate limit/i.test(reason))
}

function retryTime(headers: Headers, now: number): number {
	const waitMs = Number(headers['retry-after']) * 1000
	const resetAt = Number(headers['x-ratelimit-reset']) * 1000
	const isSpent = String(headers['x-ratelimit-remaining']) === '0'
	const wanted = waitMs > 0 ? now + waitMs : isSpent && resetAt > now ? resetAt + 1000 : now + DEFAULT_WAIT_MS
	return Math.min(wanted, now + MAX_WAIT_MS)
}

function forbidden(call: string, headers: Headers, details: { status: number; reason: string }): AppError {
	const accepted = String(headers['x-accepted-github-permissions'] ?? '').replace(/[^\w=,; -]/g, '').slice(0, MAX_REASON)
	const remedy = accepted === '' ? 'Check what the credential may do.' : `Give the credential the permission ${accepted.replaceAll('=', ': ')}.`
	return new AppError('FORBIDDEN', `GitHub does not let the credential do this (${call}: ${details.reason}). ${remedy}`, { ...details, ...(accepted === '' ? {} : { permission: accepted }) })
}

/** `message` and the texts of `errors` on one bounded line; an answer of another shape tells nothing. */
function reasonOf(data: unknown): string {
	if (typeof data !== 'object' || data === null || !('message' in data) || typeof data.message !== 'string') return 'no reason given'
	const errors: unknown[] = 'errors' in data && Array.isArray(data.errors) ? data.errors : []
	const more = errors.slice(0, 5).flatMap((item) => (typeof item === 'object' && item !== null && 'message' in item && typeof item.message === 'string' ? [item.message] : []))
	return [data.message, ...more].join('; ').replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, MAX_REASON)
}
