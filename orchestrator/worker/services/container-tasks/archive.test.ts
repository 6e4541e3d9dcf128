import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { archiveClosed } from './archive.ts'
import { createOutputStore } from './outputStore.ts'
import { createFixture, origin } from './testing/fixture.ts'

const DAY_MS = 86_400_000
const KEEP_MS = 30 * DAY_MS

async function openArchive() {
	const fixture = await createFixture()
	const { queue, db, claimOne } = fixture
	return {
		...fixture,
		async finish(taskId: string, output: Record<string, unknown> = { id: taskId }) {
			const { task, leaseToken } = await claimOne()
			if (task.taskId !== taskId) throw new Error('another task was first')
			return queue.complete(taskId, { leaseToken, output })
		},
		left: async () => (await db.all(sql.selectFrom('container_tasks').select('task_id').orderBy('id'))).map(({ task_id }) => task_id),
		count: async (table: 'container_task_evidence' | 'container_task_plans' | 'container_task_dependencies') => (await db.all(sql.selectFrom(table).selectAll())).length,
	}
}

describe('maintain', () => {
	it('moves what ended long ago to the bucket, and finds it there', async () => {
		const { submit, finish, queue, clock, left, count } = await openArchive()
		const old = await submit()
		const done = await finish(old.taskId, { exitCode: 0, stdout: 'z'.repeat(100_000) })
		await expect(queue.complete(old.taskId, { leaseToken: 'lease_late', output: { late: true } })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		const evidence = await queue.evidence(old.taskId)
		clock.now += KEEP_MS
		const young = await submit()
		await finish(young.taskId)
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 0, plans: 0 })
		clock.now += 1
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 1, plans: 0 })
		expect(await left()).toEqual([young.taskId])
		expect(await count('container_task_evidence')).toBe(0)
		expect(await queue.get(old.taskId)).toEqual(done)
		expect(await queue.evidence(old.taskId)).toEqual(evidence)
		await expect(queue.get(old.taskId, 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		await expect(queue.evidence(old.taskId, 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		await expect(queue.get('../../secrets')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
	})

	it('never moves a task that is open, however old', async () => {
		const { submit, claimOne, queue, clock, left } = await openArchive()
		const leased = await submit()
		await claimOne()
		const later = await submit({ delayMs: 10 * DAY_MS })
		const failing = await submit()
		const { leaseToken } = await claimOne()
		await queue.fail(failing.taskId, { leaseToken, error: { code: 'X', message: 'x', retryable: true } })
		clock.now += 10 * KEEP_MS
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 0, plans: 0 })
		expect(await left()).toEqual([leased.taskId, later.taskId, failing.taskId])
	})

	it('keeps a plan together, and what an open task depends on', async () => {
		const { submit, finish, queue, clock, left, count } = await openArchive()
		const before = await submit({ priority: 9 })
		await finish(before.taskId)
		const plan = await queue.submitPlan({ tasks: [{ taskType: 'command', key: 'a', priority: 5 }, { taskType: 'command', key: 'b', dependsOn: ['a', before.taskId] }] }, origin)
		const [a, b] = plan.tasks
		if (!a || !b) throw new Error('no plan')
		await finish(a.taskId)
		clock.now += KEEP_MS + 1
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 0, plans: 0 })
		await finish(b.taskId)
		const whole = await queue.plan(plan.planId)
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 2, plans: 0 })
		expect(await queue.plan(plan.planId)).toEqual(whole)
		clock.now += KEEP_MS + 1
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 1, plans: 1 })
		expect([await left(), await count('container_task_plans'), await count('container_task_dependencies')]).toEqual([[], 0, 0])
		expect(await queue.plan(plan.planId, origin.workerName)).toEqual(whole)
		await expect(queue.plan(plan.planId, 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
	})

	it('does a round again that broke off between the bucket and the table', async () => {
		const { submit, finish, queue, db, clock } = await openArchive()
		const { taskId } = await submit()
		const done = await finish(taskId)
		clock.now += KEEP_MS + 1
		const outputs = createOutputStore(env.OUTPUTS)
		const broken = { ...db, batch: async () => Promise.reject(new Error('database away')) }
		await expect(archiveClosed({ db: broken, outputs }, clock.now - KEEP_MS, 1)).rejects.toThrow('database away')
		expect(await queue.get(taskId)).toEqual(done)
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 1, plans: 0 })
		expect(await queue.get(taskId)).toEqual(done)
	})

	it('keeps the table as it is when the bucket is away', async () => {
		const { submit, finish, db, clock, left } = await openArchive()
		const { taskId } = await submit()
		await finish(taskId)
		clock.now += KEEP_MS + 1
		const outputs = { get: async () => null, put: async () => Promise.reject(new Error('bucket away')) }
		await expect(archiveClosed({ db, outputs }, clock.now - KEEP_MS, 1)).rejects.toThrow('bucket away')
		expect(await left()).toEqual([taskId])
	})

	it('moves many, in rounds, and stops where it is told to', async () => {
		const { queue, db, clock, left } = await openArchive()
		await queue.submitMany(Array.from({ length: 70 }, () => ({ taskType: 'command' })), origin)
		await db.run(sql.updateTable('container_tasks').set({ status: 'failed', outcome: 'error', completed_at: clock.now }))
		clock.now += KEEP_MS + 1
		expect(await archiveClosed({ db, outputs: createOutputStore(env.OUTPUTS) }, clock.now - KEEP_MS, 1)).toEqual({ tasks: 50, plans: 0 })
		expect(await left()).toHaveLength(20)
		expect(await queue.maintain(KEEP_MS)).toEqual({ tasks: 20, plans: 0 })
	})
})
