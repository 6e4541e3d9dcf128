import { createRoute } from '@hono/zod-openapi'
import { AppError, ServerMessage, SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX, SocketTicket } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import { z } from 'zod'
import { parse } from '../services/parse.ts'
import { TaskFilter } from '../services/events/subscription.ts'
import type { Feed, LineFilter } from '../services/events/subscription.ts'
import type { Services } from '../services.ts'
import { authenticated, requireScopes } from './auth.ts'
import { pageOf, WorkerName } from './common.ts'
import { answers, createRouter } from './router.ts'

const Cursor = z.string().regex(/^\d{1,15}$/, 'pass the cursor of a message back unchanged').transform(Number)
const SocketQuery = z.strictObject({ since: Cursor.optional(), worker: WorkerName.optional(), task: TaskFilter.optional(), ticket: z.string().max(100).optional() })
type SocketQuery = z.infer<typeof SocketQuery>

const ticketRoute = createRoute({
	method: 'post',
	path: '/api/ws-tickets',
	operationId: 'createSocketTicket',
	summary: 'Get a ticket that opens one WebSocket within 30 s, as ?ticket=: /ws/tasks, /ws/containers, /ws/terminal/:containerId',
	tags: ['events'],
	middleware: authenticated('read'),
	responses: answers(201, SocketTicket, 'The ticket. It can be used once.'),
})

const listRoute = createRoute({
	method: 'get',
	path: '/api/events',
	operationId: 'listEvents',
	summary: 'The lines that the WebSockets carry, from a cursor on; for what a socket has missed',
	tags: ['events'],
	middleware: authenticated('read'),
	request: {
		query: z.object({
			feed: z.enum(['tasks', 'containers']).default('tasks'),
			since: Cursor.default(0),
			limit: z.coerce.number().int().min(1).max(1000).default(100),
			worker: WorkerName.optional(),
			task: TaskFilter.optional(),
		}),
	},
	responses: answers(200, pageOf(ServerMessage), 'Messages, oldest first. nextCursor is the next `since`; null at the end of the log'),
})

/** Live events. The sockets are not in the OpenAPI description, which has no word for them; their messages are ServerMessage. */
export function socketRoutes() {
	const router = createRouter()
	router.openapi(ticketRoute, async (c) => {
		c.header('cache-control', 'no-store')
		return c.json(await c.var.services.events.issueTicket(c.get('principal')), 201)
	})
	router.openapi(listRoute, async (c) => {
		const { feed, since, limit, ...filters } = c.req.valid('query')
		return c.json(await c.var.services.events.list(filterOf(c.get('principal'), feed, filters), { since, limit }), 200)
	})
	router.get('/ws/tasks', (c) => openSocket(c.req.raw, c.var.services, 'tasks'))
	router.get('/ws/containers', (c) => openSocket(c.req.raw, c.var.services, 'containers'))
	return router
}

async function openSocket(request: Request, services: Services, path: 'tasks' | 'containers'): Promise<Response> {
	const { query, principal, hasProtocol } = await readUpgrade(request, services, SocketQuery)
	const feed = path === 'tasks' && isRunner(principal) ? 'work' : path
	const subscription = { ...filterOf(principal, feed, query), expiresAt: principal.expiresAt, subject: `${principal.kind}:${principal.subject}` }
	return services.events.connect({ subscription, since: query.since, hasProtocol })
}

/** What every socket asks first: whether it is one, what it wants, and who is there. */
export async function readUpgrade<Query extends { ticket?: string | undefined }>(request: Request, services: Services, schema: z.ZodType<Query>) {
	if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') throw new AppError('INVALID_INPUT', 'This is a WebSocket: connect with Upgrade: websocket.')
	const query = parse(schema, Object.fromEntries(new URL(request.url).searchParams), 'query')
	const protocols = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((protocol) => protocol.trim())
	return { query, principal: await principalOf(services, protocols, query), hasProtocol: protocols.includes(SOCKET_PROTOCOL) }
}

async function principalOf({ events, tokens }: Services, protocols: readonly string[], { ticket }: { ticket?: string | undefined }): Promise<Principal> {
	if (ticket !== undefined) return events.redeemTicket(ticket)
	const token = protocols.find((protocol) => protocol.startsWith(SOCKET_TOKEN_PREFIX))?.slice(SOCKET_TOKEN_PREFIX.length)
	if (token !== undefined && protocols.includes(SOCKET_PROTOCOL)) return tokens.verify(token)
	throw new AppError('UNAUTHENTICATED', `Offer the protocols ${SOCKET_PROTOCOL} and ${SOCKET_TOKEN_PREFIX}<token>, or pass ?ticket= from POST /api/ws-tickets.`)
}

const isRunner = ({ scopes }: Principal) => scopes.includes('tasks:claim') && !scopes.includes('read')

/** What the holder of a token may see of a feed: operators all, a Worker its own, a runner only what kinds of work there are. */
function filterOf(principal: Principal, feed: Feed, { since, worker, task }: Pick<SocketQuery, 'worker' | 'task'> & { since?: number | undefined }): LineFilter {
	if (feed === 'work') {
		if (since === undefined && worker === undefined && task === undefined) return { feed }
		throw new AppError('FORBIDDEN', "A runner's socket only wakes it: it takes neither since nor filters.")
	}
	requireScopes(principal, ['read'])
	const own = principal.scopes.includes('admin') ? undefined : principal.workerName
	if (own !== undefined && worker !== undefined && worker !== own) throw new AppError('FORBIDDEN', `This token sees events of ${own} only.`)
	return { feed, workerName: own ?? worker, task }
}
