import { AppError, ERRORS, isAppError, isErrorCode, PROVIDER_SECRETS, toErrorBody } from '@shared/contracts'
import type { Principal, ProviderName } from '@shared/contracts'
import type { Logger } from '@shared/worker-base'
import type { Database } from '../../database/client.ts'
import { recordCall } from '../../database/repositories/gatewayCalls.ts'
import type { SecretService } from '../secrets/secretService.ts'
import type { Tokens } from '../security/tokens.ts'
import { createBudget } from './budget.ts'
import type { Admission } from './budget.ts'
import { meteredBody } from './meteredBody.ts'
import type { BodyEnd } from './meteredBody.ts'
import { estimateCall, priceCall } from './pricing.ts'
import type { PricedCall } from './pricing.ts'
import { longRateLimit } from './rateLimit.ts'
import { findRoute, wireOf } from './routes.ts'
import type { GatewayRoute } from './routes.ts'
import { callUpstream, readErrorAnswer } from './upstream.ts'
import { answerHeaders, upstreamHeaders, upstreamURL } from './upstreamRequest.ts'
import { createUsageScanner } from './usage.ts'
import type { SeenUsage, UsageScanner } from './usage.ts'
import { wireError } from './wireErrors.ts'

export interface ModelGatewayDeps {
	db: Database
	tokens: Pick<Tokens, 'verify'>
	secrets: Pick<SecretService, 'resolve'>
	/** Where a provider's API is: the configured base URL, else the provider's own; null when it has none. */
	baseURLOf: (provider: ProviderName) => Promise<string | null> | string | null
	fetch: typeof fetch
	now: () => number
	sleep: (ms: number) => Promise<void>
	/** Keeps the request's context alive until the call is in the books. */
	waitUntil: (promise: Promise<unknown>) => void
	log: Pick<Logger, 'warn' | 'error'>
	workerName: string
	headerTimeoutMs: number
	idleTimeoutMs?: number
}

/** A request of a CLI: `path` is what follows `/gateway/<provider>`, still encoded. */
export interface GatewayRequest {
	request: Request
	provider: ProviderName
	path: string
}

interface LiveCall extends Admission {
	provider: ProviderName
	principal: Principal
	route: GatewayRoute
	requestBytes: number
	startedAt: number
}

interface CallEnd {
	status: number
	model: string | null
	priced: PricedCall
	errorCode: string | null
}

const NOTHING: PricedCall = { tokens: { inputTokens: 0, outputTokens: 0 }, costMicroUsd: 0, pricing: null }
const NOTHING_SEEN: SeenUsage = { model: null, usage: null, isFinal: false, hasFailed: false }
const DEFAULT_IDLE_TIMEOUT_MS = 300_000
/** A request that does not say how long it is counts as a long one. */
const UNDECLARED_REQUEST_BYTES = 400_000

/**
 * Lets the CLIs of running executions reach their providers: puts the real key in where the execution token was, passes the answer
 * on as it comes, and books what it cost. Failures leave in the provider's own error format.
 */
