import type { MiddlewareHandler } from 'hono'

const HEADERS = {
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'referrer-policy': 'no-referrer',
	'strict-transport-security': 'max-age=31536000; includeSubDomains',
	'cross-origin-resource-policy': 'same-origin',
}
const API_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** Headers for every answer. A page that needs more sets its own `content-security-policy`, which then stays. */
export function securityHeaders(): MiddlewareHandler {
	return async (c, next) => {
		await next()
		// A switched protocol has no page to protect, and its response cannot be rebuilt.
		if (c.res.status === 101) return
		// The headers of a fetched response are immutable.
		c.res = new Response(c.res.body, c.res)
		for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value)
		if (!c.res.headers.has('content-security-policy')) c.res.headers.set('content-security-policy', API_POLICY)
	}
}
