// A shell in a real container, over the door that an operator uses.
import { expect, it } from 'vitest'
import { SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX, TerminalControl } from '@shared/contracts'
import type { LogEntry, Page } from '@shared/contracts'
import { mintToken } from '@shared/worker-base/token'
import { sharedContainerStack, until } from './support/containerStack.ts'

const shared = sharedContainerStack({ max: 1, fastProbeIntervalMs: 300 })

/** A terminal as a page would have it. */
async function connect(query: string, token: string) {
	const socket = new WebSocket(`${shared.stack.url.replace('http', 'ws')}/ws/terminal/runner-0${query}`, [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}${token}`])
	socket.binaryType = 'arraybuffer'
	const controls: TerminalControl[] = []
	let screen = ''
	let closed: number | null = null
	socket.addEventListener('message', ({ data }) => {
		if (typeof data === 'string') controls.push(TerminalControl.parse(JSON.parse(data)))
		else screen += new TextDecoder().decode(data as ArrayBuffer)
	})
	socket.addEventListener('close', ({ code }) => (closed = code))
	const isOpen = await new Promise<boolean>((resolve) => {
		socket.addEventListener('open', () => resolve(true))
		socket.addEventListener('error', () => resolve(false))
	})
	return {
		isOpen,
		protocol: socket.protocol,
		controls,
		type: (text: string) => socket.send(new TextEncoder().encode(text)),
		resize: (cols: number, rows: number) => socket.send(JSON.stringify({ type: 'resize', cols, rows })),
		shows: (pattern: RegExp) => until(`the screen shows ${pattern}`, () => pattern.exec(screen), 3000).catch((error: unknown) => expect.unreachable(`${String(error)}; it shows ${screen.slice(-500)}`)),
		closed: () => until('the terminal is closed', () => closed, 15_000),
		leave: () => socket.close(),
	}
}

it('is typed into, follows the window, survives a lost line, and is in the audit log', async () => {
	const { stack } = shared
	const workerToken = await mintToken(stack.signingKey, { kind: 'worker', subject: 'w', workerName: 'vibehq-orchestrator', ttlMs: 60_000 }, Date.now())
	expect((await connect('', stack.operatorToken)).isOpen).toBe(false)
	await stack.scale(1)
	await stack.untilPool('one runs', (instances) => instances.some(({ state }) => state === 'running'))
	for (const [query, token] of [['', workerToken], ['', 'nothing'], ['?cols=0', stack.operatorToken], ['?session=00000000-0000-4000-8000-000000000000', stack.operatorToken]] as const) {
		expect([query, (await connect(query, token)).isOpen]).toEqual([query, false])
	}

	const first = await connect('?cols=101&rows=33', stack.operatorToken)
	expect([first.isOpen, first.protocol]).toEqual([true, SOCKET_PROTOCOL])
	first.type('stty size; echo "user $(id -un) sum $((6*7))"\r')
	await first.shows(/33 101[^]*user runner sum 42/)
	first.resize(77, 22)
	// The window is another way in than the keys, and may come after them.
	await until('the shell has the new size', async () => {
		first.type('stty size\r')
		return first.shows(/22 77/).catch(() => null)
	})
	const [attached] = first.controls
	if (attached?.type !== 'attached') throw new Error('The first frame does not say which session it is.')
	first.leave()
	await first.closed()

	const second = await connect(`?session=${attached.sessionId}`, stack.operatorToken)
	await second.shows(/sum 42[^]*22 77/)
	expect(second.controls).toEqual([{ type: 'attached', sessionId: attached.sessionId, isNew: false }])
	second.type('exit 5\r')
	expect(await second.closed()).toBe(1000)
	expect(second.controls.at(-1)).toEqual({ type: 'exit', exitCode: 5 })

	const lines = await until('the session is in the log', async () => {
		const { items } = await stack.client.call<Page<{ data: LogEntry }>>('GET', '/api/events?feed=containers&limit=1000')
		const found = items.map(({ data }) => data).filter(({ operation }) => operation.startsWith('terminal.'))
		return found.some(({ operation }) => operation === 'terminal.ended') ? found : null
	})
	expect(lines.map(({ operation }) => operation)).toEqual(['terminal.opened', 'terminal.detached', 'terminal.attached', 'terminal.ended'])
	expect(lines[0]?.details).toMatchObject({ sessionId: attached.sessionId, instanceId: 'runner-0', by: 'operator:tests', cols: 101, rows: 33 })
	expect(lines[3]?.details).toMatchObject({ sessionId: attached.sessionId, exitCode: 5 })
})
