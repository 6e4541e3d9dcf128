import { ServerMessage } from '@shared/contracts'
import type { Events } from '../events.ts'
import type { Subscription } from '../subscription.ts'

export const subscription = (change: Partial<Subscription> = {}): Subscription => ({ feed: 'tasks', expiresAt: Date.now() + 600_000, subject: 'operator:test', ...change })

/** A client that keeps what it is sent, every message checked against the contract. */
export function socketClient(socket: WebSocket) {
	const messages: ServerMessage[] = []
	const texts: string[] = []
	const closed = Promise.withResolvers<{ code: number; reason: string }>()
	socket.accept()
	socket.addEventListener('message', ({ data }) => {
		const text = String(data)
		if (text.startsWith('{')) messages.push(ServerMessage.parse(JSON.parse(text)))
		else texts.push(text)
	})
	socket.addEventListener('close', ({ code, reason }) => closed.resolve({ code, reason }))
	return {
		socket,
		messages,
		texts,
		closed: closed.promise,
		lines: () => messages.filter(({ type }) => type !== 'snapshot' && type !== 'missed'),
	}
}
export type SocketClient = ReturnType<typeof socketClient>

export async function connect(events: Events, change: Partial<Subscription> & { since?: number } = {}): Promise<SocketClient> {
	const { since, ...more } = change
	const answer = await events.connect({ subscription: subscription(more), since, hasProtocol: false })
	if (answer.webSocket === null) throw new Error(`no socket: ${answer.status} ${await answer.text()}`)
	return socketClient(answer.webSocket)
}

/** Waits until something is so, and says what never was. */
export async function until<T>(what: string, look: () => T | undefined | false | null): Promise<T> {
	for (let tries = 0; tries < 500; tries++) {
		const found = look()
		if (found) return found
		await new Promise((resolve) => setTimeout(resolve, 10))
	}
	throw new Error(`Waited in vain for: ${what}`)
}

/** The same numbers in every run. */
export function createRandom(seed: number) {
	let state = seed
	return (below: number) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0
		return Math.floor((state / 2 ** 32) * below)
	}
}
