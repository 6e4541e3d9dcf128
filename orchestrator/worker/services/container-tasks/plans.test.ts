import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { createFixture, LEASE_MS, origin } from './testing/fixture.ts'

type Fixture = Awaited<ReturnType<typeof createFixture>>
const task = (key: string, ...dependsOn: string[]) => ({ taskType: 'command' as const, key, dependsOn })
const keysOf = (claimed: { task: { key?: string | undefined } }[]) => claimed.map((entry) => entry.task.key).join(' ')
const error = { code: 'AGENT_FAILED', message: 'exit 1', retryable: false }

/** A plan by its keys, with what a test wants to do to its tasks. */
async function openPlan(fixture: Fixture, tasks: (ReturnType<typeof task> & object)[]) {
	const { queue, claim } = fixture
	const plan = await queue.submitPlan({ tasks }, origin)
	const idOf = (key: string) => plan.tasks.find((entry) => entry.key === key)?.taskId ?? 'CTK-none'
	const take = async (key: string) => {
		const [claimed] = await queue.claim({ workerName: 'pool', containerName: 'c1', taskTypes: ['command'], capabilities: [], waitMs: 0, max: 1 }, { taskId: idOf(key) })
		if (!claimed) throw new Error(`${key} cannot be claimed`)
		return { leaseToken: claimed.leaseToken }
	}
	return {
		...plan,
		idOf,
		ready: async () => keysOf(await claim({ max: 50 })),
		complete: async (key: string) => queue.complete(idOf(key), { ...(await take(key)), output: {} }),
		fail: async (key: string) => queue.fail(idOf(key), { ...(await take(key)), error }),
		states: async () => (await queue.plan(plan.planId)).tasks.map((entry) => `${entry.key}:${entry.status}${entry.blockedBy ? `/${entry.blockedBy}` : ''}`).join(' '),
	}
}

