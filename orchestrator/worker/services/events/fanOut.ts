import { SOCKET_CLOSE } from '@shared/contracts'
import type { ServerMessage, WakeUp } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { linesAfterQuery, newestLineQuery } from '../../database/repositories/eventLog.ts'
import { toEvent } from './messages.ts'
import type { Event } from './messages.ts'
import { isWanted } from './subscription.ts'
import type { Subscription } from './subscription.ts'
import { wakeUpMessage } from './workAlerts.ts'
import type { WorkAlerts } from './workAlerts.ts'

/** What is known of a socket. It lives in the socket's attachment, so it outlives the memory of the hub. */
export interface SocketState extends Subscription {
	/** The socket has got every line up to this id that it wants. */
	cursor: number
	/** Since when more waits to be sent to it than may. */
	fullSince?: number | undefined
}

export interface HubSocket {
	state: SocketState
	/** Set when something could not be sent: nothing more is. */
	isGone: boolean
	/** Bytes that were sent and that the client has not taken yet. */
	waitingBytes(): number
	/** Throws when the socket is gone. */
	send(text: string): void
	/** Keeps `state`. */
	save(): void
	close(code: number, reason: string): void
}

export interface FanOutDeps {
	db: Database
	now: () => number
	/** Those that are open now. */
	openSockets: () => HubSocket[]
	alerts: WorkAlerts
}

const PAGE_ROWS = 100
/** Who is farther behind is told what it missed, and goes on from the newest line. */
export const MAX_LINES_BEHIND = 10_000
/** What may wait to be sent: to one socket, to all together, and to one however many there are. */
const MOST_WAITING_BYTES = 262_144
const ALL_WAITING_BYTES = 67_108_864
const LEAST_WAITING_BYTES = 16_384
/** So long a socket may stay full. */
export const MAX_FULL_MS = 15_000
const LOOK_AT_FULL_MS = 100
/** A nudge can get lost; nothing waits longer than this. */
const LOOK_ANYWAY_MS = 30_000
/** Claims and heartbeats move the times at which work is due all the time; it is enough to find out now and then. */
const FIND_DUE_MS = 1000

interface Page {
	from: number
	events: Event[]
	/** Up to here the page holds everything behind `from`. */
	end: number
	isLast: boolean
}

/**
 * Carries the log to the sockets. The only state is each socket's own cursor: a line goes to a socket when its id is larger, in the
 * order of ids, and the cursor moves in the same turn. So it does not matter when a socket joined, how often it was full, or whether
 * the hub was evicted in between: no line is sent twice and none is left out, but for those that a `missed` names.
 */
