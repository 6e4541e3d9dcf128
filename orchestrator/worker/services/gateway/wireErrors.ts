import { ERRORS } from '@shared/contracts'
import type { AppError } from '@shared/contracts'
import type { Wire } from './routes.ts'

const ANTHROPIC_TYPES: Record<number, string> = {
	400: 'invalid_request_error',
	401: 'authentication_error',
	402: 'billing_error',
	403: 'permission_error',
	404: 'not_found_error',
	413: 'request_too_large',
	429: 'rate_limit_error',
	503: 'overloaded_error',
	504: 'timeout_error',
}
const GOOGLE_STATUSES: Record<number, string> = {
	400: 'INVALID_ARGUMENT',
	401: 'UNAUTHENTICATED',
	402: 'FAILED_PRECONDITION',
	403: 'PERMISSION_DENIED',
	404: 'NOT_FOUND',
	409: 'ABORTED',
	413: 'INVALID_ARGUMENT',
	429: 'RESOURCE_EXHAUSTED',
	502: 'UNAVAILABLE',
	503: 'UNAVAILABLE',
	504: 'DEADLINE_EXCEEDED',
}

/** Our failure in the error format of the provider, so that the CLI shows code and reason to whoever reads its output. `status` is its own unless another one makes the CLI behave. */
export function wireError(wire: Wire, error: AppError, status: number = ERRORS[error.code].status): Response {
	const isRetryable = status !== 400 && ERRORS[error.code].retryable
	const headers = new Headers({ 'x-vibehq-error': error.code, 'x-should-retry': String(isRetryable), 'cache-control': 'no-store' })
	const waitS = error.details?.['retryAfterS']
	if (typeof waitS === 'number') headers.set('retry-after', String(waitS))
	return Response.json(bodyOf(wire, error, status), { status, headers })
}

function bodyOf(wire: Wire, { code, message: reason }: AppError, status: number): unknown {
	const message = `${code}: ${reason}`
	switch (wire) {
		case 'messages':
			return { type: 'error', error: { type: ANTHROPIC_TYPES[status] ?? 'api_error', message } }
		case 'gemini':
			return {
				error: {
					code: status,
					message,
					status: GOOGLE_STATUSES[status] ?? 'INTERNAL',
					details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'vibehq' }],
				},
			}
		case 'responses':
		case 'chat':
			return { error: { message, type: status >= 500 ? 'server_error' : 'invalid_request_error', param: null, code } }
	}
}
