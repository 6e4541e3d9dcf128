import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ServerMessage } from '@shared/contracts'
import { createDatabase, sql } from '../../database/client.ts'
import { createFanOut, MAX_FULL_MS, MAX_LINES_BEHIND } from './fanOut.ts'
import type { HubSocket } from './fanOut.ts'
import { append, newest } from './testing/logLines.ts'
import { createRandom, subscription } from './testing/socketClient.ts'
import type { Subscription } from './subscription.ts'
import { createWorkAlerts } from './workAlerts.ts'

const db = createDatabase(env.DB)
const clock = { now: 0 }
const now = () => clock.now
let sockets: FakeSocket[]

beforeEach(() => {
	clock.now = Date.now()
	sockets = []
})

/** A socket whose client takes nothing until `drain`; `fails` makes sending throw, as a connection does that is gone. */
class FakeSocket implements HubSocket {
	state
	isGone = false
	fails = false
	sent: ServerMessage[] = []
	waiting = 0
	closedWith: number | null = null
	#saved: string

	constructor(cursor: number, change: Partial<Subscription> = {}) {
		this.state = { ...subscription({ expiresAt: clock.now + 3_600_000 }), ...change, cursor }
		this.#saved = JSON.stringify(this.state)
	}
	waitingBytes = () => this.waiting
	send = (text: string) => {
		if (this.fails) throw new Error('gone')
		this.waiting += text.length
		this.sent.push(JSON.parse(text) as ServerMessage)
	}
	drain = () => {
		this.waiting = 0
	}
	save = () => {
		this.#saved = JSON.stringify(this.state)
	}
	/** The memory of the hub is gone; what was saved is not. */
	forget = () => {
		this.state = JSON.parse(this.#saved) as typeof this.state
	}
	close = (code: number) => {
		this.closedWith = code
		sockets = sockets.filter((socket) => socket !== this)
	}
	get cursors() {
		return this.sent.map(({ cursor }) => Number(cursor))
	}
}

const join = (cursor: number, change: Partial<Subscription> = {}) => {
	const socket = new FakeSocket(cursor, change)
	sockets.push(socket)
	return socket
}
const hub = () => createFanOut({ db, now, openSockets: () => sockets, alerts: createWorkAlerts({ db, now }) })

async function idsAfter(since: number, workerName?: string): Promise<number[]> {
	const query = sql.selectFrom('operation_logs').select('id').where('id', '>', since).orderBy('id')
	return (await db.all(workerName === undefined ? query : query.where('worker_name', '=', workerName))).map(({ id }) => id)
}

describe('a storm of reconnects', () => {
	it.each([1, 2, 3, 4, 5])('leaves nobody a line short, a line twice or a line too early (%i)', async (seed) => {
		const random = createRandom(seed)
		const start = await newest(db)
		let fanOut = hub()
		// What each client has got over all of its connections; null: it is away.
		const clients = Array.from({ length: 24 }, (_, index) => ({ workerName: index % 3 === 0 ? 'even' : undefined, got: [] as number[], at: start, socket: null as FakeSocket | null }))
		type Client = (typeof clients)[number]
		const leave = (client: Client) => {
			const { socket } = client
			if (socket === null) return
			client.got.push(...socket.cursors)
			client.at = socket.cursors.at(-1) ?? client.at
			client.socket = null
			sockets = sockets.filter((each) => each !== socket)
		}
		const come = (client: Client) => {
			client.socket ??= join(client.at, client.workerName === undefined ? {} : { workerName: client.workerName })
		}
		const stir = () => {
			for (const client of clients) {
				const what = random(8)
				if (what === 0) leave(client)
				else if (what < 3) come(client)
				else if (what === 3 && client.socket) client.socket.waiting = 10_000_000
				else if (what === 4) client.socket?.drain()
				else if (what === 5 && client.socket) client.socket.fails = true
			}
		}
		for (let round = 0; round < 30; round++) {
			await append(db, Array.from({ length: 1 + random(random(4) === 0 ? 250 : 10) }, (_, index) => ({ workerName: index % 2 === 0 ? 'even' : 'odd' })))
			if (random(5) === 0) {
				for (const socket of sockets) socket.forget()
				fanOut = hub()
			}
			const running = fanOut.run()
			for (let turn = random(6); turn > 0; turn--) await Promise.resolve()
			stir()
			await new Promise((resolve) => setTimeout(resolve, random(3)))
			stir()
			await running
		}
		for (const client of clients) {
			leave(client)
			come(client)
		}
		await fanOut.run()
		for (const client of clients) {
			leave(client)
			expect(client.got).toEqual(await idsAfter(start, client.workerName))
		}
	})
})

describe('a slow reader', () => {
	it('is sent only what fits, and the rest in order once it reads', async () => {
		const start = await newest(db)
		await append(db, Array.from({ length: 40 }, () => ({ details: { long: 'x'.repeat(20_000) } })))
		const [slow, fast, fanOut] = [join(start), join(start), hub()]
		fast.waitingBytes = () => 0
		await fanOut.run()
		expect(fast.cursors).toEqual(await idsAfter(start))
		expect(slow.waiting).toBeLessThan(300_000)
		expect(slow.sent.length).toBeLessThan(20)
		expect(fanOut.nextLookAt()).toBe(clock.now + 100)
		for (let look = 0; look < 5; look++) {
			slow.drain()
			await fanOut.run()
		}
		expect(slow.cursors).toEqual(fast.cursors)
		expect(fanOut.nextLookAt()).toBe(clock.now + 30_000)
	})

	it('shares what may wait in all with the others', async () => {
		const start = await newest(db)
		await append(db, Array.from({ length: 10 }, () => ({ details: { long: 'x'.repeat(10_000) } })))
		for (let index = 0; index < 2000; index++) join(start)
		await hub().run()
		expect(Math.max(...sockets.map(({ waiting }) => waiting))).toBeLessThan(50_000)
	})

	it('is closed when it reads nothing for too long, even by a hub that has forgotten it', async () => {
		const start = await newest(db)
		await append(db, Array.from({ length: 40 }, () => ({ details: { long: 'x'.repeat(20_000) } })))
		const slow = join(start)
		await hub().run()
		slow.forget()
		clock.now += MAX_FULL_MS
		await hub().run()
		expect(slow.closedWith).toBeNull()
		clock.now += 1
		await hub().run()
		expect(slow.closedWith).toBe(4408)
	})

	it('is told what it missed when it is too far behind, and goes on from the newest line', async () => {
		const start = await newest(db)
		for (let index = 0; index <= MAX_LINES_BEHIND; index += 500) await append(db, Array.from({ length: 500 }, () => ({})))
		const end = await newest(db)
		const [late, fanOut] = [join(start), hub()]
		await fanOut.run()
		const inTime = join(end - 150)
		await fanOut.run()
		expect(late.sent.slice(100)).toMatchObject([{ type: 'missed', cursor: String(end), data: { from: String(start + 100), to: String(end) } }])
		expect(inTime.cursors).toEqual(await idsAfter(end - 150))
		await append(db, [{}])
		await fanOut.run()
		expect(late.cursors.slice(101)).toEqual(await idsAfter(end))
	})
})

describe('the hub', () => {
	it('drops a socket that cannot be sent to, and goes on with the others', async () => {
		const start = await newest(db)
		await append(db, [{}, {}])
		const [gone, alive, fanOut] = [join(start), join(start), hub()]
		gone.fails = true
		await fanOut.run()
		expect(alive.cursors).toEqual(await idsAfter(start))
		gone.fails = false
		await append(db, [{}])
		await fanOut.run()
		expect(gone.sent).toEqual([])
		expect(alive.cursors).toEqual(await idsAfter(start))
	})

	it('closes a socket whose token has ended before it sends more', async () => {
		const start = await newest(db)
		await append(db, [{}])
		const ended = join(start, { expiresAt: clock.now })
		await hub().run()
		expect(ended).toMatchObject({ closedWith: 4401, sent: [] })
	})

	it('has nothing to look at while nobody listens', async () => {
		const fanOut = hub()
		await fanOut.run()
		expect(fanOut.nextLookAt()).toBeNull()
	})

	it('carries a line that nobody can read, and those after it', async () => {
		const start = await newest(db)
		await append(db, [{ details: { name: 'a' } }, { details: { long: 'x'.repeat(40_000), taskId: 'CTK-1' } }])
		await db.run(sql.updateTable('operation_logs').set({ details: 'not JSON' }).where('id', '=', start + 1))
		const socket = join(start)
		await hub().run()
		expect(socket.sent.map(({ data }) => [data['details'], data['isCut']])).toEqual([
			[{}, true],
			[{ taskId: 'CTK-1' }, true],
		])
	})
})
