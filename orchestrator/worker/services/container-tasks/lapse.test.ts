import { afterLapse } from '@shared/container-task-queue'
import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { createFixture, LEASE_MS } from './testing/fixture.ts'

describe('a lease that lapses', () => {
	it('is taken over by the next claim in one call, under another token', async () => {
		const { submit, claimOne, clock, log, settled } = await createFixture()
		await submit()
		const first = await claimOne()
		clock.now += LEASE_MS
		const second = await claimOne()
		expect(second.task).toMatchObject({ taskId: first.task.taskId, attempt: 2, startedAt: null })
		expect(second.leaseToken).not.toBe(first.leaseToken)
		expect(await log()).toEqual(['queue.submitted', 'queue.claimed', 'queue.lapsed', 'queue.claimed'])
		expect(settled).toEqual([])
	})

	it('holds until its last millisecond', async () => {
		const { submit, claimOne, claim, clock } = await createFixture()
		await submit()
		await claimOne()
		clock.now += LEASE_MS - 1
		expect(await claim()).toEqual([])
	})

	it('makes a poison task dead after its last attempt, and tells the listener', async () => {
		const { submit, claimOne, claim, queue, clock, settled } = await createFixture()
		const { taskId } = await submit({ maxAttempts: 3 })
		for (let attempt = 1; attempt <= 3; attempt++) {
			expect((await claimOne()).task.attempt).toBe(attempt)
			clock.now += LEASE_MS
			await queue.requeueLapsed()
			clock.now += 60_000
		}
		expect(await claim()).toEqual([])
		expect(await queue.get(taskId)).toMatchObject({ status: 'failed', outcome: 'dead', error: { code: 'RUNNER_LOST' }, leaseExpiresAt: null })
		expect(settled).toEqual([`${taskId} failed dead`])
	})

	it('does not block the tasks behind a poison task', async () => {
		const { submit, claimOne, clock } = await createFixture()
		const poison = await submit({ priority: 9 })
		const next = await submit()
		expect((await claimOne()).task.taskId).toBe(poison.taskId)
		expect((await claimOne()).task.taskId).toBe(next.taskId)
		clock.now += LEASE_MS
		expect((await claimOne()).task.taskId).toBe(poison.taskId)
	})

	it('ends as timeout when heartbeats kept it up beyond the time of the attempt', async () => {
		const { submit, claimOne, queue, clock } = await createFixture()
		const { taskId } = await submit({ timeoutMs: 40_000 })
		const { leaseToken } = await claimOne()
		clock.now += 20_000
		expect((await queue.heartbeat(taskId, { leaseToken })).leaseExpiresAt).toBe(1_040_000)
		clock.now += 20_000
		await expect(queue.heartbeat(taskId, { leaseToken })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(await queue.requeueLapsed()).toEqual([expect.objectContaining({ taskId, status: 'failed', outcome: 'timeout', error: expect.objectContaining({ code: 'AGENT_TIMEOUT' }) })])
	})

	it('clears any number of leases', async () => {
		const { queue, claim, clock, log } = await createFixture()
		for (const _ of [1, 2, 3]) await queue.submitMany(Array.from({ length: 50 }, () => ({ taskType: 'command' })), { workerName: 'w' })
		for (const _ of [1, 2, 3]) await claim({ max: 50 })
		clock.now += LEASE_MS
		expect(await queue.requeueLapsed()).toHaveLength(150)
		expect((await log()).filter((operation) => operation === 'queue.lapsed')).toHaveLength(150)
		expect(await queue.requeueLapsed()).toEqual([])
	})
})

describe('the SQL and the rule afterLapse', () => {
	const cancel = { code: 'BUDGET_EXCEEDED', message: 'spent' }
	const cases = [1, 2, 3, 4, 5, 9].flatMap((attempt) =>
		[
			{ maxAttempts: 10, timeoutMs: 60_000, cancel: null },
			{ maxAttempts: attempt, timeoutMs: 60_000, cancel: null },
			{ maxAttempts: 10, timeoutMs: LEASE_MS, cancel: null },
			{ maxAttempts: attempt, timeoutMs: LEASE_MS, cancel },
		].map((rest) => ({ attempt, ...rest })),
	)
	it.each(cases)('agree on %j', async (state) => {
		const { db, submit, claimOne, queue, clock } = await createFixture()
		const { taskId } = await submit({ timeoutMs: state.timeoutMs })
		await claimOne()
		const assignedAt = clock.now
		await db.run(
			sql
				.updateTable('container_tasks')
				.set({ attempt: state.attempt, max_attempts: state.maxAttempts, cancel_reason: state.cancel && JSON.stringify(state.cancel) })
				.where('task_id', '=', taskId),
		)
		clock.now += LEASE_MS
		await queue.requeueLapsed()
		const verdict = afterLapse({ ...state, assignedAt }, clock.now)
		expect(await queue.get(taskId)).toMatchObject({ status: verdict.status, outcome: verdict.status === 'failed' ? verdict.outcome : null, error: verdict.error })
		if (verdict.status === 'failed') return
		const row = await db.first(sql.selectFrom('container_tasks').select('run_after').where('task_id', '=', taskId))
		expect(row?.run_after).toBe(verdict.runAfter)
	})
})
