import { createHash } from 'node:crypto'
import { AppError, type ScenarioFault } from '@shared/contracts'
import { z } from 'zod'
import { brokenStream, createFaultCounter, delay, GARBAGE_PAGE, untilAborted } from './faults.ts'
import { findRoute, WIRES, type Route, type WireName } from './routes.ts'
import { createScenarioBook, type Match } from './scenarioBook.ts'
import { play, sign } from './scenarioPlayer.ts'
import { structuredReply } from './structured.ts'
import { EMULATOR_NAME, type AgentRequest, type Headers, type Reply, type ReplyContext, type SSEEvent, type WireError } from './types.ts'
import { countTokens, countUsage } from './usage.ts'

/** What an emulator saw and did. It holds no key, only whether one came. */
export interface RecordedRequest {
	method: string
	path: string
	provider?: string
	wire?: WireName
	/** Without the values of headers that carry a key. */
	headers: Record<string, string>
	body?: unknown
	/** The scenario that was played; absent when none matched. */
	scenario?: string
	fault?: ScenarioFault
	reply?: Reply
	/** The status of the answer; absent when it was never answered. */
	status?: number
}

export interface EmulatorOptions {
	scenarios: unknown
	/** The key that each provider must present. A provider without an entry may present any. */
	apiKeys?: Record<string, string>
	onRequest?: (request: RecordedRequest) => void
	now?: () => number
}

export interface Emulator {
	/** Answers as a provider's API would. The body of a faulty answer may stall or fail, as the scenario says. */
	fetch(request: Request): Promise<Response>
	/** Replaces the scenarios and starts their fault counts anew. */
	setScenarios(scenarios: unknown): void
}

const MOST_BODY_BYTES = 64 * 1024 * 1024

/** @throws AppError INVALID_INPUT for scenarios that are not in the scenario format. */
export function createEmulator(options: EmulatorOptions): Emulator {
	let book = createScenarioBook(options.scenarios)
	const faults = createFaultCounter()
	const now = options.now ?? Date.now

	async function handle(request: Request, record: RecordedRequest): Promise<Response> {
		const url = new URL(request.url)
		const headers: Headers = Object.fromEntries(request.headers)
		const route = findRoute(request.method, url.pathname, headers)
		if (!route) return json(404, { error: { message: `${EMULATOR_NAME} does not serve ${request.method} ${url.pathname}`, type: 'invalid_request_error' } })
		if (route.kind === 'hello') return json(200, { emulator: EMULATOR_NAME, providers: ['codex', 'claude', 'gemini', 'copilot'] })
		record.provider = route.provider
		record.wire = route.wireName
		const wire = WIRES[route.wireName]
		const key = wire.key(headers, url.searchParams)
		const expected = options.apiKeys?.[route.provider]
		if (key === undefined || (expected !== undefined && key !== expected)) {
			const problem = wire.authError(key === undefined ? 'missing' : 'wrong')
			return errorResponse(problem.status, problem)
		}
		if (route.kind === 'models') return json(200, modelList(route.wireName))
		const text = await readBody(request)
		if (text === undefined) return errorResponse(413, wire.error(413, { message: sign('The request is larger than 64 MiB.') }))
		let body: unknown
		let parsed: AgentRequest
		try {
			body = JSON.parse(text)
			record.body = body
			if (route.kind === 'count') return json(200, route.wireName === 'gemini' ? { totalTokens: countTokens(text) } : { input_tokens: countTokens(text) })
			parsed = wire.read(body, route)
		} catch (error) {
			const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'We could not parse the JSON body of your request.'
			return errorResponse(400, wire.error(400, { message: sign(reason) }))
		}
		const match = book.find(route.provider, parsed)
		const reply = chooseReply(match, parsed, book.describe(route.provider))
		const fault = match && faults.take(match.scenario)
		Object.assign(record, { ...(match ? { scenario: match.scenario.name } : {}), ...(fault ? { fault } : {}), reply })
		const isFollowUp = parsed.turns.some((turn) => turn.results.length > 0)
		const context: ReplyContext = {
			serial: createHash('sha256').update(text).digest('hex').slice(0, 12),
			model: parsed.model,
			usage: countUsage(body, reply, isFollowUp),
			createdAtS: Math.floor(now() / 1000),
			wantsUsage: parsed.wantsUsage === true,
		}
		return await answer({ route, reply, context, fault, isStream: parsed.isStream, signal: request.signal })
	}

	return {
		async fetch(request) {
			const record: RecordedRequest = { method: request.method, path: new URL(request.url).pathname, headers: publicHeaders(request.headers) }
			options.onRequest?.(record)
			const response = await handle(request, record)
			record.status = response.status
			response.headers.set('x-emulator', EMULATOR_NAME)
			return response
		},
		setScenarios(scenarios) {
			book = createScenarioBook(scenarios)
			faults.reset()
		},
	}
}

