import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { badRequest, FAKE_JULES_NAME, faultError, GoogleError, notFound, unauthenticated } from './googleErrors.ts'
import { createFaults } from './julesFaults.ts'
import { callMethod } from './methods.ts'
import type { FakeCall, FakeWorld } from './methods.ts'
import { createJulesScenarioBook } from './scenario.ts'
import type { JulesFault, JulesMethod } from './scenario.ts'
import type { FakeSource } from './workspace.ts'

export interface FakeJulesOptions {
	/** 0 or absent takes any free port. */
	port?: number
	/** Absent means loopback only. */
	host?: string
	/** The keys that are let in; absent or empty lets any key in. */
	apiKeys?: string[]
	sources?: FakeSource[]
	/** The content of a scenario file. */
	scenarios: unknown
	now?: () => number
}

/** A call that came in, without its key. */
export interface RecordedCall {
	/** Undefined for a path that the API does not have. */
	method: JulesMethod | undefined
	path: string
	query: Record<string, string>
	body: unknown
	/** The status of the answer; absent when the connection was cut or left silent. */
	status?: number
	fault?: JulesFault
}

export interface FakeJules {
	/** Without a slash at the end and without the version. */
	url: string
	/** Every call since the start, oldest first. */
	calls: RecordedCall[]
	/** The ids of the sessions that there are, oldest first. */
	sessionIds(): string[]
	/** Fails calls of a method whatever the session; `times` absent means always. */
	addFault(fault: Omit<JulesFault, 'isApplied'> & { isApplied?: boolean }): void
	/** Connects a repository, as a person does in the web application. */
	addSource(source: FakeSource): void
	setScenarios(scenarios: unknown): void
	/** Adds scenarios after those there are. */
	addScenarios(scenarios: readonly unknown[]): void
	/** Stops at once; open connections are cut. */
	close(): Promise<void>
}

const MOST_BODY_BYTES = 4 * 1024 * 1024

/**
 * A stand-in for the Jules API, over HTTP. Says in each answer that it is one.
 * @throws AppError INVALID_INPUT for bad scenarios; Error of node:net when the port is taken.
 */
export async function createFakeJules(options: FakeJulesOptions): Promise<FakeJules> {
	const world: FakeWorld = { sources: [...(options.sources ?? [])], sessions: new Map(), created: 0, book: createJulesScenarioBook(options.scenarios), now: options.now ?? Date.now }
	const faults = createFaults(world)
	const calls: RecordedCall[] = []
	const apiKeys = options.apiKeys ?? []
	const server = createServer((incoming, outgoing) => {
		const record: RecordedCall = { method: undefined, path: '', query: {}, body: undefined }
		calls.push(record)
		answer(incoming, outgoing, record).catch(() => outgoing.destroy())
	})
	const host = options.host ?? '127.0.0.1'
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	server.once('error', reject)
	server.listen(options.port ?? 0, host, resolve)
	await promise

	async function answer(incoming: IncomingMessage, outgoing: ServerResponse, record: RecordedCall): Promise<void> {
		const url = new URL(incoming.url ?? '/', 'http://jules')
		record.path = url.pathname
		record.query = Object.fromEntries([...url.searchParams].filter(([name]) => name !== 'key'))
		const text = await readBody(incoming)
		let reply: Reply
		try {
			const call = readCall(incoming.method ?? 'GET', url, text)
			Object.assign(record, { method: call.method, body: call.body })
			checkKey(incoming.headers['x-goog-api-key'] ?? url.searchParams.get('key') ?? undefined)
			const fault = faults.take(call)
			if (fault) record.fault = fault
			reply = await perform(call, fault)
		} catch (error) {
			if (!(error instanceof GoogleError)) throw error
			reply = { status: error.status, body: error.body, headers: error.headers }
		}
		if (await send(outgoing, reply, record.fault)) record.status = reply.status
	}

	function checkKey(key: unknown): void {
		if (typeof key !== 'string' || key === '') throw unauthenticated('CREDENTIALS_MISSING')
		if (apiKeys.length > 0 && !apiKeys.includes(key)) throw unauthenticated('API_KEY_INVALID')
	}

	async function perform(call: FakeCall, fault: JulesFault | undefined): Promise<Reply> {
		if (fault?.delayMs !== undefined) await sleep(fault.delayMs)
		const isBroken = fault !== undefined && (fault.status !== undefined || fault.stall === 'headers' || fault.cut === true)
		const body = isBroken && !fault.isApplied ? {} : await callMethod(world, call)
		if (fault?.status !== undefined) throw faultError(fault.status, fault.retryAfterS)
		return { status: 200, body }
	}

	const { port } = server.address() as AddressInfo
	return {
		url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
		calls,
		sessionIds: () => [...world.sessions.keys()],
		addFault: (fault) => faults.add({ isApplied: false, ...fault }),
		addSource: (source) => void world.sources.push(source),
		setScenarios(scenarios) {
			world.book = createJulesScenarioBook(scenarios)
		},
		addScenarios(scenarios) {
			world.book = createJulesScenarioBook([...world.book.scenarios, ...scenarios])
		},
		close() {
			const closed = Promise.withResolvers<void>()
			server.close(() => closed.resolve())
			server.closeAllConnections()
			return closed.promise
		},
	}
}

