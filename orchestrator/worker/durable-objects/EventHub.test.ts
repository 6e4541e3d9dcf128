import { env } from 'cloudflare:workers'
import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ContainerTaskId, ExecutionId } from '@shared/contracts'
import { createDatabase, sql } from '../database/client.ts'
import { createEvents } from '../services/events/events.ts'
import { append, newest } from '../services/events/testing/logLines.ts'
import { connect as open, createRandom, until } from '../services/events/testing/socketClient.ts'
import type { SocketClient } from '../services/events/testing/socketClient.ts'
import { createFixture } from '../services/container-tasks/testing/fixture.ts'

const db = createDatabase(env.DB)
const clients: SocketClient[] = []
let hub: ReturnType<typeof env.EVENT_HUB.getByName>
let events: ReturnType<typeof createEvents>

beforeEach(() => {
	hub = env.EVENT_HUB.getByName(crypto.randomUUID())
	events = createEvents({ db, hub: () => hub })
})
afterEach(() => {
	for (const { socket } of clients.splice(0)) socket.close(1000)
})

async function connect(change: Parameters<typeof open>[1] = {}): Promise<SocketClient> {
	const client = await open(events, change)
	clients.push(client)
	return client
}

/** Appends a line for each name and nudges the hub, as a request does. */
async function log(...names: string[]): Promise<void> {
	await append(db, names.map((name) => ({ details: { name } })))
	await hub.notify(false)
}
const namesOf = (client: SocketClient) => client.lines().map(({ data }) => (data['details'] as { name?: string }).name)
const seen = (client: SocketClient, ...names: string[]) => until(`${names.join(', ')} (${namesOf(client).join(', ')})`, () => namesOf(client).at(-1) === names.at(-1) && namesOf(client))

describe('a socket', () => {
	it('starts with a snapshot, and goes on with every line after it, in order', async () => {
		await log('before')
		const client = await connect()
		await until('the snapshot', () => client.messages.length === 1)
		expect(client.messages[0]).toMatchObject({ type: 'snapshot', cursor: String(await newest(db)), data: { executions: [], tasks: [], isCut: false } })
		await log('a', 'b')
		await log('c')
		expect(await seen(client, 'c')).toEqual(['a', 'b', 'c'])
		expect(client.messages[1]).toMatchObject({ type: 'execution', data: { source: 'test', operation: 'execution.test', level: 'info', workerName: 'w', executionId: null } })
	})

	it('goes on after its cursor, without a snapshot', async () => {
		await log('old')
		const since = await newest(db)
		await log('a', 'b')
		const client = await connect({ since })
		await log('c')
		expect(await seen(client, 'c')).toEqual(['a', 'b', 'c'])
		expect(client.messages.every(({ type }) => type === 'execution')).toBe(true)
	})

	it('gets more lines than one reading holds, once each', async () => {
		const since = await newest(db)
		const names = Array.from({ length: 250 }, (_, index) => `line ${index}`)
		await log(...names)
		const client = await connect({ since })
		expect(await seen(client, names.at(-1) ?? '')).toEqual(names)
	})

	it('outlives an eviction of the hub, with its filter and place', async () => {
		const [mine, other] = [ExecutionId.parse('EXE-000000000000000A'), ExecutionId.parse('EXE-000000000000000B')]
		const client = await connect({ task: mine })
		await append(db, [{ executionId: mine, details: { name: 'a' } }])
		await hub.notify(true)
		await seen(client, 'a')
		await evictDurableObject(hub)
		await append(db, [{ executionId: other, details: { name: 'not mine' } }, { executionId: mine, details: { name: 'b' } }])
		await hub.notify(true)
		expect(await seen(client, 'b')).toEqual(['a', 'b'])
		await evictDurableObject(hub)
		await append(db, [{ executionId: mine, details: { name: 'c' } }])
		await hub.notify(true)
		expect(await seen(client, 'c')).toEqual(['a', 'b', 'c'])
	})

	it('shows a Worker only its own lines, and each feed only its kind', async () => {
		const [own, all, containers] = [await connect({ workerName: 'mine' }), await connect(), await connect({ feed: 'containers' })]
		await append(db, [
			{ workerName: 'theirs', details: { name: 'a' } },
			{ workerName: 'mine', details: { name: 'b' } },
			{ source: 'orchestrator.containers', operation: 'container.started', workerName: 'mine', details: { name: 'c' } },
			{ workerName: 'mine', details: { name: 'd' } },
		])
		await hub.notify(true)
		expect(await seen(own, 'd')).toEqual(['b', 'd'])
		expect(await seen(all, 'd')).toEqual(['a', 'b', 'd'])
		expect(await seen(containers, 'c')).toEqual(['c'])
		expect(containers.messages[0]).toMatchObject({ type: 'snapshot', data: { instances: [] } })
	})

	it('is answered a ping, closed for anything else, and closes cleanly', async () => {
		const [one, two] = [await connect(), await connect()]
		one.socket.send('ping')
		await until('the pong', () => one.texts.includes('pong'))
		one.socket.send('{"type":"resize"}')
		expect(await one.closed).toMatchObject({ code: 1008 })
		two.socket.close(3001, 'bye')
		expect(await two.closed).toMatchObject({ code: 3001 })
	})

	it('is closed when its token ends', async () => {
		const client = await connect({ expiresAt: Date.now() - 1 })
		expect(await client.closed).toMatchObject({ code: 4401 })
		expect(client.lines()).toEqual([])
	})
})