export function createFanOut({ db, now, openSockets, alerts }: FanOutDeps) {
	const sockets = () => openSockets().filter(({ isGone }) => !isGone)
	let isRunning = false
	let isAsked = false
	/** When work will be due that no line tells of; 0 = to be found out. */
	let dueAt: number | null = 0
	/** What may wait for one socket, with as many as there are. */
	let mostWaiting = MOST_WAITING_BYTES

	async function readPage(from: number): Promise<Page> {
		const events = (await db.all(linesAfterQuery(from, PAGE_ROWS))).map(toEvent)
		return { from, events, end: events.at(-1)?.id ?? from, isLast: events.length < PAGE_ROWS }
	}

	function isFull({ state, waitingBytes, save }: HubSocket): boolean {
		if (state.fullSince === undefined) return false
		if (waitingBytes() > mostWaiting / 2) return true
		state.fullSince = undefined
		save()
		return false
	}

	/** Sends a page to all that have seen everything up to its start and not yet all of it. One turn: nothing comes in between. */
	function deliver(page: Page, kinds: readonly WakeUp[]): void {
		for (const socket of sockets()) {
			const { state } = socket
			if (state.cursor < page.from || state.cursor >= page.end || isFull(socket)) continue
			trySend(socket, () => {
				if (state.feed === 'work') for (const kind of kinds) socket.send(wakeUpMessage(kind, page.end, now()))
				else if (!sendLines(socket, page.events, mostWaiting)) state.fullSince = now()
				if (state.fullSince === undefined) state.cursor = page.end
				socket.save()
			})
		}
	}

	/** Who is too far behind skips to `to` and hears of it. */
	function skip(socket: HubSocket, to: number): void {
		const data = { from: String(socket.state.cursor), to: String(to) }
		trySend(socket, () => {
			socket.send(JSON.stringify({ type: 'missed', cursor: String(to), at: now(), data } satisfies ServerMessage))
			socket.state.cursor = to
			socket.save()
		})
	}

	const isOfWork = ({ state }: HubSocket) => state.feed === 'work'
	const kindsFor = async (page: Page) => (sockets().some(isOfWork) ? alerts.of(page.events) : [])

	/** Brings everybody who can take it up to the end of the log: who is in front first, then who is behind, who share their reading. */
	async function catchUp(): Promise<void> {
		for (;;) {
			closeEnded()
			const ready = sockets().filter((socket) => !isFull(socket))
			if (ready.length === 0) return
			const front = await readPage(Math.max(...ready.map(({ state }) => state.cursor)))
			deliver(front, await kindsFor(front))
			if (front.events.some(({ line }) => line.operation.startsWith('queue.'))) dueAt = Math.min(dueAt ?? Infinity, now() + FIND_DUE_MS)
			const newest = front.isLast ? front.end : ((await db.first(newestLineQuery()))?.id ?? front.end)
			for (const socket of sockets()) if (newest - socket.state.cursor > MAX_LINES_BEHIND && !isFull(socket)) skip(socket, newest)
			const isBehind = sockets().some((socket) => !isFull(socket) && socket.state.cursor < front.from) && (await catchUpLast(front.end))
			if (front.isLast && !isBehind) return
		}
	}

	async function catchUpLast(front: number): Promise<true> {
		const late = sockets().filter((socket) => !isFull(socket) && socket.state.cursor < front)
		const page = await readPage(Math.min(front, ...late.map(({ state }) => state.cursor)))
		deliver(page.isLast ? { ...page, end: Math.max(page.end, front) } : page, await kindsFor(page))
		return true
	}

	function closeEnded(): void {
		const open = sockets()
		mostWaiting = Math.max(LEAST_WAITING_BYTES, Math.min(MOST_WAITING_BYTES, ALL_WAITING_BYTES / Math.max(1, open.length)))
		for (const { state, close } of open) {
			if (state.expiresAt <= now()) close(SOCKET_CLOSE.TOKEN_EXPIRED, 'The token has ended. Connect with a new one.')
			else if (state.fullSince !== undefined && now() - state.fullSince > MAX_FULL_MS) close(SOCKET_CLOSE.TOO_SLOW, 'Too slow. Connect again with since.')
		}
	}

	/** Wakes runners for work whose time has come. */
	async function tellDue(): Promise<void> {
		if (dueAt === null || dueAt > now() || !sockets().some(isOfWork)) return
		const kinds = await alerts.due()
		for (const socket of sockets().filter(isOfWork)) {
			trySend(socket, () => {
				for (const kind of kinds) socket.send(wakeUpMessage(kind, socket.state.cursor, now()))
			})
		}
		dueAt = await alerts.nextDue()
	}

	return {
		/** Sends what is new. A call while another one runs makes that one look once more. */
		async run(): Promise<void> {
			isAsked = true
			if (isRunning) return
			isRunning = true
			try {
				while (isAsked) {
					isAsked = false
					await catchUp()
					await tellDue()
				}
			} finally {
				isRunning = false
			}
		},
		/** A runner came: what waits for its time matters again. */
		expectDue(): void {
			dueAt = 0
		},
		/** When to look again without being told, Unix ms; null while nobody listens. */
		nextLookAt(): number | null {
			const open = sockets()
			if (open.length === 0) return null
			const full = open.some(({ state }) => state.fullSince !== undefined) ? now() + LOOK_AT_FULL_MS : Infinity
			const due = dueAt !== null && open.some(isOfWork) ? Math.max(dueAt, now()) : Infinity
			return Math.min(now() + LOOK_ANYWAY_MS, full, due)
		},
	}
}
export type FanOut = ReturnType<typeof createFanOut>

/** A socket that takes nothing is gone. Its client comes back with the cursor of the last message that reached it. */
function trySend(socket: HubSocket, send: () => void): void {
	try {
		send()
	} catch {
		socket.isGone = true
	}
}

/** Sends the lines that the socket wants, in order; false when it can take no more, with its cursor where it stopped. */
function sendLines(socket: HubSocket, events: readonly Event[], limit: number): boolean {
	const { state } = socket
	for (const { id, line, text } of events) {
		if (id <= state.cursor) continue
		if (isWanted(line, state)) {
			if (socket.waitingBytes() > limit) return false
			socket.send(text)
		}
		state.cursor = id
	}
	return true
}
