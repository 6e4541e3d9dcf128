import { chooseFairly, DEFAULT_MAX_RUNNING } from '@shared/container-task-queue'
import type { Share } from '@shared/container-task-queue'
import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { createFixture, LEASE_MS } from './testing/fixture.ts'

type Fixture = Awaited<ReturnType<typeof createFixture>>
const flood = (queue: Fixture['queue'], workerName: string, count: number, priority = 0) =>
	queue.submitMany(Array.from({ length: count }, () => ({ taskType: 'command' as const, priority })), { workerName })
const workersOf = (tasks: { task: { workerName: string } }[]) => tasks.map(({ task }) => task.workerName).join(' ')
const running = async (queue: Fixture['queue']) => Object.fromEntries((await queue.summary()).workers.map(({ workerName, running: count }) => [workerName, count]))

describe('turns', () => {
	it('go round among Workers of one priority, however many tasks each has', async () => {
		const { queue, claim } = await createFixture()
		await flood(queue, 'a', 60)
		await flood(queue, 'b', 3)
		await flood(queue, 'c', 2)
		const order: string[] = []
		for (let n = 0; n < 9; n++) order.push(workersOf(await claim()))
		expect(order.slice(0, 6).map((_, n) => order.slice(n - (n % 3), n - (n % 3) + 3).toSorted().join('')).every((round) => round === 'abc')).toBe(true)
		expect(order.slice(6).toSorted()).toEqual(['a', 'a', 'b'])
		expect(workersOf(await claim({ max: 50 }))).toBe(Array.from({ length: 50 }, () => 'a').join(' '))
	})

	it('hold also where several tasks are taken at once, and where each is done before the next is claimed', async () => {
		const { queue, claim } = await createFixture()
		await flood(queue, 'a', 50)
		await flood(queue, 'b', 50)
		for (let n = 0; n < 4; n++) {
			const claimed = await claim({ max: 3 })
			for (const { task, leaseToken } of claimed) await queue.complete(task.taskId, { leaseToken, output: {} })
		}
		const { items } = await queue.list({ status: 'completed' })
		expect(items.filter(({ workerName }) => workerName === 'a')).toHaveLength(6)
	})

	it('come after priority', async () => {
		const { queue, claim } = await createFixture()
		await flood(queue, 'a', 2, 1)
		await flood(queue, 'b', 1)
		expect(workersOf(await claim({ max: 2 }))).toBe('a a')
	})

	it('are those of the rule chooseFairly', async () => {
		// A generator of its own, so that a failure can be repeated.
		let seed = 42
		const random = (below: number) => {
			seed = (seed * 1103515245 + 12345) % 2 ** 31
			return Math.floor((seed / 2 ** 31) * below)
		}
		for (let round = 0; round < 12; round++) {
			const { db, queue, claim } = await createFixture()
			const names = ['a', 'b', 'c', 'd'].slice(0, 1 + random(4))
			for (let n = 0; n < 4 + random(4); n++) await flood(queue, names[random(names.length)] ?? 'a', 1 + random(6), random(2))
			const shares = names.map((name): [string, Share] => [name, { running: random(3), maxRunning: random(2) ? 2 + random(4) : DEFAULT_MAX_RUNNING, served: random(6) }])
			for (const [name, share] of shares) await db.run(sql.insertInto('container_task_shares').values({ worker_name: name, running: share.running, max_running: share.maxRunning, served: share.served }))
			const rows = await db.all(sql.selectFrom('container_tasks').select(['id', 'worker_name', 'priority']))
			const limit = 1 + random(12)
			const chosen = chooseFairly(rows.map(({ id, worker_name, priority }) => ({ id, workerName: worker_name, priority })), new Map(shares), limit)
			await claim({ max: limit })
			const taken = await db.all(sql.selectFrom('container_tasks').select('id').where('status', '=', 'assigned').orderBy('id'))
			expect({ round, ids: taken.map(({ id }) => id) }).toEqual({ round, ids: chosen.toSorted((a, b) => a - b) })
		}
	})
})

