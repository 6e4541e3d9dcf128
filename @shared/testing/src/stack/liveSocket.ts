import { once } from 'node:events'
import { ServerMessage, SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX } from '@shared/contracts'
import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'

export interface LiveSocketOptions {
	/** Of the orchestrator. */
	url: string
	/** With its query, for example `/ws/tasks?since=7`. */
	path: string
	/** Absent: the path has a ticket. */
	token?: string
	/** Absent: messages are kept in `messages`. */
	onText?: (text: string) => void
}

/** After the last word of the other side, its end of the connection is not waited for longer than this; the option is missing in the types. */
const OPTIONS: ClientOptions & { closeTimeout: number } = { perMessageDeflate: false, closeTimeout: 1000 }

/** Opens one of the orchestrator's WebSockets; rejects when it stays shut. Node's own cannot be paused, and takes longer for a message. */
export async function openLiveSocket({ url, path, token, onText }: LiveSocketOptions) {
	const messages: ServerMessage[] = []
	const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, token === undefined ? [] : [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}${token}`], OPTIONS)
	const closed = new Promise<number>((resolve) => void socket.once('close', resolve))
	socket.on('message', (data: Buffer) => {
		if (onText) onText(data.toString())
		else messages.push(ServerMessage.parse(JSON.parse(data.toString())))
	})
	await once(socket, 'open')
	// What goes wrong later ends in `close`.
	socket.on('error', () => undefined)
	return {
		messages,
		/** The code, with which the other side or this one closed it. */
		closed,
		close: () => socket.close(),
		/** Takes nothing more from the network until `resume`. */
		pause: () => socket.pause(),
		resume: () => socket.resume(),
	}
}
