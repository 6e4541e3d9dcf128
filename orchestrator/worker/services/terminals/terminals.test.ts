import { AppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createScrollback } from './scrollback.ts'
import type { TerminalProcess } from './session.ts'
import { createTerminals } from './terminals.ts'

const flush = () => new Promise((resolve) => setTimeout(resolve, 5))
const text = (bytes: unknown) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes as Uint8Array))

/** A shell by hand, a clock by hand, and what is said to sockets and to the log. */
function open() {
	const shells: { say(text: string): void; exit(code: number): void; typed: string[]; sizes: string[]; signals: number[] }[] = []
	const timers = new Set<{ ms: number; callback: () => void }>()
	const notes: { operation: string; details: Record<string, unknown> }[] = []
	let ids = 0
	const weather = { isStopped: false }
	const start = async (size: { cols: number; rows: number }): Promise<TerminalProcess> => {
		if (weather.isStopped) throw new AppError('TERMINAL_UNAVAILABLE', 'The container does not run.')
		const [typed, sizes, signals]: [string[], string[], number[]] = [[], [`${size.cols}x${size.rows}`], []]
		const output = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 100 }, { highWaterMark: 100 })
		const writer = output.writable.getWriter()
		const { promise, resolve } = Promise.withResolvers<number>()
		const exit = (code: number) => {
			resolve(code)
			void writer.close().catch(() => {})
		}
		shells.push({ say: (said) => void writer.write(new TextEncoder().encode(said)), exit, typed, sizes, signals })
		return {
			stdin: new WritableStream<Uint8Array>({ write: (chunk) => void typed.push(text(chunk)) }),
			stdout: output.readable,
			exitCode: promise,
			resize: (cols, rows) => void sizes.push(`${cols}x${rows}`),
			kill: (signal) => {
				signals.push(signal)
				exit(128 + signal)
			},
		}
	}
	const timer = (ms: number, callback: () => void) => {
		const one = { ms, callback }
		timers.add(one)
		return () => void timers.delete(one)
	}
	const terminals = createTerminals({ start, newId: () => `session-${++ids}`, now: () => NOW, note: async (operation, details) => void notes.push({ operation, details }), timer, sleep: async () => {} })
	return { terminals, shells, notes, weather, fire: (ms: number) => [...timers].filter((one) => one.ms === ms).forEach((one) => (timers.delete(one), one.callback())) }
}

/** As the platform's: who sends after the close is told so. */
function socket() {
	const got: string[] = []
	let isClosed = false
	return {
		got,
		bufferedAmount: 0,
		send(data: unknown) {
			if (isClosed) throw new TypeError("Can't call WebSocket send() after close().")
			got.push(text(data))
		},
		close(code: number, reason: string) {
			isClosed = true
			got.push(`closed ${code} ${reason}`)
		},
	}
}
const MINUTE = 60_000
const NOW = 1_000_000
const call = { size: { cols: 80, rows: 24 }, by: 'operator:ann', expiresAt: NOW + 10 * MINUTE }

