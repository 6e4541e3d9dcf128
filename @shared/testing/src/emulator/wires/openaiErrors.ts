import type { AuthProblem, ErrorDetails, HeaderMap, WireError } from '../types.ts'
import { errorText } from './errorTexts.ts'

/** Errors and keys of both OpenAI APIs: Responses and Chat Completions. */

export function bearerKey(headers: HeaderMap): string | undefined {
	return /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1]
}

export function openAIError(status: number, { message = errorText('openai', status), retryAfterS }: ErrorDetails = {}): WireError {
	const [type, code] = kindOf(status)
	const body = { error: { message, type, param: null, code } }
	return retryAfterS === undefined ? { body } : { body, headers: { 'retry-after': String(retryAfterS) } }
}

export function openAIAuthError(problem: AuthProblem): WireError & { status: number } {
	if (problem === 'missing') {
		const message =
			"You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). [model emulator]"
		return { status: 401, body: { error: { message, type: 'invalid_request_error', param: null, code: null } } }
	}
	return { status: 401, ...openAIError(401) }
}

function kindOf(status: number): [type: string, code: string | null] {
	switch (status) {
		case 401:
			return ['invalid_request_error', 'invalid_api_key']
		case 403:
			return ['insufficient_permissions', null]
		case 404:
			return ['invalid_request_error', 'model_not_found']
		case 429:
			return ['requests', 'rate_limit_exceeded']
		default:
			return status >= 500 ? ['server_error', null] : ['invalid_request_error', null]
	}
}
