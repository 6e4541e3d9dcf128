import { AppError, SOCKET_PROTOCOL } from '@shared/contracts'
import type { Page, Principal, ServerMessage, SocketTicket } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { linesAfterQuery, newestLineQuery } from '../../database/repositories/eventLog.ts'
import { toMessage } from './messages.ts'
import { isWanted } from './subscription.ts'
import type { LineFilter, Subscription } from './subscription.ts'

/** Whether anybody has a socket open: runners, or others. */
export interface Listeners {
	people: boolean
	runners: boolean
}

/** The hub, as the rest of the orchestrator sees it. */
export interface EventHubPort {
	/** Opens a socket; see `connectRequest`. */
	fetch(request: Request): Promise<Response>
	/** The log has new lines; `hasWork`: runners want to know of them too. */
	notify(hasWork: boolean): Promise<Listeners>
	issueTicket(principal: Principal): Promise<SocketTicket>
	redeemTicket(ticket: string): Promise<Principal | null>
}

export interface Connection {
	subscription: Subscription
	/** Go on after this line; undefined starts with a snapshot. */
	since: number | undefined
	/** Whether the client offered our protocol, which then has to be answered. */
	hasProtocol: boolean
}

const SUBSCRIPTION_HEADER = 'x-vibehq-subscription'
const READ_AT_ONCE = 500
/** A filter that fits little must not read the whole log in one request. */
const MAX_READS = 10

/** The request that opens a socket at the hub. Nothing of the client's own request goes along. */
function connectRequest({ subscription, since, hasProtocol }: Connection): Request {
	const headers = new Headers({ upgrade: 'websocket', [SUBSCRIPTION_HEADER]: encodeURIComponent(JSON.stringify({ subscription, since })) })
	if (hasProtocol) headers.set('sec-websocket-protocol', SOCKET_PROTOCOL)
	return new Request('https://event-hub/', { headers })
}

/** What `connectRequest` put into a request. */
export function connectionOf(request: Request): Connection {
	const { subscription, since } = JSON.parse(decodeURIComponent(request.headers.get(SUBSCRIPTION_HEADER) ?? '')) as Pick<Connection, 'subscription' | 'since'>
	return { subscription, since, hasProtocol: request.headers.has('sec-websocket-protocol') }
}

/** Live events for the doors. */
export function createEvents({ db, hub }: { db: Database; hub: () => EventHubPort }) {
	return {
		/** Throws INVALID_INPUT for a cursor that the log has not reached. */
		async connect(connection: Connection): Promise<Response> {
			if (connection.since !== undefined) await mustExist(db, connection.since)
			return hub().fetch(connectRequest(connection))
		},
		issueTicket: (principal: Principal): Promise<SocketTicket> => hub().issueTicket(principal),
		/** Throws UNAUTHENTICATED for a ticket that opens nothing. */
		async redeemTicket(ticket: string): Promise<Principal> {
			const principal = await hub().redeemTicket(ticket)
			if (principal) return principal
			throw new AppError('UNAUTHENTICATED', 'The ticket was used before or is too old. Ask for a new one: POST /api/ws-tickets.')
		},
		/** The same lines as the sockets carry, for those who missed some. `nextCursor` is null at the end of the log. */
		async list(filter: LineFilter, { since, limit }: { since: number; limit: number }): Promise<Page<ServerMessage>> {
			const items: ServerMessage[] = []
			let cursor = since
			for (let read = 0; read < MAX_READS; read++) {
				const rows = await db.all(linesAfterQuery(cursor, READ_AT_ONCE))
				for (const row of rows) {
					if (items.length === limit) return { items, nextCursor: String(cursor) }
					const message = toMessage(row)
					if (isWanted(message.data, filter)) items.push(message)
					cursor = row.id
				}
				if (rows.length < READ_AT_ONCE) return { items, nextCursor: null }
			}
			return { items, nextCursor: String(cursor) }
		},
	}
}
export type Events = ReturnType<typeof createEvents>

async function mustExist(db: Database, since: number): Promise<void> {
	const newest = (await db.first(newestLineQuery()))?.id ?? 0
	if (since > newest) throw new AppError('INVALID_INPUT', `since: ${since} is a cursor that the log has not reached; it is at ${newest}. Leave since out for a snapshot.`, { newest: String(newest) })
}