describe('terminals of a container', () => {
	it('carry what is typed and written, follow the window, and tell how the shell ended', async () => {
		const { terminals, shells, notes } = open()
		const client = socket()
		const { receive } = (await terminals.open(call)).attach(client)
		const [shell] = shells
		shell?.say('$ ')
		await receive(Uint8Array.from([108, 115, 10]).buffer)
		await receive('{"type":"resize","cols":120,"rows":40}')
		await flush()
		shell?.exit(3)
		await flush()
		expect(client.got).toEqual(['{"type":"attached","sessionId":"session-1","isNew":true}', '$ ', '{"type":"exit","exitCode":3}', 'closed 1000 the shell has ended'])
		expect([shell?.typed, shell?.sizes]).toEqual([['ls\n'], ['80x24', '120x40']])
		expect(notes).toEqual([
			{ operation: 'terminal.opened', details: { sessionId: 'session-1', by: 'operator:ann', cols: 80, rows: 24 } },
			{ operation: 'terminal.ended', details: { sessionId: 'session-1', exitCode: 3, bytesIn: 3, bytesOut: 2 } },
		])
	})

	it('live on without a line, and show what was written meanwhile to whoever comes back', async () => {
		const { terminals, shells, notes, fire } = open()
		const { leave } = (await terminals.open(call)).attach(socket())
		leave()
		leave()
		shells[0]?.say('while you were away')
		await flush()
		const again = socket()
		const back = (await terminals.open({ ...call, sessionId: 'session-1' })).attach(again)
		expect(again.got).toEqual(['{"type":"attached","sessionId":"session-1","isNew":false}', 'while you were away'])
		fire(5 * MINUTE)
		expect(shells[0]?.signals).toEqual([])
		back.leave()
		fire(5 * MINUTE)
		await flush()
		expect(shells[0]?.signals).toContain(1)
		expect(notes.map(({ operation }) => operation)).toEqual(['terminal.opened', 'terminal.detached', 'terminal.attached', 'terminal.detached', 'terminal.ended'])
		await expect(terminals.open({ ...call, sessionId: 'session-1' })).rejects.toMatchObject({ code: 'TERMINAL_UNAVAILABLE' })
	})

	it('end when nobody types for half an hour, and are killed when they do not want to', async () => {
		const { terminals, shells, notes, fire } = open()
		const client = socket()
		;(await terminals.open(call)).attach(client)
		fire(30 * MINUTE)
		fire(5000)
		await flush()
		expect(client.got.slice(1)).toEqual(['closed 4409 nobody typed for 30 minutes'])
		expect(shells[0]?.signals).toEqual([1, 9])
		expect(notes.at(-1)).toMatchObject({ operation: 'terminal.ended', details: { exitCode: 129 } })
	})

	it('are written down as ended when their container ends', async () => {
		const { terminals, notes } = open()
		const client = socket()
		;(await terminals.open(call)).attach(client)
		terminals.endAll()
		await flush()
		expect(client.got.slice(1)).toEqual(['closed 4410 the container ends'])
		expect(notes.at(-1)?.operation).toBe('terminal.ended')
	})

	it('are no longer for whoever holds a token that has ended, and for the others as before', async () => {
		const { terminals, shells, fire } = open()
		const [late, early] = [socket(), socket()]
		const { receive } = (await terminals.open({ ...call, expiresAt: NOW + MINUTE })).attach(early)
		;(await terminals.open({ ...call, sessionId: 'session-1' })).attach(late)
		fire(MINUTE)
		await receive(Uint8Array.from([108, 115, 10]).buffer)
		shells[0]?.say('$ ')
		await flush()
		expect(early.got.slice(1)).toEqual(['closed 4401 the token has ended: connect with a new one and the session'])
		expect(shells[0]?.typed).toEqual([])
		expect(late.got.slice(1)).toEqual(['$ '])
	})

	it('hang up on whoever reads nothing, and go on for the others', async () => {
		const { terminals, shells } = open()
		const [slow, quick] = [socket(), socket()]
		;(await terminals.open(call)).attach(slow)
		;(await terminals.open({ ...call, sessionId: 'session-1' })).attach(quick)
		slow.bufferedAmount = 2 ** 21
		shells[0]?.say('one ')
		await flush()
		shells[0]?.say('two')
		await flush()
		expect(slow.got.slice(1)).toEqual(['one ', 'closed 4408 too slow: connect again with the session'])
		expect(quick.got.slice(1)).toEqual(['one ', 'two'])
	})

	it.each([
		['a text that is no control', 'ls', 'closed 1008'],
		['a control of the server', '{"type":"exit","exitCode":0}', 'closed 1008'],
		['a window without columns', '{"type":"resize","cols":0,"rows":24}', 'closed 1008'],
		['too much at once', new ArrayBuffer(65_537), 'closed 1009'],
	])('refuse %s', async (_, message, closed) => {
		const { terminals, shells } = open()
		const client = socket()
		await (await terminals.open(call)).attach(client).receive(message)
		shells[0]?.say('goes on')
		await flush()
		expect(client.got.at(-1)).toContain(closed)
		const again = socket()
		;(await terminals.open({ ...call, sessionId: 'session-1' })).attach(again)
		expect(again.got.at(-1)).toBe('goes on')
		expect([shells[0]?.typed, shells[0]?.sizes]).toEqual([[], ['80x24']])
	})

	it('leave no open line in the log, nor take room, where no shell could be started', async () => {
		const { terminals, notes, weather } = open()
		weather.isStopped = true
		for (const _ of [1, 2, 3, 4, 5]) await expect(terminals.open(call)).rejects.toMatchObject({ message: 'The container does not run.' })
		expect(notes.map(({ operation }) => operation)).toEqual(Array(5).fill(['terminal.opened', 'terminal.ended']).flat())
		weather.isStopped = false
		await terminals.open(call)
	})

	it('are four at most, also when they are asked for at once', async () => {
		const { terminals } = open()
		const opened = await Promise.allSettled(Array.from({ length: 6 }, () => terminals.open(call)))
		expect(opened.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected', 'rejected'])
		expect(opened[5]).toMatchObject({ reason: expect.any(AppError) })
	})
})

it('keeps the last bytes, and no more', () => {
	const scrollback = createScrollback(10)
	for (const chunk of ['abc', 'defgh', 'ij', 'klm']) scrollback.push(new TextEncoder().encode(chunk))
	expect(text(scrollback.bytes())).toBe('defghijklm')
	scrollback.push(new TextEncoder().encode('x'.repeat(25)))
	expect(text(scrollback.bytes())).toBe('x'.repeat(10))
	expect(scrollback.bytes().buffer.byteLength).toBeLessThan(100)
})