export function createModelGateway(deps: ModelGatewayDeps) {
	const { db, now, log } = deps
	const budget = createBudget(deps)

	/** Books a call and releases what was held for it. A failure must not reach the CLI, whose answer is fine. */
	const settle = async (call: LiveCall, end: CallEnd): Promise<void> => {
		const at = now()
		const { executionId } = call.execution
		const { tokens, costMicroUsd, pricing } = end.priced
		const statements = recordCall({
			executionId,
			provider: call.provider,
			model: end.model,
			status: end.status,
			inputTokens: tokens.inputTokens,
			outputTokens: tokens.outputTokens,
			cacheReadTokens: tokens.cacheReadTokens ?? 0,
			cacheWriteTokens: tokens.cacheWriteTokens ?? 0,
			costMicroUsd,
			pricing,
			durationMs: at - call.startedAt,
			errorCode: end.errorCode,
			heldMicroUsd: call.heldMicroUsd,
			origin: { workerName: call.principal.workerName, containerName: call.principal.containerName },
			at,
		})
		try {
			await db.batch(statements)
		} catch (error) {
			log.error('a model call could not be booked', { executionId, costMicroUsd, error })
		}
	}

	const authenticate = async ({ request, provider }: GatewayRequest): Promise<Principal> => {
		const token = executionToken(request)
		if (token === undefined) throw new AppError('UNAUTHENTICATED', 'Send the execution token where the API key goes.')
		const principal = await deps.tokens.verify(token)
		if (principal.kind !== 'execution' || !principal.scopes.includes('gateway')) throw new AppError('FORBIDDEN', 'Only the token of an execution may call models.')
		if (principal.provider !== provider) throw new AppError('FORBIDDEN', `This token is for the provider ${principal.provider ?? '(none)'}, not for ${provider}.`)
		return principal
	}

	/** Streams the answer on and books the call when it has ended, however it does. */
	const passMetered = (response: Response, body: ReadableStream<Uint8Array>, call: LiveCall): ReadableStream<Uint8Array> => {
		const scanner = createUsageScanner(call.route.wire, response.headers.get('content-type'))
		let responseBytes = 0
		const { promise, resolve } = Promise.withResolvers<BodyEnd>()
		deps.waitUntil(promise.then((how) => settle(call, endOf(call, scanner, { how, status: response.status, responseBytes, at: now() }))))
		return meteredBody(body, {
			onChunk(chunk) {
				responseBytes += chunk.byteLength
				scanner.push(chunk)
			},
			onEnd: resolve,
			idleTimeoutMs: deps.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
		})
	}

	const answer = async (response: Response, call: LiveCall, key: string): Promise<Response> => {
		const { status } = response
		const headers = answerHeaders(response.headers)
		const { isMetered } = call.route
		if (!response.ok) {
			if (isMetered) deps.waitUntil(settle(call, { status, model: call.route.model, priced: NOTHING, errorCode: upstreamCode(status) }))
			const text = await readErrorAnswer(response, key)
			const limit = longRateLimit(response, text, now())
			// As a bad request, because that is the one status that no CLI tries again.
			return limit ? wireError(call.route.wire, limit, 400) : new Response(text, { status, headers })
		}
		const body = response.body && isMetered ? passMetered(response, response.body, call) : response.body
		if (isMetered && !response.body) deps.waitUntil(settle(call, { status, model: call.route.model, priced: { ...NOTHING, costMicroUsd: null }, errorCode: null }))
		return new Response(body, { status, headers })
	}

	const pass = async ({ request, provider, path }: GatewayRequest): Promise<Response> => {
		const principal = await authenticate({ request, provider, path })
		const route = findRoute(provider, request.method, path)
		if (!route) throw new AppError('NOT_FOUND', `The model gateway does not pass on ${request.method} ${path} for ${provider}.`)
		const base = await deps.baseURLOf(provider)
		if (base === null) throw new AppError('NOT_CONFIGURED', `There is no base URL for ${provider}, so its models cannot be reached through the gateway.`)
		const key = deps.secrets.resolve(PROVIDER_SECRETS[provider])
		const requestBytes = bytesOf(request)
		const startedAt = now()
		const admission = await budget.admit({ principal, provider, requestBytes, isMetered: route.isMetered, signal: request.signal })
		const call: LiveCall = { ...admission, provider, principal, route, requestBytes, startedAt }
		const url = upstreamURL(base, path, new URL(request.url).searchParams)
		try {
			const response = await callUpstream({ url, headers: upstreamHeaders(request.headers, route.wire, key), request, headerTimeoutMs: deps.headerTimeoutMs, fetch: deps.fetch })
			return await answer(response, call, key)
		} catch (error) {
			const { code } = toErrorBody(error)
			log.warn('a model call failed', { executionId: call.execution.executionId, provider, code })
			if (route.isMetered) deps.waitUntil(settle(call, unanswered(call, request.signal.aborted ? 'CLIENT_ABORTED' : code, now())))
			throw error
		}
	}

	return {
		async handle(gatewayRequest: GatewayRequest): Promise<Response> {
			try {
				return await pass(gatewayRequest)
			} catch (error) {
				if (!isAppError(error)) log.error('the model gateway failed', { provider: gatewayRequest.provider, error })
				const { code, message, details } = toErrorBody(error)
				return wireError(wireOf(gatewayRequest.provider, gatewayRequest.path), new AppError(code, message, details))
			}
		},
	}
}
export type ModelGateway = ReturnType<typeof createModelGateway>

/** CLIs put the token wherever their provider's key goes. */
function executionToken(request: Request): string | undefined {
	const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1]
	return bearer ?? request.headers.get('x-api-key') ?? request.headers.get('x-goog-api-key') ?? new URL(request.url).searchParams.get('key') ?? undefined
}

/** A body's length as declared; an absent body has none. */
function bytesOf(request: Request): number {
	if (!request.body) return 0
	return Number(request.headers.get('content-length') ?? Number.NaN) || UNDECLARED_REQUEST_BYTES
}

/** The books of a call without an answer: free when nothing can have been worked on, else what the request alone is worth. */
function unanswered(call: LiveCall, errorCode: string, at: number): CallEnd {
	const { provider, route, requestBytes, execution } = call
	const wasSent = errorCode === 'CLIENT_ABORTED' || errorCode === 'GATEWAY_TIMEOUT'
	const model = route.model ?? execution.model
	const priced = wasSent ? estimateCall({ provider, wire: route.wire, model, seen: NOTHING_SEEN, at, requestBytes, responseBytes: 0 }) : NOTHING
	return { status: isErrorCode(errorCode) ? ERRORS[errorCode].status : 499, model: route.model, priced, errorCode }
}

function upstreamCode(status: number): string {
	if (status === 401 || status === 403) return 'PROVIDER_AUTH_FAILED'
	return status === 429 ? 'PROVIDER_RATE_LIMITED' : 'PROVIDER_ERROR'
}

/** The books of an answer that has ended. One that broke off before it said its usage is estimated, so breaking off saves nothing. */
function endOf(call: LiveCall, scanner: UsageScanner, body: { how: BodyEnd; status: number; responseBytes: number; at: number }): CallEnd {
	const seen = scanner.end()
	const { provider, route, requestBytes } = call
	const model = seen.model ?? route.model
	// The usage of a Gemini stream grows with it, so only its end tells the whole.
	const isWhole = seen.isFinal && (body.how === 'complete' || route.wire !== 'gemini')
	const isBroken = !isWhole && (body.how !== 'complete' || seen.hasFailed || seen.usage !== null)
	const known = { provider, wire: route.wire, seen, at: body.at }
	const priced = isBroken
		? estimateCall({ ...known, model: model ?? call.execution.model, requestBytes, responseBytes: body.responseBytes })
		: priceCall({ ...known, model })
	return { status: body.status, model, priced, errorCode: errorOf(body.how, seen.hasFailed) }
}

function errorOf(how: BodyEnd, hasFailed: boolean): string | null {
	if (how === 'aborted') return 'CLIENT_ABORTED'
	return how === 'broken' || hasFailed ? 'PROVIDER_ERROR' : null
}