describe('clients that come and go while the hub is evicted', () => {
	it('have each line once and in order', async () => {
		const random = createRandom(7)
		const start = await newest(db)
		const people = Array.from({ length: 8 }, () => ({ got: [] as number[], client: null as SocketClient | null }))
		type Person = (typeof people)[number]
		const come = async (person: Person) => {
			person.client ??= await connect({ since: person.got.at(-1) ?? start })
		}
		const leave = async (person: Person) => {
			const { client } = person
			if (!client) return
			person.client = null
			client.socket.close(1000)
			await client.closed
			person.got.push(...client.lines().map(({ cursor }) => Number(cursor)))
		}
		for (let round = 0; round < 20; round++) {
			await Promise.all(people.map((person) => (random(3) === 0 ? leave(person) : come(person))))
			await append(db, Array.from({ length: 1 + random(30) }, () => ({})))
			if (random(3) > 0) await hub.notify(true)
			if (random(4) === 0) await evictDurableObject(hub)
		}
		const end = await newest(db)
		await Promise.all(people.map(come))
		await hub.notify(true)
		await until('everybody to be at the end', () => people.every(({ got, client }) => Number(client?.lines().at(-1)?.cursor ?? got.at(-1)) === end))
		await Promise.all(people.map(leave))
		const all = Array.from({ length: end - start }, (_, index) => start + index + 1)
		for (const { got } of people) expect(got).toEqual(all)
	})
})

describe('a snapshot', () => {
	it('shows the container task that was asked for, open or not', async () => {
		const { submit, queue, claimOne } = await createFixture()
		await submit({ priority: 1 })
		await submit()
		const { task, leaseToken } = await claimOne()
		await queue.complete(task.taskId, { leaseToken, output: {}, progress: [] })
		const [all, one] = [await connect(), await connect({ task: ContainerTaskId.parse(task.taskId) })]
		await until('both snapshots', () => all.messages.length > 0 && one.messages.length > 0)
		expect(all.messages[0]?.data['tasks']).toMatchObject([{ status: 'pending', taskType: 'command' }])
		expect(one.messages[0]?.data['tasks']).toMatchObject([{ taskId: task.taskId, status: 'completed' }])
	})

	it('says when there is more than fits', async () => {
		const { submit } = await createFixture()
		for (let index = 0; index < 201; index++) await submit()
		const client = await connect()
		await until('the snapshot', () => client.messages.length > 0)
		expect(client.messages[0]?.data).toMatchObject({ isCut: true })
		expect(client.messages[0]?.data['tasks']).toHaveLength(200)
		await db.run(sql.deleteFrom('container_tasks'))
	})
})

describe("a runner's socket", () => {
	it('tells what kind of work there is, and nothing else', async () => {
		const { submit } = await createFixture()
		const client = await connect({ feed: 'work' })
		await log('something')
		const { taskId } = await submit({ requires: 'codex', priority: 3 })
		await hub.notify(true)
		await until('the wake-up', () => client.lines().length === 1)
		expect(client.messages.map(({ type, data }) => [type, data])).toEqual([['snapshot', { isCut: false }], ['task', { taskType: 'command', requires: 'codex' }]])
		expect(JSON.stringify(client.messages)).not.toContain(taskId)
	})

	it('tells of a task when it may be claimed, and not before', async () => {
		const { submit, queue, claimOne } = await createFixture()
		const first = await submit()
		await submit({ requires: 'second', dependsOn: [first.taskId] })
		const client = await connect({ feed: 'work' })
		await hub.notify(true)
		const { task, leaseToken } = await claimOne()
		expect(task.taskId).toBe(first.taskId)
		await queue.complete(task.taskId, { leaseToken, output: {}, progress: [] })
		await hub.notify(true)
		await until('the wake-up', () => client.lines().length === 1)
		expect(client.lines()[0]?.data).toEqual({ taskType: 'command', requires: 'second' })
	})

	it('tells when a lease runs out, which no line does', async () => {
		const { submit, claimOne, clock } = await createFixture()
		clock.now = Date.now() - 29_500
		await submit()
		await claimOne()
		const client = await connect({ feed: 'work' })
		await until('the wake-up', () => client.lines().length === 1)
		expect(client.lines()[0]?.data).toEqual({ taskType: 'command', requires: null })
	})
})
