import type { IncomingMessage } from 'node:http'
import type { Actor } from './auth.ts'
import type { Hub, Repo } from './hub.ts'
import type { Level } from './types.ts'

/** What is answered: JSON, or bytes as they are. */
export interface Reply {
	status: number
	body?: unknown
	bytes?: Buffer
	headers?: Record<string, string>
}

export const ok = (body: unknown): Reply => ({ status: 200, body })
export const created = (body: unknown): Reply => ({ status: 201, body })

/** A refusal in GitHub's own shape. */
export class Refusal extends Error {
	readonly status: number
	readonly errors: unknown[] | undefined
	readonly headers: Record<string, string>
	constructor(status: number, message: string, { errors, headers = {} }: { errors?: unknown[]; headers?: Record<string, string> } = {}) {
		super(message)
		this.status = status
		this.errors = errors
		this.headers = headers
	}
}

export const notFound = () => new Refusal(404, 'Not Found')
export const unprocessable = (message: string, errors?: unknown[]) => new Refusal(422, message, errors === undefined ? {} : { errors })

export interface Call {
	hub: Hub
	actor: Actor | null
	/** Values of the `:names` of the route; `*` is the rest of the path. All are decoded. */
	params: Record<string, string>
	query: URLSearchParams
	body: unknown
	/** The `accept` header. */
	accept: string
}

/** A call about a repository that the actor may see. */
export interface RepoCall extends Call {
	repo: Repo
}

export interface Route {
	method: string
	/** For example `/repos/:owner/:repo/git/ref/*`. */
	path: string
	/** The right it needs, for example `contents`; a public repository is read without. */
	needs?: [string, Level]
	handle(call: Call): Promise<Reply> | Reply
}

const MAX_BODY_BYTES = 64 * 1024 * 1024

export async function readBody(request: IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = []
	let length = 0
	for await (const chunk of request) {
		const bytes = Buffer.from(chunk)
		length += bytes.length
		if (length > MAX_BODY_BYTES) throw new Refusal(413, 'Request body is too large')
		chunks.push(bytes)
	}
	return Buffer.concat(chunks)
}

/** The values of the route's names, or null when the path is another. Each part is decoded by itself: a reference may come as `heads%2Fmain`. */
export function matchPath(pattern: string, pathname: string): Record<string, string> | null {
	const wanted = pattern.split('/')
	const given = pathname.split('/')
	const params: Record<string, string> = {}
	for (const [index, part] of wanted.entries()) {
		if (part === '*') {
			const rest = given.slice(index).map(decode).join('/')
			if (rest === '' && !pattern.endsWith('contents/*')) return null
			return { ...params, '*': rest }
		}
		const value = given[index]
		if (value === undefined) return null
		if (part.startsWith(':')) params[part.slice(1)] = decode(value)
		else if (part !== value) return null
	}
	return given.length === wanted.length ? params : null
}

function decode(part: string): string {
	try {
		return decodeURIComponent(part)
	} catch {
		throw new Refusal(400, 'Bad Request')
	}
}
