import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { heartbeatStatement } from '../../database/repositories/containerTaskLeases.ts'
import { createFixture, LEASE_MS, origin } from './testing/fixture.ts'

const event = (text: string, more: object = {}) => ({ at: 7, kind: 'tool' as const, text, ...more })

it('returns a new task as it is stored, without having read it', async () => {
	const { queue, clock } = await createFixture()
	const plain = { taskType: 'command' as const, command: ['true'], parameters: { text: 'ü', list: [1, null], left: undefined } }
	const choosy = { ...plain, priority: 7, containerName: 'c', targetWorker: 'w', requires: 'codex', maxAttempts: 1, timeoutMs: 5000, runAfter: clock.now + 5, onDependencyFailure: 'run' as const }
	const submitted = [await queue.submit(plain, origin), await queue.submit({ ...plain, delayMs: 10 }, origin), ...(await queue.submitMany([choosy, { ...choosy, key: 'one' }, plain], origin)), ...(await queue.submitPlan({ tasks: [{ ...plain, key: 'a' }, { ...plain, dependsOn: ['a'] }] }, origin)).tasks]
	for (const task of submitted) expect(task).toEqual(await queue.get(task.taskId))
})

it('hands a task out as it is stored, also on a later attempt', async () => {
	const { queue, claim, submit, clock } = await createFixture()
	const { taskId } = await submit({ parameters: { text: 'ü' }, priority: 7, containerName: 'c1', requires: 'codex', delayMs: 5 })
	for (const attempt of [1, 2]) {
		clock.now += 3_600_000
		const [claimed] = await claim({ capabilities: ['codex'] })
		expect(claimed?.task).toMatchObject({ taskId, attempt, status: 'assigned', error: attempt === 1 ? null : { code: 'X' } })
		expect(claimed?.task).toEqual(await queue.get(taskId))
		await queue.heartbeat(taskId, { leaseToken: claimed?.leaseToken ?? '', progress: [] })
		await queue.fail(taskId, { leaseToken: claimed?.leaseToken, error: { code: 'X', message: 'x', retryable: true }, output: { exitCode: 1 } })
	}
})

