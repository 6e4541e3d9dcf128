import { AppError } from '@shared/contracts'
import { createSession } from './session.ts'
import type { Session, SessionDeps, TerminalProcess, TerminalSocket } from './session.ts'

export interface TerminalsDeps extends Pick<SessionDeps, 'timer' | 'sleep'> {
	start: (size: TerminalSize) => Promise<TerminalProcess>
	newId: () => string
	now: () => number
	/** A line of the audit log. */
	note: (operation: string, details: Record<string, unknown>) => Promise<void>
}

export interface TerminalSize {
	cols: number
	rows: number
}

export interface TerminalCall {
	/** The session to come back to; absent: a new one. */
	sessionId?: string | undefined
	size: TerminalSize
	/** Who sits there. */
	by: string
	/** When their token ends, and with it their line. */
	expiresAt: number
}

const MAX_SESSIONS = 4
/** A timer of more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The terminals of one container. Its shells are gone with it. */
export function createTerminals({ start, newId, now, note, timer, sleep }: TerminalsDeps) {
	const sessions = new Map<string, Session>()
	let starting = 0

	async function begin({ size, by }: TerminalCall): Promise<Session> {
		if (sessions.size + starting >= MAX_SESSIONS) throw new AppError('TERMINAL_UNAVAILABLE', `This container has ${MAX_SESSIONS} terminals already. Close one, or attach to it: ${[...sessions.keys()].join(', ')}.`)
		starting += 1
		try {
			const sessionId = newId()
			// Written down before there is a shell: no session may be without a line.
			await note('terminal.opened', { sessionId, by, ...size })
			const onEnd: SessionDeps['onEnd'] = (end) => {
				sessions.delete(sessionId)
				void note('terminal.ended', { sessionId, ...end })
			}
			const process = await start(size).catch((error: unknown) => {
				onEnd({ exitCode: null, bytesIn: 0, bytesOut: 0 })
				throw error
			})
			const session = createSession({ sessionId, process, timer, sleep, onEnd })
			sessions.set(sessionId, session)
			return session
		} finally {
			starting -= 1
		}
	}

	return {
		/** Throws TERMINAL_UNAVAILABLE when there is no such session, or no room for one more. */
		async open(call: TerminalCall): Promise<{ attach: (socket: TerminalSocket) => { receive: (message: string | ArrayBuffer) => Promise<void>; leave: () => void } }> {
			const known = call.sessionId === undefined ? undefined : sessions.get(call.sessionId)
			if (call.sessionId !== undefined && known === undefined) throw new AppError('TERMINAL_UNAVAILABLE', `The terminal ${call.sessionId.slice(0, 80)} has ended. Connect without session for a new one.`)
			if (known !== undefined) await note('terminal.attached', { sessionId: known.sessionId, by: call.by })
			const session = known ?? (await begin(call))
			return {
				attach(socket) {
					session.attach(socket, { isNew: known === undefined, endsInMs: Math.min(call.expiresAt - now(), LONGEST_TIMER_MS) })
					return {
						receive: (message) => session.receive(socket, message),
						leave: () => {
							if (session.detach(socket)) void note('terminal.detached', { sessionId: session.sessionId, by: call.by })
						},
					}
				},
			}
		},
		endAll: () => {
			for (const session of sessions.values()) session.end()
		},
	}
}
export type Terminals = ReturnType<typeof createTerminals>
