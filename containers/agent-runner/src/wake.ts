import { setTimeout as sleep } from 'node:timers/promises'
import { ServerMessage, SOCKET_PING, SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX, WakeUp } from '@shared/contracts'

/** The part of a WebSocket that is used. */
export type WakeSocket = Pick<WebSocket, 'send' | 'close' | 'addEventListener'>

interface WakeOptions {
	orchestratorURL: string
	runnerToken: string
	/** Whether this runner could do such work. */
	canDo: (work: WakeUp) => boolean
	signal: AbortSignal
	log: (event: string, fields: Record<string, unknown>) => void
	connect?: (url: string, protocols: string[]) => WakeSocket
	timing?: WakeTiming
}

interface WakeTiming {
	/** Between two claims of a runner that nobody calls. A call can get lost; work must not. */
	slowPollMs: number
	pingMs: number
	/** How long an answer to a ping may take, or the opening. */
	deadMs: number
	firstBackoffMs: number
	longestBackoffMs: number
}

const TIMING: WakeTiming = { slowPollMs: 10_000, pingMs: 20_000, deadMs: 10_000, firstBackoffMs: 500, longestBackoffMs: 60_000 }

/** A line on which the orchestrator calls when there is work. All it saves is time: who claims and gets nothing finds out as much. */
export interface Wake {
	/** While the line is open, an idle runner need not wait in a claim. */
	isOpen(): boolean
	/** How many calls there were; taken before a claim, so that one that comes during it counts. */
	calls(): number
	/** Resolves when it is time to claim again: at a call after the first `calls`, when the line is not open, or when nobody has called for long. */
	idle(calls: number): Promise<void>
}

/** Keeps the line open, with ever longer pauses between attempts, until `signal`. Never throws: without a line the runner polls as before. */
export function createWake({ orchestratorURL, runnerToken, canDo, signal, log, connect = (url, protocols) => new WebSocket(url, protocols), timing = TIMING }: WakeOptions): Wake {
	let isOpen = false
	let calls = 0
	const waiting = new Set<() => void>()
	const call = (): void => {
		calls += 1
		for (const wakeUp of waiting) wakeUp()
	}
	const onMessage = (data: unknown): void => {
		const message = ServerMessage.safeParse(parseJSON(data)).data
		const work = message?.type === 'task' ? WakeUp.safeParse(message.data).data : undefined
		// What is not understood may be about work.
		if (work === undefined || canDo(work)) call()
	}

	/** Resolves when the line is down, with whether it was ever up. */
	async function hold(): Promise<boolean> {
		const socket = connect(`${orchestratorURL.replace(/^http/, 'ws')}/ws/tasks`, [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}${runnerToken}`])
		const down = Promise.withResolvers<void>()
		let wasOpen = false
		const watch = watchdog(timing, { ping: () => socket.send(SOCKET_PING), isDead: () => down.resolve() })
		socket.addEventListener('open', () => {
			isOpen = wasOpen = true
			watch.heard()
			log('wake-open', {})
			call()
		})
		socket.addEventListener('message', ({ data }) => {
			watch.heard()
			if (typeof data === 'string' && data.startsWith('{')) onMessage(data)
		})
		for (const end of ['close', 'error'] as const) socket.addEventListener(end, () => down.resolve())
		const hangUp = (): void => down.resolve()
		signal.addEventListener('abort', hangUp)
		await down.promise
		signal.removeEventListener('abort', hangUp)
		watch.stop()
		socket.close()
		isOpen = false
		call()
		return wasOpen
	}

	async function keep(): Promise<void> {
		for (let failures = 0; !signal.aborted; failures++) {
			const wasOpen = await hold().catch(() => false)
			if (signal.aborted) break
			if (wasOpen) {
				failures = 0
				log('wake-lost', {})
			}
			// All runners lose their line at the same time; they must not come back at the same time.
			const backoffMs = Math.min(timing.firstBackoffMs * 2 ** Math.min(failures, 10), timing.longestBackoffMs)
			await sleep(backoffMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
		}
	}
	void keep()

	return {
		isOpen: () => isOpen,
		calls: () => calls,
		async idle(seen) {
			if (!isOpen || calls !== seen || signal.aborted) return
			const control = new AbortController()
			const called = Promise.withResolvers<void>()
			waiting.add(called.resolve)
			await Promise.race([called.promise, sleep(timing.slowPollMs, undefined, { signal: AbortSignal.any([signal, control.signal]) }).catch(() => {})])
			waiting.delete(called.resolve)
			control.abort()
		},
	}
}

/** A connection can be gone without anybody being told, so it has to prove from time to time that it is not. */
function watchdog({ pingMs, deadMs }: WakeTiming, { ping, isDead }: { ping: () => void; isDead: () => void }) {
	let timer = setTimeout(isDead, deadMs)
	let isStopped = false
	return {
		heard(): void {
			if (isStopped) return
			clearTimeout(timer)
			timer = setTimeout(() => {
				timer = setTimeout(isDead, deadMs)
				ping()
			}, pingMs)
		},
		stop(): void {
			isStopped = true
			clearTimeout(timer)
		},
	}
}

function parseJSON(data: unknown): unknown {
	try {
		return JSON.parse(String(data))
	} catch {
		return undefined
	}
}