describe('submit', () => {
	it('returns the first task for a known key, also at the same time, and logs it once', async () => {
		const { queue, submit, log } = await createFixture()
		const tasks = await Promise.all(Array.from({ length: 20 }, () => submit({ idempotencyKey: 'k' })))
		expect(new Set(tasks.map((task) => task.taskId)).size).toBe(1)
		expect(await log()).toEqual(['queue.submitted'])
		expect((await queue.submit({ taskType: 'command', idempotencyKey: 'k' }, { workerName: 'other' })).taskId).not.toBe(tasks[0]?.taskId)
	})

	it('keeps the order of long and short tasks, and makes one task of a key', async () => {
		const { queue, claim } = await createFixture()
		const inputs = ['', 'x'.repeat(390_000), '', 'y'.repeat(390_000), 'z'.repeat(390_000), ''].map((text, n) => ({ taskType: 'command' as const, parameters: { n, text }, ...(n > 3 ? { idempotencyKey: 'one' } : {}) }))
		const tasks = await queue.submitMany(inputs, origin)
		expect(tasks.map(({ parameters }) => parameters['n'])).toEqual([0, 1, 2, 3, 4, 4])
		expect(tasks.map(({ parameters }) => parameters)).toEqual([...inputs.slice(0, 5), inputs[4]].map((input) => input?.parameters))
		expect((await claim({ max: 10 })).map(({ task }) => task.taskId)).toEqual(tasks.slice(0, 5).map(({ taskId }) => taskId))
		expect(await queue.submitMany(inputs.slice(5), origin)).toMatchObject([{ taskId: tasks[4]?.taskId, status: 'assigned' }])
		expect(await queue.submitMany(inputs.slice(5), { workerName: 'other' })).toMatchObject([{ parameters: { n: 5 } }])
	})

	it('stores many tasks in order, all or none', async () => {
		const { queue } = await createFixture()
		const many = Array.from({ length: 100 }, (_, n) => ({ taskType: 'command' as const, parameters: { n } }))
		expect((await queue.submitMany(many, origin)).map((task) => task.parameters['n'])).toEqual(many.map((task) => task.parameters.n))
		await expect(queue.submitMany([...many, ...many], origin)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await expect(queue.submitMany([{ taskType: 'command' }, { taskType: 'command', priority: 1.5 }], origin)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		const first = await queue.list({ limit: 60 })
		const rest = await queue.list({ limit: 60, ...(first.nextCursor ? { cursor: first.nextCursor } : {}) })
		expect([first.items.length, rest.items.length, rest.nextCursor]).toEqual([60, 40, null])
		expect(first.items[0]?.parameters).toEqual({ n: 99 })
		await expect(queue.list({ cursor: 'x' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})

	it.each([
		{ name: 'an unknown type', input: { taskType: 'magic' as 'command' }, code: 'INVALID_INPUT' },
		{ name: 'a run without its parameters', input: { taskType: 'agent-run' as const }, code: 'CONTAINER_TASK_INVALID' },
		{ name: 'a definition too big for a row', input: { parameters: { text: 'x'.repeat(1_100_000) } }, code: 'PAYLOAD_TOO_LARGE' },
		{ name: 'an unknown field', input: { shell: true } as object, code: 'INVALID_INPUT' },
	])('refuses $name', async ({ input, code }) => {
		const { submit, log } = await createFixture()
		await expect(submit(input)).rejects.toMatchObject({ code })
		expect(await log()).toEqual([])
	})
})

describe('heartbeat', () => {
	it('does not shorten the lease when a later one was faster', async () => {
		const { db, submit, claimOne, queue, clock } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const late = heartbeatStatement({ taskId, leaseToken, now: clock.now + 10 }, LEASE_MS)
		clock.now += 1000
		const { leaseExpiresAt } = await queue.heartbeat(taskId, { leaseToken })
		expect(await db.first(late)).toMatchObject({ lease_expires_at: leaseExpiresAt })
	})

	it('starts the task, lengthens the lease and keeps what was said, once', async () => {
		const { db, submit, claimOne, queue, clock, log } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		clock.now += 10_000
		const progress = [event('npm test'), { at: 8, kind: 'unknown' as const, text: 'noise' }, event('with key sk-abcdefghijklmnop', { data: { long: 'x'.repeat(9000) } })]
		expect(await queue.heartbeat(taskId, { leaseToken, progress })).toEqual({ leaseExpiresAt: 1_010_000 + LEASE_MS, cancel: null })
		clock.now += 10_000
		await queue.heartbeat(taskId, { leaseToken, progress: [{ at: 9, kind: 'warning', text: 'slow' }] })
		expect(await queue.get(taskId)).toMatchObject({ status: 'running', startedAt: 1_010_000, leaseExpiresAt: 1_020_000 + LEASE_MS })
		expect(await log()).toEqual(['queue.submitted', 'queue.claimed', 'queue.running', 'agent.tool', 'agent.tool', 'agent.warning'])
		const lines = await db.all(sql.selectFrom('operation_logs').selectAll().where('source', '=', 'runner').orderBy('id'))
		expect(lines[0]).toMatchObject({ level: 'info', worker_name: 'agent-factory', container_name: 'c1', created_at: 1_010_000 })
		expect(JSON.parse(lines[0]?.details ?? '')).toEqual({ taskId, at: 7, text: 'npm test' })
		expect(lines[1]?.details).not.toContain('sk-abc')
		expect(lines[1]?.details.length).toBeLessThan(5000)
		expect(lines[2]?.level).toBe('warn')
	})

	it('takes the most that a request may carry', async () => {
		const { submit, claimOne, queue, log } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const progress = Array.from({ length: 1000 }, (_, n) => event('y'.repeat(2000), { at: n, data: { z: 'z'.repeat(3000) } }))
		await queue.complete(taskId, { leaseToken, output: {}, progress })
		expect((await log()).filter((operation) => operation === 'agent.tool')).toHaveLength(1000)
	})

	it('is refused with a token that does not hold, and leaves no trace', async () => {
		const { submit, claimOne, queue, clock, log } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		await expect(queue.heartbeat(taskId, { leaseToken: 'other', progress: [event('x')] })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		clock.now += LEASE_MS
		await expect(queue.heartbeat(taskId, { leaseToken, progress: [event('x')] })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(await log()).toEqual(['queue.submitted', 'queue.claimed'])
	})
})

describe('cancel', () => {
	it('closes a pending task at once, and may be repeated', async () => {
		const { submit, claim, queue, settled, log } = await createFixture()
		const { taskId } = await submit()
		const task = await queue.cancel(taskId, 'not needed')
		expect(task).toMatchObject({ status: 'failed', outcome: 'cancelled', error: { code: 'EXECUTION_CANCELLED', message: 'not needed' } })
		expect(await queue.cancel(taskId, 'again')).toEqual(task)
		expect(await claim()).toEqual([])
		expect(settled).toEqual([`${taskId} failed cancelled`])
		expect(await log()).toEqual(['queue.submitted', 'queue.cancelled'])
	})

	it('reaches a running task with its next heartbeat; its failure is then no failure to retry', async () => {
		const { submit, claimOne, queue, settled } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		await queue.heartbeat(taskId, { leaseToken })
		expect(await queue.cancel(taskId, 'changed my mind')).toMatchObject({ status: 'running', outcome: null })
		expect(await queue.cancel(taskId, 'second reason')).toMatchObject({ status: 'running' })
		expect((await queue.heartbeat(taskId, { leaseToken })).cancel).toEqual({ code: 'EXECUTION_CANCELLED', message: 'changed my mind' })
		const error = { code: 'EXECUTION_CANCELLED', message: 'stopped', retryable: true }
		expect(await queue.fail(taskId, { leaseToken, error, output: { partial: 1 } })).toMatchObject({ status: 'failed', outcome: 'cancelled', output: { partial: 1 } })
		expect(settled).toEqual([`${taskId} failed cancelled`])
	})

	it('ends a task whose runner is gone, instead of another attempt', async () => {
		const { submit, claimOne, queue, clock } = await createFixture()
		const { taskId } = await submit()
		await claimOne()
		await queue.cancel(taskId, 'stop')
		clock.now += LEASE_MS
		await queue.requeueLapsed()
		expect(await queue.get(taskId)).toMatchObject({ status: 'failed', outcome: 'cancelled', error: { code: 'EXECUTION_CANCELLED', retryable: false } })
	})

	it('comes from the listener too, and is kept with the task', async () => {
		const reason = { code: 'BUDGET_EXCEEDED', message: '2 USD are spent' }
		const { submit, claimOne, queue, clock, log } = await createFixture({ shouldCancel: async () => reason })
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		for (const _ of [1, 2]) expect((await queue.heartbeat(taskId, { leaseToken })).cancel).toEqual(reason)
		expect((await log()).filter((operation) => operation === 'queue.cancelled')).toHaveLength(1)
		clock.now += LEASE_MS
		expect(await queue.requeueLapsed()).toEqual([expect.objectContaining({ outcome: 'cancelled', error: { ...reason, retryable: false } })])
	})

	it('does not stop a run because the listener failed', async () => {
		const { submit, claimOne, queue, log } = await createFixture({
			shouldCancel: async () => {
				throw new Error('database away')
			},
		})
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		expect((await queue.heartbeat(taskId, { leaseToken })).cancel).toBeNull()
		expect(await log()).toContain('queue.listener-failed')
	})

	it('is refused for a task that ended otherwise', async () => {
		const { submit, claimOne, queue } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		await queue.complete(taskId, { leaseToken, output: {} })
		await expect(queue.cancel(taskId, 'too late')).rejects.toMatchObject({ code: 'CONTAINER_TASK_CLOSED' })
	})
})