interface Reply {
	status: number
	body: unknown
	headers?: Record<string, string>
}

/** Whether the whole answer was sent. */
async function send(outgoing: ServerResponse, { status, body, headers }: Reply, fault: JulesFault | undefined): Promise<boolean> {
	if (fault?.stall === 'headers') return false
	const page = fault?.garbage ? `<!doctype html><title>502 Bad Gateway</title><p>${FAKE_JULES_NAME}: garbage on purpose</p>` : undefined
	const text = page ?? JSON.stringify(body)
	outgoing.writeHead(status, { 'content-type': page === undefined ? 'application/json; charset=UTF-8' : 'text/html', 'x-emulator': FAKE_JULES_NAME, ...headers })
	if (!fault?.cut && !fault?.stall) {
		outgoing.end(text)
		return true
	}
	// The first half has to arrive before the connection breaks, so that what was cut is the answer.
	const written = Promise.withResolvers<void>()
	outgoing.write(text.slice(0, Math.floor(text.length / 2)), () => written.resolve())
	await written.promise
	if (fault.cut) outgoing.destroy()
	return false
}

const ROUTES: [httpMethod: string, path: RegExp, method: JulesMethod][] = [
	['GET', /^sources$/, 'sources.list'],
	['GET', /^sources\/(.+)$/, 'sources.get'],
	['POST', /^sessions$/, 'sessions.create'],
	['GET', /^sessions$/, 'sessions.list'],
	['GET', /^sessions\/([^/:]+)$/, 'sessions.get'],
	['DELETE', /^sessions\/([^/:]+)$/, 'sessions.delete'],
	['POST', /^sessions\/([^/:]+):archive$/, 'sessions.archive'],
	['POST', /^sessions\/([^/:]+):unarchive$/, 'sessions.unarchive'],
	['POST', /^sessions\/([^/:]+):sendMessage$/, 'sessions.sendMessage'],
	['POST', /^sessions\/([^/:]+):approvePlan$/, 'sessions.approvePlan'],
	['GET', /^sessions\/([^/:]+)\/activities$/, 'activities.list'],
	['GET', /^sessions\/([^/:]+)\/activities\/([^/:]+)$/, 'activities.get'],
]

function readCall(httpMethod: string, { pathname, searchParams }: URL, text: string): FakeCall {
	const path = /^\/v1alpha\/(.*)$/.exec(pathname)?.[1] ?? ''
	for (const [verb, pattern, method] of ROUTES) {
		const found = verb === httpMethod ? pattern.exec(path) : null
		if (found) return { method, params: found.slice(1).map((param) => decodeURIComponent(param)), query: searchParams, body: readJSON(text) }
	}
	throw notFound()
}

function readJSON(text: string): unknown {
	try {
		return text === '' ? undefined : JSON.parse(text)
	} catch {
		throw badRequest('Invalid JSON payload received. Unexpected token.')
	}
}

async function readBody(incoming: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = []
	let bytes = 0
	for await (const chunk of incoming) {
		bytes += chunk.length
		if (bytes > MOST_BODY_BYTES) throw new Error('The request is larger than 4 MiB.')
		chunks.push(chunk)
	}
	return Buffer.concat(chunks).toString()
}
