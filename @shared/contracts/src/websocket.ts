import { z } from 'zod'
import { LogEntry } from './execution.ts'

/**
 * What `/ws/tasks` and `/ws/containers` carry. `cursor` is the place in the log up to which the client has now seen everything that
 * it asked for: a client that comes back with `?since=<cursor>` misses nothing.
 *
 * - `snapshot`: how things stand (`SocketSnapshot`); the first message of a connection without `since`.
 * - `task` `execution` `container` `log`: one line of the log (a LogEntry without cursor and time); for runners, `task` is a
 *   `WakeUp`: work that may be theirs.
 * - `missed`: the lines behind `from`, up to and with `to`, were left out (`MissedLines`); `GET /api/events?since=<from>` has them.
 */
export type ServerMessage = z.infer<typeof ServerMessage>
export const ServerMessage = z.strictObject({
	type: z.enum(['snapshot', 'task', 'execution', 'container', 'log', 'missed']),
	cursor: z.string(),
	at: z.int(),
	data: z.record(z.string(), z.unknown()),
})

/** `data` of a line of the log. Details too long for a message are left out, which `isCut` says. */
export type EventLine = z.infer<typeof EventLine>
export const EventLine = LogEntry.omit({ cursor: true, at: true }).extend({ isCut: z.literal(true).optional() })

export type MissedLines = z.infer<typeof MissedLines>
export const MissedLines = z.strictObject({ from: z.string(), to: z.string() })

/** All that a runner is told: that there is work of this kind. It claims to find out. */
export type WakeUp = z.infer<typeof WakeUp>
export const WakeUp = z.strictObject({ taskType: z.string(), requires: z.string().nullable() })

/** What is open (or, with `?task=`, what that task is), the newest first; `isCut` when there is more than fits. */
export type SocketSnapshot = z.infer<typeof SocketSnapshot>
export const SocketSnapshot = z.object({
	executions: z.array(z.record(z.string(), z.unknown())).optional(),
	tasks: z.array(z.record(z.string(), z.unknown())).optional(),
	instances: z.array(z.record(z.string(), z.unknown())).optional(),
	isCut: z.boolean(),
})

/**
 * Offered in `Sec-WebSocket-Protocol`, with the token behind it as a protocol of its own: `vibehq.v1, vibehq.token.<token>`. The
 * answer is always the first, so a token is never sent back.
 */
export const SOCKET_PROTOCOL = 'vibehq.v1'
export const SOCKET_TOKEN_PREFIX = 'vibehq.token.'

/** The text that a client may send at any time, and the answer that proves that the connection lives. */
export const SOCKET_PING = 'ping'
export const SOCKET_PONG = 'pong'

/** Why the orchestrator closes a socket, beside 1000 and 1011. */
export const SOCKET_CLOSE = {
	/** The client sent something other than `ping`. */
	NOT_ALLOWED: 1008,
	/** The token has ended: connect with a new one and `since`. */
	TOKEN_EXPIRED: 4401,
	/** The client did not read for too long: connect again with `since`. */
	TOO_SLOW: 4408,
} as const

/** Opens one socket as `?ticket=`, where a client cannot choose its headers. */
export type SocketTicket = z.infer<typeof SocketTicket>
export const SocketTicket = z.strictObject({ ticket: z.string(), expiresAt: z.int() })

/**
 * Text frames of `/ws/terminal/:containerId`; binary frames are bytes of the terminal. `resize` comes from the client; `attached` is the
 * first frame to it, whose `sessionId` brings it back to the same shell (`?session=`), and `exit` the last.
 */
export type TerminalControl = z.infer<typeof TerminalControl>
export const TerminalControl = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('resize'), cols: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) }),
	z.strictObject({ type: z.literal('attached'), sessionId: z.string(), isNew: z.boolean() }),
	z.strictObject({ type: z.literal('exit'), exitCode: z.int().nullable() }),
])

/** Why a terminal is closed, beside 1000 (the shell has ended), 1008 (a text frame that is no control), 1009 (too much at once), 1011 and those of `SOCKET_CLOSE`. */
export const TERMINAL_CLOSE = {
	/** The container ends. */
	ENDED: 4410,
	/** Nobody typed for half an hour. */
	IDLE: 4409,
} as const