function chooseReply(match: Match | undefined, request: AgentRequest, looked: string): Reply {
	const said = match?.scenario.steps.findLast((step) => 'say' in step)?.say
	const structured = structuredReply(request, said)
	if (structured) return structured
	if (match) return play(match.scenario, request, match.results)
	const prompt = JSON.stringify((request.turns.at(-1)?.prompt ?? '').slice(0, 120))
	return { text: sign(`No scenario matches this prompt, so nothing was changed. Looked for: ${looked}. The prompt begins: ${prompt}.`) }
}

interface Answer {
	route: Extract<Route, { kind: 'generate' | 'count' }>
	reply: Reply
	context: ReplyContext
	fault: ScenarioFault | undefined
	isStream: boolean
	signal: AbortSignal
}

async function answer({ route, reply, context, fault, isStream, signal }: Answer): Promise<Response> {
	const wire = WIRES[route.wireName]
	if (fault?.delayMs !== undefined) await delay(fault.delayMs, signal)
	if (fault?.stall === 'headers') {
		await untilAborted(signal)
		throw new AppError('UNAVAILABLE', 'The caller went away from a request that a scenario never answers.')
	}
	if (fault?.status !== undefined) return errorResponse(fault.status, wire.error(fault.status, { retryAfterS: fault.retryAfterS }))
	if (fault?.garbage) return new Response(GARBAGE_PAGE, { headers: { 'content-type': isStream ? 'text/event-stream' : 'text/html' } })
	const frames = isStream ? wire.events(reply, context).map(frame) : halves(JSON.stringify(wire.body(reply, context)))
	const headers = { 'content-type': isStream ? 'text/event-stream; charset=utf-8' : 'application/json', 'cache-control': 'no-cache' }
	if (fault?.cut) return new Response(brokenStream(frames, 'cut'), { headers })
	if (fault?.stall === 'body') return new Response(brokenStream(frames, 'stall'), { headers })
	return new Response(frames.join(''), { headers })
}

function frame({ event, data }: SSEEvent): string {
	const line = typeof data === 'string' ? data : JSON.stringify(data)
	return `${event === undefined ? '' : `event: ${event}\n`}data: ${line}\n\n`
}

function halves(text: string): string[] {
	const middle = Math.floor(text.length / 2)
	return [text.slice(0, middle), text.slice(middle)]
}

function json(status: number, body: unknown): Response {
	return Response.json(body, { status })
}

function errorResponse(status: number, { body, headers }: WireError): Response {
	return Response.json(body, { status, headers: headers ?? {} })
}

async function readBody(request: Request): Promise<string | undefined> {
	if (Number(request.headers.get('content-length') ?? 0) > MOST_BODY_BYTES) return undefined
	const text = await request.text()
	return text.length > MOST_BODY_BYTES ? undefined : text
}

function modelList(wireName: WireName): unknown {
	const id = EMULATOR_NAME
	if (wireName === 'gemini') return { models: [{ name: `models/${id}`, displayName: id, supportedGenerationMethods: ['generateContent'] }] }
	if (wireName === 'messages') {
		return { data: [{ type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' }], has_more: false, first_id: id, last_id: id }
	}
	return { object: 'list', data: [{ id, object: 'model', created: 1_767_225_600, owned_by: 'vibehq' }] }
}

const SECRET_HEADERS = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'cookie', 'proxy-authorization'])

function publicHeaders(headers: globalThis.Headers): Record<string, string> {
	return Object.fromEntries([...headers].map(([name, value]) => [name, SECRET_HEADERS.has(name) ? '(present)' : value]))
}
