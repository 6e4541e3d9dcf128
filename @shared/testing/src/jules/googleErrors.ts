/** Says in every answer that it is no Google server. */
export const FAKE_JULES_NAME = 'vibehq-fake-jules'

/** A failure in the words of a Google API. */
export class GoogleError extends Error {
	readonly status: number
	readonly body: unknown
	readonly headers: Record<string, string>

	constructor(status: number, message: string, more: { googleStatus?: string; details?: unknown[]; headers?: Record<string, string> } = {}) {
		super(message)
		const { googleStatus = GOOGLE_STATUSES[status] ?? 'UNKNOWN', details, headers = {} } = more
		this.status = status
		this.body = { error: { code: status, message, status: googleStatus, ...(details ? { details } : {}) } }
		this.headers = headers
	}
}

const GOOGLE_STATUSES: Record<number, string> = {
	400: 'INVALID_ARGUMENT',
	401: 'UNAUTHENTICATED',
	403: 'PERMISSION_DENIED',
	404: 'NOT_FOUND',
	409: 'ABORTED',
	429: 'RESOURCE_EXHAUSTED',
	500: 'INTERNAL',
	501: 'UNIMPLEMENTED',
	503: 'UNAVAILABLE',
	504: 'DEADLINE_EXCEEDED',
}

export const notFound = () => new GoogleError(404, 'Requested entity was not found.')

export function badRequest(message: string, field?: string): GoogleError {
	const details = [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ ...(field === undefined ? {} : { field }), description: message }] }]
	return new GoogleError(400, message, { details })
}

/** The API answers a missing and a wrong key alike, and speaks of OAuth to both. */
export function unauthenticated(reason: 'CREDENTIALS_MISSING' | 'API_KEY_INVALID'): GoogleError {
	const message =
		'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.'
	const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com', metadata: { service: 'jules.googleapis.com' } }]
	return new GoogleError(401, message, { details })
}

const FAULT_MESSAGES: Record<number, string> = {
	429: 'Resource has been exhausted (e.g. check quota).',
	500: 'Internal error encountered.',
	503: 'The service is currently unavailable.',
}

export function faultError(status: number, retryAfterS?: number): GoogleError {
	const headers: Record<string, string> = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }
	return new GoogleError(status, FAULT_MESSAGES[status] ?? `Failed on purpose by a scenario of ${FAKE_JULES_NAME}.`, { headers })
}
