import { DurableObject } from 'cloudflare:workers'
import { AppError, ERRORS, SOCKET_CLOSE, SOCKET_PING, SOCKET_PONG, SOCKET_PROTOCOL, toErrorBody } from '@shared/contracts'
import type { Principal, ServerMessage, SocketTicket } from '@shared/contracts'
import { createLogger } from '@shared/worker-base'
import { createDatabase } from '../database/client.ts'
import type { Env } from '../env.ts'
import { connectionOf } from '../services/events/events.ts'
import type { Connection, EventHubPort, Listeners } from '../services/events/events.ts'
import { createFanOut } from '../services/events/fanOut.ts'
import type { HubSocket, SocketState } from '../services/events/fanOut.ts'
import { readSnapshot } from '../services/events/snapshot.ts'
import type { Subscription } from '../services/events/subscription.ts'
import { createTickets } from '../services/events/tickets.ts'
import { createWorkAlerts } from '../services/events/workAlerts.ts'

const MAX_SOCKETS = 10_000
const MAX_SOCKETS_OF_SUBJECT = 2000
const RETRY_MS = 1000
/** Tag of runners' sockets; that of a subject has a colon. */
const WORK = 'work'

const log = createLogger({ fields: { worker: 'vibehq-orchestrator', object: 'EventHub' } })

/** All live sockets, hibernating while nothing happens. It holds no truth: what it sends is read from D1, from each socket's own cursor on. */
export class EventHub extends DurableObject<Env> implements EventHubPort {
	readonly #db = createDatabase(this.env.DB)
	readonly #known = new WeakMap<WebSocket, HubSocket>()
	readonly #fanOut = createFanOut({
		db: this.#db,
		now: Date.now,
		openSockets: () => this.ctx.getWebSockets().flatMap((socket) => (socket.readyState === WebSocket.OPEN ? [this.#hubSocket(socket)] : [])),
		alerts: createWorkAlerts({ db: this.#db, now: Date.now }),
	})
	readonly #tickets = createTickets({ sql: this.ctx.storage.sql, now: Date.now, random: () => crypto.randomUUID() })
	#alarmAt: number | null = null

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env)
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(SOCKET_PING, SOCKET_PONG))
	}

	/** Opens a socket for whoever a door has let in. */
	override async fetch(request: Request): Promise<Response> {
		try {
			return await this.#connect(connectionOf(request))
		} catch (error) {
			const body = toErrorBody(error)
			if (body.code === 'INTERNAL') log.error('a socket could not be opened', { error: String(error) })
			return Response.json({ error: body }, { status: ERRORS[body.code].status })
		}
	}

	/** Most of what an order logs is nothing to runners, and while nobody else listens the database is left alone. */
	async notify(hasWork: boolean): Promise<Listeners> {
		const [all, runners] = [this.ctx.getWebSockets().length, this.ctx.getWebSockets(WORK).length]
		if (all > runners || (hasWork && runners > 0)) this.ctx.waitUntil(this.#look())
		return { people: all > runners, runners: runners > 0 }
	}

	async issueTicket(principal: Principal): Promise<SocketTicket> {
		return this.#tickets.issue(principal)
	}

	async redeemTicket(ticket: string): Promise<Principal | null> {
		return this.#tickets.redeem(ticket)
	}

	override async alarm(): Promise<void> {
		this.#alarmAt = null
		await this.#look()
	}

	override webSocketMessage(socket: WebSocket): void {
		socket.close(SOCKET_CLOSE.NOT_ALLOWED, `This socket only tells. It takes nothing but "${SOCKET_PING}".`)
	}

	override webSocketClose(socket: WebSocket, code: number): void {
		// Without an answer the client would see an abnormal end; 1005 and 1006 say that there was no code, and cannot be sent.
		socket.close(code === 1005 || code === 1006 ? 1000 : code)
	}

	/** The snapshot is read before the socket exists; what was logged since then is sent like everything else, from its cursor on. */
	async #connect({ subscription, since, hasProtocol }: Connection): Promise<Response> {
		this.#mustHaveRoom(subscription)
		const snapshot = since === undefined ? await readSnapshot(this.#db, subscription) : null
		// Others came in meanwhile.
		this.#mustHaveRoom(subscription)
		const { 0: client, 1: server } = new WebSocketPair()
		this.ctx.acceptWebSocket(server, subscription.feed === 'work' ? [subscription.subject, WORK] : [subscription.subject])
		const socket = this.#hubSocket(server, { ...subscription, cursor: snapshot?.cursor ?? since ?? 0 })
		socket.save()
		if (snapshot) socket.send(JSON.stringify({ type: 'snapshot', cursor: String(snapshot.cursor), at: Date.now(), data: snapshot.data } satisfies ServerMessage))
		if (subscription.feed === 'work') this.#fanOut.expectDue()
		this.ctx.waitUntil(this.#look())
		return new Response(null, { status: 101, webSocket: client, headers: hasProtocol ? { 'sec-websocket-protocol': SOCKET_PROTOCOL } : {} })
	}

	#mustHaveRoom({ subject }: Subscription): void {
		if (this.ctx.getWebSockets().length < MAX_SOCKETS && this.ctx.getWebSockets(subject).length < MAX_SOCKETS_OF_SUBJECT) return
		throw new AppError('RATE_LIMITED', `There are as many sockets as there may be: ${MAX_SOCKETS} in all, ${MAX_SOCKETS_OF_SUBJECT} of one token. Close some, or poll GET /api/events.`)
	}

	async #look(): Promise<void> {
		try {
			await this.#fanOut.run()
			await this.#lookAgainAt(this.#fanOut.nextLookAt())
		} catch (error) {
			log.error('the log could not be carried to the sockets', { error: String(error) })
			await this.#lookAgainAt(Date.now() + RETRY_MS)
		}
	}

	/** A write for each message would slow all of them down, so an alarm that comes soon enough stays. */
	async #lookAgainAt(at: number | null): Promise<void> {
		if (at === null || (this.#alarmAt !== null && this.#alarmAt <= at)) return
		this.#alarmAt = at
		await this.ctx.storage.setAlarm(at)
	}

	#hubSocket(socket: WebSocket, state = socket.deserializeAttachment() as SocketState): HubSocket {
		const known = this.#known.get(socket)
		if (known) return known
		const made: HubSocket = {
			state,
			isGone: false,
			waitingBytes: () => socket.bufferedAmount,
			send: (text) => socket.send(text),
			save: () => socket.serializeAttachment(made.state),
			close: (code, reason) => socket.close(code, reason),
		}
		this.#known.set(socket, made)
		return made
	}
}
