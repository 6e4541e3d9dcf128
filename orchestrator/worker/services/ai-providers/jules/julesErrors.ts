import { AppError } from '@shared/contracts'
import type { ErrorCode } from '@shared/contracts'
import { z } from 'zod'

const GoogleError = z.object({
	error: z.object({
		message: z.string().catch(''),
		status: z.string().catch(''),
		details: z.array(z.looseObject({ reason: z.string().optional().catch(undefined), retryDelay: z.string().optional().catch(undefined) })).catch([]),
	}),
})

/** An answer of Jules that is no success. `call` names it in the message, such as `sessions.create`. */
export interface JulesFailure {
	call: string
	status: number
	text: string
	retryAfter: string | null
	apiKey: string
	now: number
}

const MOST_MESSAGE_CHARS = 300
/** Google's words for a key that does not work, whatever status it comes with. */
const KEY_REASON = /^(API_KEY_|ACCESS_TOKEN_|CREDENTIALS_MISSING$|CONSUMER_|SERVICE_DISABLED$|ACCOUNT_STATE_INVALID$|BILLING_DISABLED$)/
const LIMIT_REASON = /^(RATE_LIMIT_EXCEEDED|RESOURCE_QUOTA_EXCEEDED)$/

/** Told by HTTP status, `error.status` and `details[].reason` together: the texts of the API mislead. */
export function julesFailure(failure: JulesFailure): AppError {
	const { call, status, text, apiKey, now } = failure
	const parsed = GoogleError.safeParse(parseJSON(text))
	const error = parsed.success ? parsed.data.error : { message: '', status: '', details: [] }
	const reasons = error.details.flatMap(({ reason }) => (reason === undefined ? [] : [reason]))
	const code = codeOf(status, error.status, reasons)
	const said = clean(error.message, apiKey)
	const name = clean(error.status, apiKey)
	const message = `Jules answered ${call} with HTTP ${status}${name ? ` ${name}` : ''}${said ? `: ${said}` : '.'}${HELP[code] ?? ''}`
	const retryAt = code === 'PROVIDER_RATE_LIMITED' ? retryAtOf(failure.retryAfter, error.details, now) : null
	return new AppError(code, message, {
		call,
		status,
		...(name ? { googleStatus: name } : {}),
		...(reasons[0] === undefined ? {} : { reason: clean(reasons[0], apiKey) }),
		...(retryAt === null ? {} : { retryAt }),
	})
}

const HELP: Partial<Record<ErrorCode, string>> = {
	PROVIDER_AUTH_FAILED: ' Set JULES_API_KEY to a key of jules.google.com/settings#api.',
}

/** The HTTP status of an error of this file; undefined for one that came before any answer. */
export function httpStatusOf(error: unknown): number | undefined {
	const status = error instanceof AppError ? error.details?.['status'] : undefined
	return typeof status === 'number' ? status : undefined
}

function codeOf(status: number, googleStatus: string, reasons: string[]): ErrorCode {
	if (status === 429 || googleStatus === 'RESOURCE_EXHAUSTED' || reasons.some((reason) => LIMIT_REASON.test(reason))) return 'PROVIDER_RATE_LIMITED'
	// A key that was disabled, for example because it leaked, is answered with 403 and no reason.
	if (status === 401 || status === 403 || googleStatus === 'UNAUTHENTICATED' || reasons.some((reason) => KEY_REASON.test(reason))) return 'PROVIDER_AUTH_FAILED'
	return status >= 400 && status < 500 && status !== 408 ? 'PROVIDER_REFUSED' : 'PROVIDER_ERROR'
}

/** A header of seconds or a date, or Google's RetryInfo; null when nothing was said. */
function retryAtOf(header: string | null, details: { retryDelay?: string | undefined }[], now: number): number | null {
	const seconds = header === null || header.trim() === '' ? Number.NaN : Number(header)
	if (seconds >= 0) return Math.ceil(now + seconds * 1000)
	const date = Date.parse(header ?? '')
	if (!Number.isNaN(date)) return date
	const delay = details.flatMap(({ retryDelay }) => /^(\d{1,9}(?:\.\d+)?)s$/.exec(retryDelay ?? '')?.[1] ?? [])[0]
	return delay === undefined ? null : Math.ceil(now + Number(delay) * 1000)
}

/** A text of the other side on one line, short, and without our key. */
function clean(text: string, apiKey: string): string {
	return text
		.replaceAll(apiKey, '[redacted]')
		.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
		.trim()
		.slice(0, MOST_MESSAGE_CHARS)
}

export function parseJSON(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}
