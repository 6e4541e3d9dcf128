import { AppError } from '@shared/contracts'
import type { z } from 'zod'
import { httpStatusOf, julesFailure, parseJSON } from './julesErrors.ts'

export interface JulesClientDeps {
	fetch: typeof fetch
	apiKey: string
	/** Without the version: `https://jules.googleapis.com`. */
	baseURL: string
	sleep: (ms: number) => Promise<void>
	now: () => number
	/** For a whole answer, body included. */
	timeoutMs?: number
	maxAnswerBytes?: number
}

export interface JulesCall<Schema extends z.ZodType> {
	/** The API's name of the method, for messages. */
	name: string
	method?: 'GET' | 'POST' | 'DELETE'
	/** After the version, each segment encoded. */
	path: string
	query?: Record<string, string>
	body?: Record<string, unknown>
	answer: Schema
}

export type JulesRequest = ReturnType<typeof createJulesRequest>

const DEFAULT_TIMEOUT_MS = 60_000
/** An answer is held as bytes, as text and parsed; three times this fits into an isolate. */
const DEFAULT_MAX_ANSWER_BYTES = 16 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024

/**
 * One request to Jules. Throws PROVIDER_AUTH_FAILED, PROVIDER_RATE_LIMITED, PROVIDER_REFUSED, PROVIDER_ERROR, PROVIDER_UNREACHABLE,
 * and PROVIDER_OUTPUT_INVALID for an answer that is too long or of another shape.
 */
export function createJulesRequest(deps: JulesClientDeps) {
	const { apiKey, now, fetch } = deps
	const maxBytes = deps.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES

	const send = async ({ name, method = 'GET', path, query, body }: JulesCall<z.ZodType>): Promise<{ response: Response; text: string | null }> => {
		const search = query && Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : ''
		const headers = { 'x-goog-api-key': apiKey, accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) }
		try {
			const response = await fetch(`${deps.baseURL.replace(/\/+$/, '')}/v1alpha/${path}${search}`, {
				method,
				headers,
				...(body ? { body: JSON.stringify(body) } : {}),
				// Following a redirect would carry the key to wherever it points.
				redirect: 'manual',
				signal: AbortSignal.timeout(deps.timeoutMs ?? DEFAULT_TIMEOUT_MS),
			})
			return { response, text: await readText(response, response.ok ? maxBytes : MAX_ERROR_BYTES) }
		} catch {
			// The runtime's own message may hold the URL; what it was for is all that helps.
			throw new AppError('PROVIDER_UNREACHABLE', `Jules cannot be reached, or its answer to ${name} broke off.`, { call: name })
		}
	}

	return async <Schema extends z.ZodType>(call: JulesCall<Schema>): Promise<z.output<Schema>> => {
		const { response, text } = await send(call)
		const { name } = call
		if (!response.ok) throw julesFailure({ call: name, status: response.status, text: text ?? '', retryAfter: response.headers.get('retry-after'), apiKey, now: now() })
		if (text === null) throw new AppError('PROVIDER_OUTPUT_INVALID', `The answer of Jules to ${name} is longer than ${maxBytes} bytes, which is the most that is read.`, { call: name, maxBytes })
		const parsed = call.answer.safeParse(text === '' ? {} : parseJSON(text))
		if (parsed.success) return parsed.data
		const [issue] = parsed.error.issues
		throw new AppError('PROVIDER_OUTPUT_INVALID', `The answer of Jules to ${name} does not have the shape of the API: ${issue?.path.join('.') || 'answer'}: ${issue?.message ?? 'invalid'}.`, { call: name })
	}
}

/** The text, or null when it is longer; the rest of it is not read. */
async function readText(response: Response, maxBytes: number): Promise<string | null> {
	const decoder = new TextDecoder()
	let text = ''
	let bytes = 0
	for await (const chunk of response.body ?? []) {
		bytes += chunk.byteLength
		// Leaving the loop cancels the body.
		if (bytes > maxBytes) return null
		text += decoder.decode(chunk, { stream: true })
	}
	return text + decoder.decode()
}

const EARLY_RETRIES = 5
const FIRST_EARLY_WAIT_MS = 1000

/** A session that was just made is unknown for a while; asks again for up to 31 s before it counts as gone. */
export async function retryEarly404<T>(run: () => Promise<T>, sleep: (ms: number) => Promise<void>): Promise<T> {
	for (let attempt = 0; ; attempt++) {
		try {
			return await run()
		} catch (error) {
			if (httpStatusOf(error) !== 404 || attempt === EARLY_RETRIES) throw error
			await sleep(FIRST_EARLY_WAIT_MS * 2 ** attempt)
		}
	}
}
