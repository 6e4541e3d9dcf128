import { AppError } from '@shared/contracts'
import { limitBody } from '@shared/worker-base'

/** The largest request that is passed on; the providers' own limits lie at or below it. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024
/** Error answers are read whole, so that nothing of the key can leave in one. */
const MAX_ERROR_BYTES = 256 * 1024

export interface UpstreamCall {
	url: string
	headers: Headers
	request: Request
	headerTimeoutMs: number
	fetch: typeof fetch
}

/**
 * Passes the request on and returns once the answer's headers are there. Throws PAYLOAD_TOO_LARGE, GATEWAY_UPSTREAM for a redirect
 * (following one would carry the key to wherever it points), GATEWAY_TIMEOUT, PROVIDER_UNREACHABLE.
 */
export async function callUpstream({ url, headers, request, headerTimeoutMs, fetch }: UpstreamCall): Promise<Response> {
	const host = new URL(url).host
	const timeout = new AbortController()
	const timer = setTimeout(() => timeout.abort(), headerTimeoutMs)
	const refusal: { error?: AppError } = {}
	try {
		const body = limitedBody(request, refusal)
		const signal = AbortSignal.any([timeout.signal, request.signal])
		const response = await fetch(url, { method: request.method, headers, ...(body ? { body } : {}), redirect: 'manual', signal })
		if (response.status >= 300 && response.status < 400) {
			await response.body?.cancel()
			throw new AppError('GATEWAY_UPSTREAM', `The provider at ${host} answered with a redirect (${response.status}), which is never followed. Correct its base URL.`)
		}
		return response
	} catch (error) {
		if (refusal.error) throw refusal.error
		if (error instanceof AppError) throw error
		if (timeout.signal.aborted) throw new AppError('GATEWAY_TIMEOUT', `The provider at ${host} sent no answer within ${headerTimeoutMs} ms.`)
		// The runtime's own message may hold the URL; the host is all that helps.
		throw new AppError('PROVIDER_UNREACHABLE', `The provider at ${host} cannot be reached.`)
	} finally {
		clearTimeout(timer)
	}
}

/** The body as it is when its length is declared and fits, else counted on its way. */
function limitedBody(request: Request, refusal: { error?: AppError }): ReadableStream<Uint8Array> | null {
	const declared = request.headers.get('content-length')
	if (declared !== null && !(Number(declared) <= MAX_REQUEST_BYTES)) {
		throw new AppError('PAYLOAD_TOO_LARGE', `The request is larger than ${MAX_REQUEST_BYTES} bytes, which is the most the gateway passes on.`)
	}
	if (!request.body || declared !== null) return request.body
	return limitBody(request.body, MAX_REQUEST_BYTES, (error) => {
		refusal.error = error
	})
}

/** An error answer of the provider, unchanged except that the key is cut out should the provider repeat it. */
export async function readErrorAnswer(response: Response, key: string): Promise<string> {
	let text = ''
	const decoder = new TextDecoder()
	try {
		for await (const chunk of response.body ?? []) {
			text += decoder.decode(chunk, { stream: true })
			if (text.length > MAX_ERROR_BYTES) break
		}
	} catch {
		// What came before it broke off still says more than nothing.
	}
	return text.slice(0, MAX_ERROR_BYTES).replaceAll(key, '[redacted]')
}