describe('how many tasks of a Worker may run at once', () => {
	it('has a default, and a number for each Worker', async () => {
		const { queue, claim } = await createFixture({}, { maxRunning: 3 })
		await flood(queue, 'a', 10)
		await flood(queue, 'b', 10)
		expect(await queue.setMaxRunning('b', 1)).toEqual({ workerName: 'b', running: 0, maxRunning: 1 })
		expect(workersOf(await claim({ max: 50 })).replaceAll(' ', '').split('').toSorted().join('')).toBe('aaab')
		expect(await claim({ max: 50 })).toEqual([])
		await queue.setMaxRunning('b', null)
		expect(workersOf(await claim({ max: 50 }))).toBe('b b')
		await queue.setMaxRunning('a', 0)
		expect((await queue.summary('a')).workers).toEqual([{ workerName: 'a', running: 3, maxRunning: 0 }])
	})

	it('counts again what completes, fails, is tried again or lapses', async () => {
		const { queue, claim, clock } = await createFixture({}, { maxRunning: 4 })
		await flood(queue, 'a', 10)
		const [one, two, three] = await claim({ max: 4 })
		if (!one || !two || !three) throw new Error('nothing to claim')
		await queue.complete(one.task.taskId, { leaseToken: one.leaseToken, output: {} })
		expect(await running(queue)).toEqual({ a: 3 })
		await queue.complete(one.task.taskId, { leaseToken: one.leaseToken, output: {} })
		await queue.fail(two.task.taskId, { leaseToken: two.leaseToken, error: { code: 'X', message: 'x', retryable: false } })
		await queue.fail(three.task.taskId, { leaseToken: three.leaseToken, error: { code: 'X', message: 'x', retryable: true } })
		expect(await running(queue)).toEqual({ a: 1 })
		expect(await claim({ max: 50 })).toHaveLength(3)
		clock.now += LEASE_MS
		await queue.requeueLapsed()
		expect(await running(queue)).toEqual({ a: 0 })
		expect(await claim({ max: 50 })).toHaveLength(4)
	})

	it('counts again what completes together, for each Worker its own', async () => {
		const { queue, claim } = await createFixture()
		await flood(queue, 'a', 3)
		await flood(queue, 'b', 2)
		const held = await claim({ max: 5 })
		await queue.completeMany(held.slice(0, 4).map(({ task, leaseToken }) => ({ taskId: task.taskId, leaseToken, output: {} })), {})
		const [last] = held.slice(4)
		expect(await running(queue)).toEqual({ a: 0, b: 0, [last?.task.workerName ?? '']: 1 })
	})

	it('holds against fifty claims at the same time', async () => {
		const { queue, claim } = await createFixture({}, { maxRunning: 5 })
		await flood(queue, 'a', 50)
		const claims = await Promise.all(Array.from({ length: 50 }, () => claim({ max: 3 })))
		expect(claims.flat()).toHaveLength(5)
	})

	it('holds for a task that is claimed by its id', async () => {
		const { queue } = await createFixture({}, { maxRunning: 1 })
		const [one, two] = await flood(queue, 'a', 2)
		const request = { workerName: 'w', containerName: 'c', taskTypes: ['command' as const], capabilities: [], waitMs: 0, max: 1 }
		expect(await queue.claim(request, { taskId: one?.taskId })).toHaveLength(1)
		expect(await queue.claim(request, { taskId: two?.taskId })).toEqual([])
	})

	it('is counted anew by the sweeper where rows were changed by hand', async () => {
		const { db, queue, claim } = await createFixture()
		await flood(queue, 'a', 3)
		await claim({ max: 2 })
		await db.run(sql.updateTable('container_task_shares').set({ running: 77 }))
		await queue.maintain(1000)
		expect(await running(queue)).toEqual({ a: 2 })
	})
})
