import { describe, expect, it } from 'vitest'
import { createTestServices, ORDER, ORIGIN } from '../../../test/support/services.ts'
import { sql } from '../../database/client.ts'
import { createDispatcher } from './dispatcher.ts'
import type { WorkflowPort } from './dispatcher.ts'

async function setUp(state: Awaited<ReturnType<WorkflowPort['state']>> = 'none') {
	const services = createTestServices()
	const created = await services.orders.create(ORDER, ORIGIN)
	const executionId = created.executionId ?? ''
	const instances = new Set<string>()
	const nudged: string[] = []
	const workflow: WorkflowPort = {
		create: async (id) => !instances.has(id) && Boolean(instances.add(id)),
		state: async () => state,
		nudge: async (id) => void nudged.push(id),
	}
	const clock = { now: Date.now() }
	const resent: string[] = []
	const dispatcher = createDispatcher({
		db: services.db, now: () => clock.now, workflow, workerName: 'test',
		enqueue: async (message) => void resent.push(message.execution_id),
		fail: services.settlement.fail,
		messageOf: () => services.sent[0] ?? (() => { throw new Error('nothing was sent') })(),
	})
	const operations = async () => (await services.db.all(sql.selectFrom('operation_logs').select('operation').where('execution_id', '=', executionId).orderBy('id'))).map((row) => row.operation)
	return { ...services, executionId, dispatcher, instances, nudged, resent, clock, operations, message: services.sent[0] }
}

describe('dispatcher', () => {
	it('starts one Workflow for a message, however often it comes', async () => {
		const { dispatcher, message, instances, operations, executionId } = await setUp()
		await dispatcher.start(message, 'm1')
		await dispatcher.start(message, 'm1')
		await dispatcher.start(message, 'm2')
		expect([...instances]).toEqual([executionId])
		expect((await operations()).filter((operation) => operation === 'queue.duplicate')).toHaveLength(2)
	})

	it('does nothing for an execution that has ended', async () => {
		const { dispatcher, message, instances, settlement, executionId } = await setUp()
		await settlement.complete(executionId, 'c'.repeat(40))
		await dispatcher.start(message, 'm1')
		expect(instances.size).toBe(0)
	})

	it.each([['nothing', undefined], ['text', 'hello'], ['a value for a secret', { execution_id: 'EXE-0000000000000000', env_vars: ['sk-1'] }]])('refuses %s as a message', async (_name, body) => {
		const { dispatcher } = await setUp()
		await expect(dispatcher.start(body, 'm')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})

	it('fails what is dead-lettered, unless its Workflow lives', async () => {
		const dead = await setUp('none')
		await dead.dispatcher.bury(dead.message, 'm')
		expect(await dead.executions.get(dead.executionId)).toMatchObject({ status: 'failed', error: { code: 'UNAVAILABLE' } })
		const alive = await setUp('alive')
		await alive.dispatcher.bury(alive.message, 'm')
		expect(await alive.executions.get(alive.executionId)).toMatchObject({ status: 'queued' })
		await alive.dispatcher.bury('rubbish', 'm9')
	})

	it.each([
		['a lost message is sent again', 'none', 'sweeper.requeued'],
		['a waiting Workflow is nudged', 'alive', 'sweeper.nudged'],
		['a Workflow that ended without a result fails the execution', 'ended', 'sweeper.failed'],
	] as const)('%s, and the log says why', async (_name, state, operation) => {
		const { dispatcher, clock, operations, resent, nudged, executionId, executions } = await setUp(state)
		expect((await dispatcher.sweep(30_000)).map((repair) => repair.executionId)).not.toContain(executionId)
		clock.now += 31_000
		expect((await dispatcher.sweep(30_000)).map((repair) => repair.executionId)).toContain(executionId)
		expect(await operations()).toContain(operation)
		expect(resent.includes(executionId) || nudged.includes(executionId) || (await executions.get(executionId)).status === 'failed').toBe(true)
		expect((await dispatcher.sweep(30_000)).map((repair) => repair.executionId)).not.toContain(executionId)
	})
})
