const SECRET_NAME = /authorization|cookie|secret|password|passwd|credential|signature|private.?key|api.?key|signing.?key|(^|[^a-z])key$|^(?!.*(tokens|token_?(count|kind|type)$)).*token/i
const SECRET_TEXT = [
	/\b(?:sk|pk|rk)-[A-Za-z0-9_-]{12,}/g, // OpenAI, Anthropic
	/\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}/g,
	/\bAIza[\w-]{20,}/g, // Google
	/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, // any JWT, ours too
	/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi,
	/([?&](?:key|token|access_token|ticket)=)[^&\s"']+/gi,
	/(\/\/[^/\s:@]*:)[^/\s@]+(?=@)/g, // user:password@ in a URL
	/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
]
const MAX_DEPTH = 6
const MAX_TEXT = 8000
const MAX_ITEMS = 100

function redactText(text: string): string {
	const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text
	return SECRET_TEXT.reduce((result, pattern) => result.replace(pattern, (_match, prefix: unknown) => `${typeof prefix === 'string' ? prefix : ''} [redacted]`.trimStart()), short)
}

function redactError(error: Error, depth: number): Record<string, unknown> {
	return {
		name: error.name,
		message: redactText(error.message),
		...('code' in error ? { code: error.code } : {}),
		...(error.stack ? { stack: redactText(error.stack) } : {}),
		...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
	}
}

/**
 * A copy that may be logged: values under secret-sounding names are dropped, secrets of known forms inside texts too, and what is
 * too deep, long or wide is cut. Names decide first, so a secret of unknown form is safe only under an honest name.
 */
export function redact(value: unknown, depth = 0): unknown {
	if (typeof value === 'string') return redactText(value)
	if (typeof value === 'bigint') return value.toString()
	if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
	if (typeof value !== 'object' || value === null) return value
	if (depth >= MAX_DEPTH) return '[too deep]'
	if (value instanceof Error) return redactError(value, depth)
	if (value instanceof Headers || value instanceof Map) return redact(Object.fromEntries(value.entries()), depth)
	if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
	if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1))
	const fields = Object.entries(value).slice(0, MAX_ITEMS)
	return Object.fromEntries(fields.map(([name, field]) => [name, isSecretField(name, field) ? '[redacted]' : redact(field, depth + 1)]))
}

function isSecretField(name: string, field: unknown): boolean {
	return SECRET_NAME.test(name) && field !== null && field !== undefined && typeof field !== 'boolean' && typeof field !== 'number'
}
