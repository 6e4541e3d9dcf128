// Starts, ends and probes runners of pools for the orchestrator, over HTTP with a token: the driver `process-host`.
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { createHostedRunners } from './hostedRunners.ts'
import type { HostedRunner, HostedRunners, HostedRunnerSpec } from './hostedRunners.ts'

export interface ProcessHostOptions {
	token: string
	start: (spec: HostedRunnerSpec) => Promise<HostedRunner>
	/** All pools together. */
	maxRunners?: number
}

const MAX_BODY_BYTES = 16 * 1024
const MAX_RUNNERS = 32

const Name = z.string().regex(/^[\w.:-]{1,150}$/)
const Start = z.strictObject({ instanceId: Name, generation: z.int().min(0), runnerToken: z.string().min(1).max(8192) })
const Stop = z.strictObject({ signal: z.enum(['SIGTERM', 'SIGKILL']) })

class Refusal extends Error {
	readonly status: number
	constructor(status: number, message: string) {
		super(message)
		this.status = status
	}
}

/** Listens on the loopback interface. Runners live as long as the host: `close` ends them. */
export async function startProcessHost({ token, start, maxRunners = MAX_RUNNERS }: ProcessHostOptions) {
	const runners = createHostedRunners({ start, maxRunners })
	const server = createServer((request, response) => {
		const send = (status: number, body: unknown) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
		void answer(request, { token, runners }).then(
			(body) => send(200, body),
			(error: unknown) => send(error instanceof Refusal ? error.status : 500, { error: error instanceof Error ? error.message.slice(0, 500) : String(error) }),
		)
	})
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	server.once('error', reject)
	server.listen(0, '127.0.0.1', resolve)
	await promise
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		runners,
		async close() {
			server.close()
			server.closeAllConnections()
			await runners.stopAll()
		},
	}
}
export type ProcessHost = Awaited<ReturnType<typeof startProcessHost>>

async function answer(request: IncomingMessage, { token, runners }: { token: string; runners: HostedRunners }): Promise<unknown> {
	if (!isSame(request.headers.authorization ?? '', `Bearer ${token}`)) throw new Refusal(401, 'Send the token of the process host.')
	const { method = '', url = '/' } = request
	const [, pool, name, verb] = /^\/pools\/([^/]+)\/instances(?:\/([^/]+)(?:\/(\w+))?)?$/.exec(url) ?? []
	if (pool === undefined) throw notThere(method, url)
	const ofPool = named(pool)
	if (name === undefined) {
		if (method === 'GET') return { names: runners.list(ofPool) }
		throw notThere(method, url)
	}
	const ofName = named(name)
	switch (`${method} ${verb ?? ''}`) {
		case 'PUT ': {
			const isStarted = await runners.start({ pool: ofPool, name: ofName, ...(await bodyOf(request, Start)) })
			// The pool knows these words and asks for no more than there is room for.
			if (!isStarted) throw new Refusal(503, 'no container instance available: this machine runs as many runners as it may')
			return {}
		}
		case 'POST stop':
			return { isStopped: runners.stop(ofPool, ofName, (await bodyOf(request, Stop)).signal) }
		case 'DELETE ':
			await runners.destroy(ofPool, ofName)
			return {}
		case 'GET probe':
			return runners.probe(ofPool, ofName)
		default:
			throw notThere(method, url)
	}
}

const notThere = (method: string, url: string) => new Refusal(404, `There is no ${method} ${url.slice(0, 200)}.`)

function named(encoded: string): string {
	const name = Name.safeParse(decodeURIComponentSafely(encoded))
	if (name.success) return name.data
	throw new Refusal(400, 'The name of a pool or an instance has letters, digits and _ . : - only.')
}

function decodeURIComponentSafely(text: string): string {
	try {
		return decodeURIComponent(text)
	} catch {
		return ''
	}
}

async function bodyOf<Schema extends z.ZodType>(request: IncomingMessage, schema: Schema): Promise<z.output<Schema>> {
	const chunks: Buffer[] = []
	let length = 0
	for await (const chunk of request as AsyncIterable<Buffer>) {
		length += chunk.length
		if (length > MAX_BODY_BYTES) throw new Refusal(413, `The body is longer than ${MAX_BODY_BYTES} bytes.`)
		chunks.push(chunk)
	}
	const parsed = schema.safeParse(parseJSON(Buffer.concat(chunks).toString('utf8')))
	if (parsed.success) return parsed.data
	const [issue] = parsed.error.issues
	throw new Refusal(400, `The body is not valid: ${issue?.path.join('.') || '(whole)'}: ${issue?.message ?? ''}`)
}

function parseJSON(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}

const digest = (text: string) => createHash('sha256').update(text).digest()
const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted))
