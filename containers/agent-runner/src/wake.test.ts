import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from './testing/fakeOrchestrator.ts'
import { createWake } from './wake.ts'
import type { Wake, WakeSocket } from './wake.ts'

/** The orchestrator's end of a line, in the hands of the test. */
class FakeSocket extends EventTarget {
	sent: string[] = []
	isClosed = false
	readonly url: string
	readonly protocols: string[]
	constructor(url: string, protocols: string[]) {
		super()
		this.url = url
		this.protocols = protocols
	}
	send(text: string) {
		this.sent.push(text)
	}
	close() {
		this.isClosed = true
	}
	open = () => this.dispatchEvent(new Event('open'))
	end = () => this.dispatchEvent(new Event('close'))
	say = (data: unknown) => this.dispatchEvent(new MessageEvent('message', { data }))
	tell = (type: string, data: object) => this.say(JSON.stringify({ type, cursor: '1', at: 1, data }))
}

let sockets: FakeSocket[]
let logs: string[]
let control: AbortController

beforeEach(() => {
	sockets = []
	logs = []
	control = new AbortController()
})
afterEach(() => control.abort())

function start(timing: Partial<Parameters<typeof createWake>[0]['timing']> = {}, connect?: () => WakeSocket): Wake {
	return createWake({
		orchestratorURL: 'https://orchestrator.example',
		runnerToken: 'runner-token',
		canDo: ({ requires }) => requires === null || requires === 'codex',
		signal: control.signal,
		log: (event) => logs.push(event),
		connect: connect ?? ((url, protocols) => {
			const socket = new FakeSocket(url, protocols)
			sockets.push(socket)
			return socket as unknown as WakeSocket
		}),
		timing: { slowPollMs: 60_000, pingMs: 60_000, deadMs: 60_000, firstBackoffMs: 5, longestBackoffMs: 10, ...timing },
	})
}
const last = (): FakeSocket => sockets.at(-1) ?? expect.unreachable('no socket')

/** Whether the wait is over, after everything that is ready has run. */
async function isOver(wait: Promise<void>): Promise<boolean> {
	return Promise.race([wait.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 30, false))])
}

describe('the line on which a runner is called', () => {
	it('shows its token among the protocols', () => {
		start()
		expect(last()).toMatchObject({ url: 'wss://orchestrator.example/ws/tasks', protocols: ['vibehq.v1', 'vibehq.token.runner-token'] })
	})

	it('does not let anybody wait while it is not open', async () => {
		const wake = start()
		expect(wake.isOpen()).toBe(false)
		await wake.idle(wake.calls())
	})

	it('ends the wait at a call for work of the right kind, and only then', async () => {
		const wake = start()
		last().open()
		const wait = wake.idle(wake.calls())
		last().tell('task', { taskType: 'agent-run', requires: 'claude' })
		last().say('pong')
		expect(await isOver(wait)).toBe(false)
		last().tell('task', { taskType: 'agent-run', requires: 'codex' })
		expect(await isOver(wait)).toBe(true)
	})

	it('forgets no call that came between the claim and the wait', async () => {
		const wake = start()
		last().open()
		const calls = wake.calls()
		last().tell('task', { taskType: 'command', requires: null })
		expect(await isOver(wake.idle(calls))).toBe(true)
	})

	it.each([
		['lines that were left out', '{"type":"missed","cursor":"5","at":1,"data":{"from":"1","to":"5"}}'],
		['a message of a later version', '{"type":"other"}'],
		['half a message', '{"type":'],
		['a task without a kind', '{"type":"task","cursor":"1","at":1,"data":{}}'],
	])('takes %s for a call, to be sure', async (_name, text) => {
		const wake = start()
		last().open()
		const wait = wake.idle(wake.calls())
		last().say(text)
		expect(await isOver(wait)).toBe(true)
	})

	it('ends the wait when it is lost, and is opened again, which is a call too', async () => {
		const wake = start()
		last().open()
		const wait = wake.idle(wake.calls())
		last().end()
		expect(await isOver(wait)).toBe(true)
		expect(wake.isOpen()).toBe(false)
		const calls = wake.calls()
		await until('the second line', () => sockets.length === 2)
		last().open()
		expect(wake.isOpen()).toBe(true)
		expect(await isOver(wake.idle(calls))).toBe(true)
		expect(logs).toEqual(['wake-open', 'wake-lost', 'wake-open'])
	})

	it('does not trust a line that does not answer', async () => {
		const wake = start({ pingMs: 10, deadMs: 10 })
		last().open()
		await until('the ping', () => sockets[0]?.sent[0] === 'ping')
		await until('a new line', () => sockets.length > 1)
		expect(sockets[0]?.isClosed).toBe(true)
		expect(wake.isOpen()).toBe(false)
	})

	it('gives up on an opening that takes too long, and tries again', async () => {
		start({ deadMs: 10 })
		await until('the third attempt', () => sockets.length >= 3)
		expect(sockets[0]?.isClosed).toBe(true)
	})

	it('ends the wait when nobody has called for long', async () => {
		const wake = start({ slowPollMs: 5 })
		last().open()
		await wake.idle(wake.calls())
	})

	it('lives with a connection that cannot even be begun', async () => {
		let attempts = 0
		const wake = start({}, () => {
			attempts += 1
			throw new SyntaxError('not a protocol')
		})
		await until('several attempts', () => attempts > 2)
		await wake.idle(wake.calls())
	})

	it('ends with its runner', async () => {
		const wake = start()
		last().open()
		const wait = wake.idle(wake.calls())
		control.abort()
		expect(await isOver(wait)).toBe(true)
		await until('the end of the line', () => last().isClosed)
		expect(sockets).toHaveLength(1)
	})
})
