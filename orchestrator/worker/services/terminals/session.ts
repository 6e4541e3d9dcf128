import { SOCKET_CLOSE, TerminalControl, TERMINAL_CLOSE } from '@shared/contracts'
import { createScrollback } from './scrollback.ts'

/** A shell with a terminal of its own. */
export interface TerminalProcess {
	stdin: WritableStream<Uint8Array>
	/** What it wrote, to both of its outputs. */
	stdout: ReadableStream<Uint8Array>
	exitCode: Promise<number>
	resize(cols: number, rows: number): void
	kill(signal: number): void
}

/** The part of a WebSocket that is used here. */
export interface TerminalSocket {
	/** Bytes that were sent and that the client has not taken yet. */
	readonly bufferedAmount: number
	send(data: string | ArrayBuffer | ArrayBufferView): void
	close(code: number, reason: string): void
}

export interface SessionDeps {
	sessionId: string
	process: TerminalProcess
	/** Calls back after so many ms; the answer takes it back. */
	timer: (ms: number, callback: () => void) => () => void
	sleep: (ms: number) => Promise<void>
	/** Once, when the process has ended. */
	onEnd: (end: { exitCode: number | null; bytesIn: number; bytesOut: number }) => void
}

const SCROLLBACK_BYTES = 256 * 1024
const MAX_INPUT_BYTES = 64 * 1024
/** A program that floods its terminal is read no faster than a person's line takes it, and waits. */
const BYTES_PER_MS = 2048
/** Nor faster than those who look take it. Who takes nothing for 15 s is hung up on, and finds the rest in the scrollback. */
const MAX_WAITING_BYTES = 1024 * 1024
const LOOK_AT_FULL_MS = 50
const MAX_LOOKS_AT_FULL = 300
/** Between the last watcher's going and the end of the shell. */
const DETACHED_MS = 5 * 60_000
/** A forgotten tab must not keep a container up for ever. */
const IDLE_MS = 30 * 60_000
const SIGHUP = 1
const SIGKILL = 9
const KILL_AFTER_MS = 5000

/** One shell and those who look at it. Whoever attaches gets the end of what was written before. */
export function createSession({ sessionId, process, timer, sleep, onEnd }: SessionDeps) {
	/** With each, what takes back the end of its token. */
	const sockets = new Map<TerminalSocket, () => void>()
	/** Told to close: nothing can be sent to them, and nothing more is taken from them. Their `detach` follows. */
	const hungUp = new WeakSet<TerminalSocket>()
	const scrollback = createScrollback(SCROLLBACK_BYTES)
	const input = process.stdin.getWriter()
	let [bytesIn, bytesOut] = [0, 0]
	let cancelDetached = () => {}
	const startIdle = () => timer(IDLE_MS, () => end(TERMINAL_CLOSE.IDLE, 'nobody typed for 30 minutes'))
	let cancelIdle = startIdle()

	const watchers = () => [...sockets.keys()].filter((socket) => !hungUp.has(socket))

	function hangUp(socket: TerminalSocket, code: number, reason: string): void {
		hungUp.add(socket)
		socket.close(code, reason)
	}

	function end(code: number, reason: string): void {
		for (const socket of watchers()) hangUp(socket, code, reason)
		process.kill(SIGHUP)
		timer(KILL_AFTER_MS, () => process.kill(SIGKILL))
	}

	async function waitForReaders(): Promise<void> {
		const full = () => watchers().filter(({ bufferedAmount }) => bufferedAmount > MAX_WAITING_BYTES)
		for (let looks = 0; looks < MAX_LOOKS_AT_FULL && full().length > 0; looks++) await sleep(LOOK_AT_FULL_MS)
		for (const socket of full()) hangUp(socket, SOCKET_CLOSE.TOO_SLOW, 'too slow: connect again with the session')
	}

	async function pump(): Promise<void> {
		const reader = process.stdout.getReader()
		for (;;) {
			const { done, value } = await reader.read()
			if (done) return
			bytesOut += value.byteLength
			scrollback.push(value)
			for (const socket of watchers()) socket.send(value)
			await sleep(Math.floor(value.byteLength / BYTES_PER_MS))
			await waitForReaders()
		}
	}

	async function run(): Promise<void> {
		const [exit] = await Promise.allSettled([process.exitCode, pump()])
		const exitCode = exit.status === 'fulfilled' ? exit.value : null
		cancelDetached()
		cancelIdle()
		for (const socket of watchers()) {
			socket.send(JSON.stringify({ type: 'exit', exitCode } satisfies TerminalControl))
			hangUp(socket, 1000, 'the shell has ended')
		}
		for (const cancelExpiry of sockets.values()) cancelExpiry()
		sockets.clear()
		onEnd({ exitCode, bytesIn, bytesOut })
	}
	void run()

	return {
		sessionId,
		attach(socket: TerminalSocket, { isNew, endsInMs }: { isNew: boolean; endsInMs: number }): void {
			cancelDetached()
			socket.send(JSON.stringify({ type: 'attached', sessionId, isNew } satisfies TerminalControl))
			const before = scrollback.bytes()
			if (before.byteLength > 0) socket.send(before)
			sockets.set(socket, timer(endsInMs, () => hangUp(socket, SOCKET_CLOSE.TOKEN_EXPIRED, 'the token has ended: connect with a new one and the session')))
		},
		/** The shell lives on for five minutes, for whoever lost the line. Answers whether it was attached. */
		detach(socket: TerminalSocket): boolean {
			sockets.get(socket)?.()
			const wasAttached = sockets.delete(socket)
			if (wasAttached && sockets.size === 0) cancelDetached = timer(DETACHED_MS, () => end(1000, ''))
			return wasAttached
		},
		async receive(socket: TerminalSocket, message: string | ArrayBuffer): Promise<void> {
			if (hungUp.has(socket)) return
			cancelIdle()
			cancelIdle = startIdle()
			if (typeof message !== 'string') {
				if (message.byteLength > MAX_INPUT_BYTES) return hangUp(socket, 1009, `at most ${MAX_INPUT_BYTES} bytes at once`)
				bytesIn += message.byteLength
				return input.write(new Uint8Array(message)).catch(() => {})
			}
			const control = readControl(message)
			if (control?.type !== 'resize') return hangUp(socket, 1008, 'text frames are control: {"type":"resize","cols":80,"rows":24}')
			process.resize(control.cols, control.rows)
		},
		end: () => end(TERMINAL_CLOSE.ENDED, 'the container ends'),
	}
}
export type Session = ReturnType<typeof createSession>

function readControl(message: string): TerminalControl | undefined {
	try {
		return TerminalControl.safeParse(JSON.parse(message)).data
	} catch {
		return undefined
	}
}
