import { createHash } from 'node:crypto'
import type { Scenario, ScenarioFault } from '@shared/contracts'
import { z } from 'zod'
import { answerWith, errorAnswer, modelListAnswer } from './answers.ts'
import { createFaultCounter } from './faults.ts'
import { findRoute, WIRES, type ModelRoute, type WireName } from './routes.ts'
import { createScenarioBook, type Match } from './scenarioBook.ts'
import { play, sign } from './scenarioPlayer.ts'
import { structuredReply } from './structured.ts'
import { EMULATOR_NAME, type AgentRequest, type Reply, type ReplyContext, type Usage } from './types.ts'
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
	/** The token counts that the answer tells; not told by an answer that fails on purpose. */
	usage?: Usage
	/** The status of the answer; absent while, or because, it is not answered. */
	status?: number
}

export interface EmulatorOptions {
	/** The content of a scenario file. */
	scenarios: unknown
	/** The key that each provider must present. A provider without an entry may present any. */
	apiKeys?: Record<string, string>
	/** Called when a request comes in; the record is filled in while it is answered. */
	onRequest?: (request: RecordedRequest) => void
	/** Called when the head of the answer is ready. */
	onAnswer?: (request: RecordedRequest) => void
	now?: () => number
}

export interface Emulator {
	/** Answers as a provider's API would. The body of a faulty answer may stall or fail, as the scenario says. */
	fetch(request: Request): Promise<Response>
	/** Replaces the scenarios and starts their fault counts anew. */
	setScenarios(scenarios: unknown): void
	/** Adds scenarios after those there are; fault counts go on. */
	addScenarios(scenarios: readonly Scenario[]): void
}

/** @throws AppError INVALID_INPUT for scenarios that are not in the scenario format. */
export function createEmulator(options: EmulatorOptions): Emulator {
	const now = options.now ?? Date.now
	const state: State = { book: createScenarioBook(options.scenarios), faults: createFaultCounter(), nowS: () => Math.floor(now() / 1000) }
	return {
		async fetch(request) {
			const url = new URL(request.url)
			const record: RecordedRequest = { method: request.method, path: url.pathname, headers: publicHeaders(request.headers) }
			options.onRequest?.(record)
			const response = await answerRequest(request, record)
			record.status = response.status
			response.headers.set('x-emulator', EMULATOR_NAME)
			options.onAnswer?.(record)
			return response
		},
		setScenarios(scenarios) {
			state.book = createScenarioBook(scenarios)
			state.faults.reset()
		},
		addScenarios(scenarios) {
			state.book = createScenarioBook([...state.book.scenarios, ...scenarios])
		},
	}

	async function answerRequest(request: Request, record: RecordedRequest): Promise<Response> {
		const url = new URL(request.url)
		const headers = Object.fromEntries(request.headers)
		const route = findRoute(request.method, url.pathname, headers)
		if (!route) {
			const message = sign(`There is no ${request.method} ${url.pathname} here.`)
			return Response.json({ error: { message, type: 'invalid_request_error', param: null, code: null } }, { status: 404 })
		}
		if (route.kind === 'hello') return Response.json({ emulator: EMULATOR_NAME })
		Object.assign(record, { provider: route.provider, wire: route.wireName })
		const wire = WIRES[route.wireName]
		const key = wire.key(headers, url.searchParams)
		const expected = options.apiKeys?.[route.provider]
		if (key === undefined || (expected !== undefined && key !== expected)) {
			const problem = wire.authError(key === undefined ? 'missing' : 'wrong')
			return errorAnswer(problem.status, problem)
		}
		return await answerRoute(request, { route, record, state })
	}
}

interface State {
	book: ReturnType<typeof createScenarioBook>
	faults: ReturnType<typeof createFaultCounter>
	nowS: () => number
}

interface Authorised {
	route: ModelRoute
	record: RecordedRequest
	state: State
}

const MOST_BODY_BYTES = 64 * 1024 * 1024
const VENDORS = { responses: 'openai', chat: 'openai', messages: 'anthropic', gemini: 'google' } as const

async function answerRoute(request: Request, { route, record, state }: Authorised): Promise<Response> {
	const wire = WIRES[route.wireName]
	if (route.kind === 'models') return modelListAnswer(VENDORS[route.wireName])
	if (Number(request.headers.get('content-length') ?? 0) > MOST_BODY_BYTES) {
		return errorAnswer(413, wire.error(413, { message: sign('The request is larger than 64 MiB.') }))
	}
	const text = await request.text()
	let parsed: AgentRequest
	try {
		record.body = JSON.parse(text)
		if (route.kind === 'count') return Response.json(tokenCount(route.wireName, text))
		parsed = wire.read(record.body, route)
	} catch (error) {
		const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'We could not parse the JSON body of your request.'
		return errorAnswer(400, wire.error(400, { message: sign(reason) }))
	}
	const match = state.book.find(route.provider, parsed)
	const reply = chooseReply(match, parsed, state.book.describe(route.provider))
	const fault = match && state.faults.take(match.scenario)
	Object.assign(record, { reply, ...(match ? { scenario: match.scenario.name } : {}), ...(fault ? { fault } : {}) })
	const isFollowUp = parsed.turns.some((turn) => turn.results.length > 0)
	const context: ReplyContext = {
		serial: createHash('sha256').update(text).digest('hex').slice(0, 12),
		model: parsed.model,
		usage: countUsage(text, reply, isFollowUp),
		createdAtS: state.nowS(),
		wantsUsage: parsed.wantsUsage === true,
	}
	record.usage = context.usage
	return await answerWith({ wire, reply, context, fault, isStream: parsed.isStream, signal: request.signal })
}

function tokenCount(wireName: WireName, text: string): Record<string, number> {
	return wireName === 'gemini' ? { totalTokens: countTokens(text) } : { input_tokens: countTokens(text) }
}

function chooseReply(match: Match | undefined, request: AgentRequest, looked: string): Reply {
	const said = match?.scenario.steps.findLast((step) => 'say' in step)?.say
	const structured = structuredReply(request, said)
	if (structured) return structured
	if (match) return play(match.scenario, request, match.results)
	const prompt = JSON.stringify((request.turns.at(-1)?.prompt ?? '').slice(0, 120))
	return { text: sign(`No scenario matches this prompt, so nothing was changed. Looked for: ${looked}. The prompt begins: ${prompt}.`) }
}

const SECRET_HEADERS = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'cookie', 'proxy-authorization'])

function publicHeaders(headers: Headers): Record<string, string> {
	return Object.fromEntries([...headers].map(([name, value]) => [name, SECRET_HEADERS.has(name) ? '(present)' : value]))
}
