import type { Wire } from './routes.ts'

// Ours (credentials, where the request came from), the connection's, and what would let a container choose whose account pays.
const NOT_PASSED_ON = new Set([
	'authorization', 'x-api-key', 'x-goog-api-key', 'cookie', 'host', 'origin', 'referer', 'content-length', 'accept-encoding', 'expect',
	'connection', 'keep-alive', 'proxy-authorization', 'proxy-authenticate', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
	'forwarded', 'x-real-ip', 'true-client-ip', 'cdn-loop', 'if-none-match', 'if-modified-since',
	'openai-organization', 'openai-project', 'x-goog-user-project',
])
const NOT_PASSED_ON_PREFIXES = ['cf-', 'x-forwarded-', 'x-vibehq-', 'sec-']

const NOT_ANSWERED = new Set([
	'set-cookie', 'content-encoding', 'content-length', 'connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'proxy-authenticate',
	'alt-svc', 'server', 'via', 'nel', 'report-to', 'strict-transport-security', 'openai-organization', 'openai-project', 'anthropic-organization-id',
])

const isPassedOn = (name: string) => !NOT_PASSED_ON.has(name) && !NOT_PASSED_ON_PREFIXES.some((prefix) => name.startsWith(prefix))

/** The key in the header in which each wire format carries it. */
function keyHeader(wire: Wire, key: string): [name: string, value: string] {
	if (wire === 'messages') return ['x-api-key', key]
	return wire === 'gemini' ? ['x-goog-api-key', key] : ['authorization', `Bearer ${key}`]
}

/** The CLI's headers with the real key in place of its token. The answer is asked for unpacked, because usage is read from it. */
export function upstreamHeaders(headers: Headers, wire: Wire, key: string): Headers {
	const passedOn = new Headers([...headers].filter(([name]) => isPassedOn(name)))
	passedOn.set('accept-encoding', 'identity')
	const [name, value] = keyHeader(wire, key)
	passedOn.set(name, value)
	return passedOn
}

/** The provider's headers without those of its connection, its cookies and the names of our accounts. */
export function answerHeaders(headers: Headers): Headers {
	return new Headers([...headers].filter(([name]) => !NOT_ANSWERED.has(name) && !name.startsWith('cf-')))
}

/**
 * `path` (such as `/v1/responses`) below the base URL, which may have a path of its own; a version that the base already ends with
 * is not repeated. The query loses `key`, which is where a token may have been.
 */
export function upstreamURL(base: string, path: string, query: URLSearchParams): string {
	const url = new URL(base)
	const prefix = url.pathname.replace(/\/+$/, '')
	const version = /^\/v1(beta)?(?=\/)/.exec(path)?.[0] ?? ''
	url.pathname = prefix + (version !== '' && prefix.endsWith(version) ? path.slice(version.length) : path)
	const search = new URLSearchParams(query)
	search.delete('key')
	for (const [name, value] of search) url.searchParams.append(name, value)
	url.hash = ''
	return url.href
}
