import { expect, it } from 'vitest'
import { createTestServices, ORDER, ORIGIN } from '../../../test/support/services.ts'
import { sql } from '../../database/client.ts'
import { createUnclaimed } from './unclaimed.ts'

it('tells a person, once, about a task that no runner takes, and says what is missing', async () => {
	const { db, orders, ids } = createTestServices()
	const created = await orders.create(ORDER, ORIGIN)
	const clock = { now: Date.now() }
	const unclaimed = createUnclaimed({ db, now: () => clock.now })
	const taskId = ids.containerTask()
	await db.run(sql.insertInto('container_tasks').values({ task_id: taskId, task_type: 'agent-run', requires: 'codex', execution_id: created.executionId, timeout_ms: 1000, worker_name: 'w', created_at: clock.now }))
	expect(await unclaimed.report(60_000)).toBe(0)
	clock.now += 61_000
	expect(await unclaimed.report(60_000)).toBe(1)
	expect(await unclaimed.report(60_000)).toBe(0)
	const followups = await db.all(sql.selectFrom('followups').selectAll().where('task_uuid', '=', created.taskId))
	expect(followups).toEqual([expect.objectContaining({ type: 'blocked', note: expect.stringContaining('codex'), order_id: created.orderId })])
	const lines = await db.all(sql.selectFrom('operation_logs').select('operation').where('execution_id', '=', created.executionId).where('operation', '=', 'sweeper.unclaimed'))
	expect(lines).toHaveLength(1)
})

it('tells of each of many tasks without an execution, and of none twice', async () => {
	const { db, ids } = createTestServices()
	const clock = { now: Date.now() }
	const unclaimed = createUnclaimed({ db, now: () => clock.now })
	const worker_name = 'lonely'
	await db.batch(Array.from({ length: 60 }, () => sql.insertInto('container_tasks').values({ task_id: ids.containerTask(), task_type: 'command', timeout_ms: 1000, worker_name, created_at: clock.now })))
	clock.now += 61_000
	for (const _minute of [1, 2, 3]) await unclaimed.report(60_000)
	const notes = await db.all(sql.selectFrom('followups').select('note').where('worker_name', '=', worker_name))
	const lines = await db.all(sql.selectFrom('operation_logs').select('trace_id').where('worker_name', '=', worker_name))
	expect([notes.length, new Set(notes.map(({ note }) => note)).size, lines.length]).toEqual([60, 60, 60])
	expect(notes[0]?.note).toContain('cancel the task')
	// Other tests claim what is there.
	await db.run(sql.deleteFrom('container_tasks').where('worker_name', '=', worker_name))
})
