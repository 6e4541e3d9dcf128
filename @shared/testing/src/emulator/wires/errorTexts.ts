import { SIGNATURE } from '../types.ts'

/** What each API says about a status, so that callers which read the words meet the real ones; the signature comes after them. */

const OPENAI: Record<number, string> = {
	400: 'Invalid request.',
	401: 'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
	403: 'Country, region, or territory not supported',
	404: 'The requested model does not exist or you do not have access to it.',
	429: 'Rate limit reached for requests. Please try again later.',
	500: 'The server had an error while processing your request. Sorry about that!',
	503: 'The engine is currently overloaded, please try again later.',
}

const ANTHROPIC: Record<number, string> = {
	400: 'messages: invalid request',
	401: 'invalid x-api-key',
	403: 'Your API key does not have permission to use the specified resource.',
	404: 'model: not found',
	429: "This request would exceed your organization's rate limit. Please try again later.",
	500: 'Internal server error',
	529: 'Overloaded',
}

const GOOGLE: Record<number, string> = {
	400: 'Request contains an invalid argument.',
	401: 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
	403: 'The caller does not have permission',
	404: 'The requested model was not found.',
	429: 'Resource has been exhausted (e.g. check quota).',
	500: 'An internal error has occurred. Please retry later.',
	503: 'The model is overloaded. Please try again later.',
	504: 'Deadline expired before operation could complete.',
}

const TEXTS = { openai: OPENAI, anthropic: ANTHROPIC, google: GOOGLE }

export function errorText(vendor: keyof typeof TEXTS, status: number): string {
	return `${TEXTS[vendor][status] ?? `The request failed with status ${status}.`} ${SIGNATURE}`
}
