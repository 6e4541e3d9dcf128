import { ServerMessage, SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX } from '@shared/contracts'

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

/** Opens one of the orchestrator's WebSockets; rejects when it stays shut. */
export async function openLiveSocket({ url, path, token, onText }: LiveSocketOptions) {
	const messages: ServerMessage[] = []
	const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, token === undefined ? [] : [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}${token}`])
	const opened = Promise.withResolvers<void>()
	const closed = Promise.withResolvers<number>()
	socket.addEventListener('open', () => opened.resolve())
	socket.addEventListener('message', ({ data }) => {
		if (onText) onText(String(data))
		else messages.push(ServerMessage.parse(JSON.parse(String(data))))
	})
	socket.addEventListener('error', () => opened.reject(new Error(`${path.split('?')[0]} stays shut.`)))
	socket.addEventListener('close', ({ code }) => {
		opened.reject(new Error(`${path.split('?')[0]} was closed with ${code}.`))
		closed.resolve(code)
	})
	await opened.promise
	return { socket, messages, closed: closed.promise, close: () => socket.close() }
}
export type LiveSocket = Awaited<ReturnType<typeof openLiveSocket>>
