import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { matchPath, notFound, readBody, Refusal } from './http.ts'
import type { Reply, Route } from './http.ts'
import type { Hub } from './hub.ts'
import { appRoutes } from './routes/apps.ts'
import { objectRoutes } from './routes/objects.ts'
import { pullRoutes } from './routes/pulls.ts'
import { refRoutes } from './routes/refs.ts'
import { repoRoutes } from './routes/repos.ts'
import { treeRoutes } from './routes/trees.ts'
import { isGitPath, serveGit } from './smartHTTP.ts'
import type { Fault, RecordedCall } from './types.ts'

const ROUTES: Route[] = [...appRoutes, ...repoRoutes, ...refRoutes, ...treeRoutes, ...objectRoutes, ...pullRoutes]

/** What GitHub Enterprise has before its paths; taken with and without. */
const PREFIX = /^\/api\/v3(?=\/)/
const HOUR_MS = 3_600_000

export interface ServerDeps {
	hub: Hub
	/** Directory of the repositories. */
	root: string
	calls: RecordedCall[]
	faults: Fault[]
	rateLimit: number
}

/** Answers each request: faults first, then git or the API. Everything says that it is a fake. */
export function createRequestListener({ hub, root, calls, faults, rateLimit }: ServerDeps) {
	const window = { startedAt: hub.now(), used: 0 }

	function limitHeaders(): Record<string, string> {
		if (hub.now() - window.startedAt >= HOUR_MS) Object.assign(window, { startedAt: hub.now(), used: 0 })
		window.used += 1
		return {
			'x-ratelimit-limit': String(rateLimit),
			'x-ratelimit-remaining': String(Math.max(rateLimit - window.used, 0)),
			'x-ratelimit-used': String(window.used),
			'x-ratelimit-reset': String(Math.ceil((window.startedAt + HOUR_MS) / 1000)),
			'x-ratelimit-resource': 'core',
		}
	}

	function takeFault(method: string, pathname: string): Fault | undefined {
		const fault = faults.find((candidate) => (candidate.method ?? method) === method && (candidate.path?.test(pathname) ?? true))
		if (!fault) return undefined
		fault.times = (fault.times ?? 1) - 1
		if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1)
		return fault
	}

	async function callAPI(request: IncomingMessage, record: RecordedCall): Promise<Reply> {
		const url = new URL(request.url ?? '/', 'http://fake')
		const bytes = await readBody(request)
		record.body = bytes.length === 0 ? undefined : parseJSON(bytes)
		const actor = await hub.auth.actorOf(request.headers.authorization)
		record.actor = actor?.login ?? null
		if (window.used > rateLimit) throw new Refusal(403, `API rate limit exceeded for ${actor?.login ?? 'anonymous'}.`)
		for (const route of ROUTES) {
			const params = route.method === record.method ? matchPath(route.path, url.pathname.replace(PREFIX, '')) : null
			if (params) return await route.handle({ hub, actor, params, query: url.searchParams, body: record.body, accept: request.headers.accept ?? '' })
		}
		throw notFound()
	}

	return async function listener(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const method = request.method ?? 'GET'
		const { pathname } = new URL(request.url ?? '/', 'http://fake')
		const record: RecordedCall = { method, path: request.url ?? '/', actor: null, body: undefined, status: 0, apiVersion: String(request.headers['x-github-api-version'] ?? '') || null }
		calls.push(record)
		response.setHeader('x-fake-github', 'vibehq')
		response.setHeader('x-github-request-id', randomUUID())
		const fault = takeFault(method, pathname)
		await fault?.before?.()
		let reply: Reply
		try {
			if (fault?.status !== undefined) reply = faultReply(fault, fault.status)
			else if (isGitPath(pathname)) {
				record.actor = (await serveGit(hub, { root, request, response })).login
				record.status = response.statusCode
				return
			} else {
				for (const [name, value] of Object.entries(limitHeaders())) response.setHeader(name, value)
				reply = await callAPI(request, record)
			}
		} catch (error) {
			reply = refusalReply(error)
		}
		record.status = reply.status
		if (fault?.isLost === true) response.destroy()
		else send(response, reply)
	}
}

function faultReply({ headers = {}, body = '{"message":"Server Error"}' }: Fault, status: number): Reply {
	return { status, bytes: Buffer.from(body), headers: { 'content-type': 'application/json; charset=utf-8', ...headers } }
}

function refusalReply(error: unknown): Reply {
	if (error instanceof Refusal) {
		const { status, message, errors, headers } = error
		return { status, headers, body: { message, ...(errors ? { errors } : {}), documentation_url: 'https://docs.github.com/rest', status: String(status) } }
	}
	return { status: 500, body: { message: `the fake itself failed: ${error instanceof Error ? error.message : 'unknown'}` } }
}

function send(response: ServerResponse, { status, body, bytes, headers = {} }: Reply): void {
	for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
	if (bytes) return void response.writeHead(status).end(bytes)
	if (body === undefined) return void response.writeHead(status).end()
	response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

function parseJSON(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString())
	} catch {
		throw new Refusal(400, 'Problems parsing JSON')
	}
}