describe('a plan', () => {
	it('lets a task start when all that it depends on have completed', async () => {
		const fixture = await createFixture()
		const { complete, states, ready, counts, status } = await openPlan(fixture, [task('report', 'a', 'b'), task('a'), task('b', 'a'), task('alone')])
		expect({ status, counts }).toEqual({ status: 'open', counts: { pending: 4, blocked: 2, assigned: 0, running: 0, completed: 0, failed: 0 } })
		await complete('a')
		expect(await states()).toBe('report:pending/1 a:completed b:pending alone:pending')
		await complete('b')
		expect(await states()).toBe('report:pending a:completed b:completed alone:pending')
		expect(await ready()).toBe('report alone')
	})

	it('counts each edge once, whatever is repeated', async () => {
		const { queue, claimOne, submit, clock } = await createFixture()
		const first = await submit()
		const other = await submit({ requires: 'codex' })
		const last = await submit({ dependsOn: [first.taskId, other.taskId, first.taskId] })
		expect(last.blockedBy).toBe(2)
		const { leaseToken: late } = await claimOne()
		clock.now += LEASE_MS
		const { leaseToken } = await claimOne()
		await expect(queue.complete(first.taskId, { leaseToken: late, output: {} })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		await Promise.all(Array.from({ length: 5 }, () => queue.complete(first.taskId, { leaseToken, output: {} })))
		expect((await queue.get(last.taskId)).blockedBy).toBe(1)
	})

	it('fails what depends on a failed task, near and far, and tells the listener', async () => {
		const fixture = await createFixture()
		const { fail, states, idOf } = await openPlan(fixture, [task('a'), task('b', 'a'), task('c', 'b'), task('d', 'c', 'x'), task('x')])
		await fail('a')
		expect(await states()).toBe('a:failed b:failed c:failed d:failed x:pending')
		expect(await fixture.queue.get(idOf('c'))).toMatchObject({ outcome: 'error', error: { code: 'DEPENDENCY_FAILED', retryable: false, message: expect.stringContaining(idOf('b')) }, completedAt: fixture.clock.now })
		expect(fixture.settled.toSorted()).toEqual(['a', 'b', 'c', 'd'].map((key) => `${idOf(key)} failed error`).toSorted())
		expect((await fixture.log()).filter((operation) => operation === 'queue.failed')).toHaveLength(4)
	})

	it('runs a task all the same where that was asked for', async () => {
		const fixture = await createFixture()
		const summary = { ...task('summary', 'a', 'b'), onDependencyFailure: 'run' as const }
		const { fail, states, ready } = await openPlan(fixture, [task('a'), task('b', 'a'), summary])
		await fail('a')
		expect(await states()).toBe('a:failed b:failed summary:pending')
		expect(await ready()).toBe('summary')
	})

	it.each(['cancel', 'lapse'] as const)('hears of an end by %s too', async (how) => {
		const fixture = await createFixture()
		const { queue, claimOne, clock } = fixture
		const { states, idOf } = await openPlan(fixture, [{ ...task('a'), maxAttempts: 1 } as ReturnType<typeof task>, task('b', 'a')])
		if (how === 'cancel') await queue.cancel(idOf('a'), 'not needed')
		else {
			await claimOne()
			clock.now += LEASE_MS
			await queue.requeueLapsed()
		}
		expect(await states()).toBe('a:failed b:failed')
		expect(fixture.settled).toHaveLength(2)
	})

	it('goes on waiting while a task is tried again, or only asked to stop', async () => {
		const fixture = await createFixture()
		const { queue, claimOne } = fixture
		const { states, idOf } = await openPlan(fixture, [task('a'), task('b', 'a')])
		const { leaseToken } = await claimOne()
		await queue.cancel(idOf('a'), 'stop')
		expect(await states()).toBe('a:assigned b:pending/1')
		await queue.fail(idOf('a'), { leaseToken, error: { ...error, retryable: true } })
		expect(await states()).toBe('a:failed b:failed')
	})

	it('may wait for tasks that were there before, ended or not', async () => {
		const { queue, submit, claimOne } = await createFixture()
		const [done, failed, open] = [await submit({ priority: 9 }), await submit({ priority: 8 }), await submit()]
		await queue.complete(done.taskId, { leaseToken: (await claimOne()).leaseToken, output: {} })
		await queue.fail(failed.taskId, { leaseToken: (await claimOne()).leaseToken, error })
		const plan = await queue.submitPlan(
			{ tasks: [task('free', done.taskId), task('blocked', done.taskId, open.taskId), task('doomed', failed.taskId), task('far', 'doomed'), { ...task('any', failed.taskId, 'far'), onDependencyFailure: 'run' }] },
			origin,
		)
		expect(plan.tasks.map(({ status, blockedBy = 0 }) => `${status}/${blockedBy}`)).toEqual(['pending/0', 'pending/1', 'failed/0', 'failed/0', 'pending/0'])
	})

	it('is stored whole or not at all', async () => {
		const { db, queue } = await createFixture()
		const bad: [object[], string][] = [
			[[task('a', 'b'), task('b', 'a')], 'CONTAINER_TASK_INVALID'],
			[[task('a'), task('a')], 'CONTAINER_TASK_INVALID'],
			[[task('a'), task('b', 'c')], 'CONTAINER_TASK_INVALID'],
			[[task('a'), task('b', 'CTK-0000000000000000')], 'CONTAINER_TASK_INVALID'],
			[[{ ...task('a'), idempotencyKey: 'k' }, task('b', 'a')], 'CONTAINER_TASK_INVALID'],
			[[task('a'), { ...task('b'), priority: 1.5 }], 'INVALID_INPUT'],
			[[{ ...task('a'), runAfter: -1 }], 'INVALID_INPUT'],
			[Array.from({ length: 9 }, (_, n) => ({ ...task(`k${n}`), parameters: { text: 'x'.repeat(950_000) } })), 'PAYLOAD_TOO_LARGE'],
		]
		for (const [tasks, code] of bad) await expect(queue.submitPlan({ tasks: tasks as [] }, origin)).rejects.toMatchObject({ code })
		for (const table of ['container_tasks', 'container_task_plans', 'container_task_dependencies', 'operation_logs'] as const) expect(await db.all(sql.selectFrom(table).selectAll())).toEqual([])
	})

	it('does not tell of tasks of others', async () => {
		const { queue, submit } = await createFixture()
		const foreign = await submit()
		const plan = await queue.submitPlan({ tasks: [task('a')] }, origin)
		await expect(queue.submitPlan({ tasks: [task('b', foreign.taskId)] }, { workerName: 'other' })).rejects.toMatchObject({ code: 'CONTAINER_TASK_INVALID' })
		await expect(queue.plan(plan.planId, 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		await expect(queue.plan('PLN-../../../secrets')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
	})

	it('is submitted once with a key, also at the same time', async () => {
		const { queue, log } = await createFixture()
		const submit = (key: string, ...tasks: ReturnType<typeof task>[]) => queue.submitPlan({ tasks, idempotencyKey: key }, origin)
		const plans = await Promise.all(Array.from({ length: 10 }, () => submit('once', task('a'), task('b', 'a'))))
		expect(new Set(plans.map((plan) => JSON.stringify(plan))).size).toBe(1)
		expect(await log()).toEqual(['queue.submitted', 'queue.submitted'])
		await expect(submit('once', task('other'))).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
		expect((await queue.submitPlan({ tasks: [task('a')], idempotencyKey: 'once' }, { workerName: 'other' })).planId).not.toBe(plans[0]?.planId)
	})

	it('takes a hundred tasks in a chain, and fails them all with the first', async () => {
		const fixture = await createFixture()
		const { fail, planId } = await openPlan(fixture, Array.from({ length: 100 }, (_, n) => task(`t${n}`, ...(n > 0 ? [`t${n - 1}`] : []))))
		await fail('t0')
		expect(await fixture.queue.plan(planId)).toMatchObject({ status: 'failed', counts: { failed: 100, pending: 0 } })
	})

	it('wakes who waits when a task is free', async () => {
		const fixture = await createFixture()
		const { complete } = await openPlan(fixture, [{ ...task('a') }, task('b', 'a')])
		await complete('a')
		expect(keysOf(await fixture.claim({ waitMs: 30_000 }))).toBe('b')
	})
})

describe('a task for later', () => {
	it.each([
		{ name: 'delayMs', input: { delayMs: 5000 } },
		{ name: 'runAfter', input: { runAfter: 1_005_000 } },
		{ name: 'the later of both', input: { delayMs: 5000, runAfter: 1_004_000 } },
	])('is not claimed before its time: $name', async ({ input }) => {
		const { submit, claim, claimOne, clock } = await createFixture()
		const { taskId, runAfter } = await submit({ ...input, priority: 9 })
		const now = await submit()
		expect(runAfter).toBe(1_005_000)
		expect((await claimOne()).task.taskId).toBe(now.taskId)
		clock.now += 4999
		expect(await claim()).toEqual([])
		clock.now += 1
		expect((await claimOne()).task).toMatchObject({ taskId, status: 'assigned' })
	})

	it('waits for its time and for others', async () => {
		const { queue, submit, claimOne, claim, clock } = await createFixture()
		const first = await submit()
		const last = await submit({ dependsOn: [first.taskId], delayMs: 5000 })
		clock.now += 6000
		await queue.requeueLapsed()
		expect((await claimOne()).task.taskId).toBe(first.taskId)
		expect(await claim()).toEqual([])
		expect(await queue.get(last.taskId)).toMatchObject({ blockedBy: 1 })
	})

	it('is let in by claims even while they find other things to do', async () => {
		const { submit, claimOne, clock } = await createFixture()
		for (const _ of [1, 2, 3]) await submit()
		const { taskId } = await submit({ priority: 9, delayMs: 1000 })
		clock.now += 1000
		await claimOne()
		expect((await claimOne()).task.taskId).toBe(taskId)
	})

	it('is let in by the sweeper, however many there are', async () => {
		const { db, queue, clock } = await createFixture()
		for (const _ of [1, 2, 3]) await queue.submitMany(Array.from({ length: 100 }, () => ({ taskType: 'command', delayMs: 10 })), origin)
		clock.now += 10
		await queue.requeueLapsed()
		expect(await db.all(sql.selectFrom('container_tasks').select('id').where('run_after', '>', 0))).toEqual([])
	})
})
