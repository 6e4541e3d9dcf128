// What happens is told as it happens: nothing is missed or told twice, whoever is restarted, and runners are woken by it.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { SocketTicket } from '@shared/contracts'
import { createClient, createLoudTask, openLiveSocket } from '@shared/testing/stack'
import { guardSecrets } from './support/canary.ts'
import { createGate, until } from './support/gate.ts'
import { place, sharedStack } from './support/stack.ts'
import type { Stack } from './support/stack.ts'

const shared = sharedStack({ runners: 1, runner: { extraArgs: ['--trust-host'] }, vars: { LEASE_MS: '30000' } })
guardSecrets(shared)

/** Reads a socket like a careful client: opens it again whenever it is lost, from the last cursor on. */
function follow(stack: Stack, query: string) {
	const got: { cursor: string; operation: string; executionId: string | null }[] = []
	const control = new AbortController()
	let since = ''
	let connections = 0
	async function once(): Promise<void> {
		const socket = await openLiveSocket({ url: stack.url, path: `/ws/tasks?${query}${since}`, token: stack.operatorToken, onText: (text) => {
			const { type, cursor, data } = JSON.parse(text) as { type: string; cursor: string; data: { operation: string; executionId: string | null } }
			since = `&since=${cursor}`
			if (type !== 'snapshot') got.push({ cursor, operation: data.operation, executionId: data.executionId })
		} })
		connections += 1
		control.signal.addEventListener('abort', socket.close)
		await socket.closed
	}
	async function always(): Promise<void> {
		while (!control.signal.aborted) await once().catch(() => sleep(50))
	}
	void always()
	return { got, connections: () => connections, stop: () => control.abort() }
}

it('tells all of an order in order, through a restart of the orchestrator', async () => {
	const { stack } = shared
	const gate = createGate(stack, 'restart')
	const everything = follow(stack, '')
	await until('the socket opens', () => (everything.connections() === 1 ? true : undefined))
	const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, { write: { path: 'done.txt', content: 'done\n' } }] } })
	const own = follow(stack, `task=${placed.executionId}`)
	const waiting = await gate.reached(placed)
	await stack.restartOrchestrator()
	waiting.open()
	const settled = await placed.settled()
	const ends = ({ got }: typeof own) => (got.some(({ operation, executionId }) => operation === 'execution.completed' && executionId === placed.executionId) ? true : undefined)
	await until('both have been told of the end', () => ends(own) && ends(everything))
	own.stop()
	everything.stop()

	expect(settled.execution.status).toBe('completed')
	expect(everything.connections()).toBeGreaterThan(1)
	const log = settled.log.map(({ cursor, operation }) => [cursor, operation])
	const told = (followed: typeof own) => followed.got.filter(({ executionId }) => executionId === placed.executionId).map(({ cursor, operation }) => [cursor, operation])
	const lastTold = Number(everything.got.at(-1)?.cursor)
	expect(told(everything)).toEqual(log.filter(([cursor]) => Number(cursor) <= lastTold))
	// It came later, so what its snapshot showed is not told again.
	expect(told(own).length).toBeGreaterThan(3)
	expect(told(own)).toEqual(log.filter(([cursor]) => Number(cursor) >= Number(own.got[0]?.cursor) && Number(cursor) <= Number(own.got.at(-1)?.cursor)))
	const cursors = everything.got.map(({ cursor }) => Number(cursor))
	expect(cursors).toEqual([...new Set(cursors)].toSorted((a, b) => a - b))
})

it('opens with a ticket, once', async () => {
	const { stack } = shared
	const { ticket } = await stack.client.call<SocketTicket>('POST', '/api/ws-tickets')
	const path = `/ws/containers?ticket=${ticket}`
	const socket = await openLiveSocket({ url: stack.url, path })
	await until('the snapshot', () => (socket.messages.length > 0 ? true : undefined))
	expect(socket.messages[0]).toMatchObject({ type: 'snapshot', data: { instances: [] } })
	await expect(openLiveSocket({ url: stack.url, path })).rejects.toThrow('401')
	socket.close()
	expect(await socket.closed).toBe(1000)
})

it('wakes a runner that waits', async () => {
	const { stack } = shared
	const log = stack.logFile('runner-1')
	await until('the runner has its line', () => (existsSync(log) && readFileSync(log, 'utf8').includes('"wake-open"') ? true : undefined))
	const socket = await openLiveSocket({ url: stack.url, path: '/ws/tasks', token: stack.operatorToken })
	const latencies: number[] = []
	for (let round = 0; round < 5; round++) {
		// Long enough for the runner to be idle: it does not wait in a claim then.
		await sleep(1300)
		const { taskId } = await stack.client.call<{ taskId: string }>('POST', '/api/tasks', { body: { taskType: 'command', command: ['true'] } })
		const lineOf = (operation: string) => socket.messages.find(({ data }) => data['operation'] === operation && (data['details'] as { taskId?: string }).taskId === taskId)
		const done = await until('the task is done', () => lineOf('queue.completed') && [lineOf('queue.submitted'), lineOf('queue.claimed')])
		expect(done.map((message) => message?.type)).toEqual(['task', 'task'])
		latencies.push((done[1]?.at ?? 0) - (done[0]?.at ?? 0))
	}
	socket.close()
	console.info(`a waiting runner took a task after ${latencies.toSorted((a, b) => a - b)[2]} ms (median of ${latencies.join(', ')})`)
})

describe('a client that does not read', () => {
	it('is cut off, and does not hold up the others', async () => {
		const { stack } = shared
		const runner = createClient(stack.url, await stack.mint('runner', 'loud'))
		const loud = await createLoudTask({ operator: stack.client, runner })
		const reader = await openLiveSocket({ url: stack.url, path: '/ws/tasks', token: stack.operatorToken })
		const deaf = await openLiveSocket({ url: stack.url, path: '/ws/tasks', token: stack.operatorToken })
		deaf.pause()
		// More than the networks' buffers on the way take, which hold some 20 MB.
		const texts = Array.from({ length: 6000 }, (_, index) => `line ${index} `.padEnd(2000, '.'))
		await loud.say(texts, { long: 'x'.repeat(3900) })
		const textsOf = () => reader.messages.filter(({ data }) => data['operation'] === 'agent.message').map(({ data }) => (data['details'] as { text: string }).text)
		await until('who reads has all', () => (textsOf().length === texts.length ? true : undefined), 60_000)
		expect(textsOf()).toEqual(texts)
		await sleep(17_000)
		deaf.resume()
		expect(await deaf.closed).toBe(4408)
		reader.close()
	})
})
