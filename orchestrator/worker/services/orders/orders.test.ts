import { isAppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createTestServices, ORDER, ORIGIN, WORKSPACE } from '../../../test/support/services.ts'

async function refusal(work: () => Promise<unknown>) {
	try {
		await work()
	} catch (error) {
		if (isAppError(error)) return error
		throw error
	}
	throw new Error('nothing was refused')
}

describe('orders', () => {
	it('stores order and task, routes, queues, and says so in the log', async () => {
		const { orders, executions, sent } = createTestServices()
		const created = await orders.create({ ...ORDER, context: { ticket: 7 } }, ORIGIN)
		expect(created).toMatchObject({ workspaceId: WORKSPACE, route: { mode: 'automatic' } })
		expect(await orders.get(created.orderId)).toMatchObject({ status: 'open', branch: `factory/${created.orderId}`, workerName: 'test-worker', tasks: [{ status: 'running', executionId: created.executionId }] })
		expect(sent).toEqual([expect.objectContaining({ execution_id: created.executionId, env_vars: [expect.stringMatching(/_API_KEY$/)] })])
		const log = await executions.log(created.executionId ?? '', {})
		expect(log.items.map((line) => line.operation)).toEqual(['execution.queued'])
	})

	it('creates only, when execute is false', async () => {
		const { orders, sent } = createTestServices()
		expect(await orders.create({ ...ORDER, execute: false }, ORIGIN)).toMatchObject({ executionId: null, route: null })
		expect(sent).toEqual([])
	})

	it('answers a repeated key with the first order, also when both come at once', async () => {
		const { orders } = createTestServices()
		const both = await Promise.all([orders.create(ORDER, ORIGIN, 'same'), orders.create(ORDER, ORIGIN, 'same')])
		const third = await orders.create(ORDER, ORIGIN, 'same')
		expect(new Set([...both, third].map((created) => created.orderId)).size).toBe(1)
		expect(new Set([...both, third].map((created) => created.executionId)).size).toBe(1)
		expect((await refusal(() => orders.create({ ...ORDER, prompt: 'Another' }, ORIGIN, 'same'))).code).toBe('IDEMPOTENCY_CONFLICT')
		expect((await orders.create(ORDER, { workerName: 'somebody-else' }, 'same')).orderId).not.toBe(third.orderId)
	})

	it('answers a repeated key of a task with the first task, also when both come at once', async () => {
		const { orders, sent } = createTestServices()
		const { orderId } = await orders.create({ ...ORDER, execute: false }, ORIGIN)
		const other = await orders.create({ ...ORDER, execute: false }, ORIGIN)
		const task = { prompt: 'One more' }
		const keyed = { ...ORIGIN, idempotencyKey: 'once' }
		const both = await Promise.all([orders.addTask(orderId, task, keyed), orders.addTask(orderId, task, keyed)])
		const third = await orders.addTask(orderId, task, keyed)
		expect(new Set([...both, third].map(({ taskId }) => taskId)).size).toBe(1)
		expect(new Set([...both, third].map(({ executionId }) => executionId))).toEqual(new Set([expect.stringMatching(/^EXE-/)]))
		expect(sent).toHaveLength(1)
		expect((await orders.get(orderId)).tasks).toHaveLength(2)
		for (const repeat of [() => orders.addTask(orderId, { prompt: 'Another' }, keyed), () => orders.addTask(other.orderId, task, keyed)]) expect((await refusal(repeat)).code).toBe('IDEMPOTENCY_CONFLICT')
		expect((await orders.addTask(orderId, task, { workerName: 'somebody-else', idempotencyKey: 'once' })).taskId).not.toBe(third.taskId)
	})

	it('starts the work of a repeated task that was stored only', async () => {
		const keys: string[] = []
		const { orders, sent } = createTestServices({ keys })
		const { orderId } = await orders.create({ ...ORDER, execute: false }, ORIGIN)
		const add = () => orders.addTask(orderId, { prompt: 'One more' }, { ...ORIGIN, idempotencyKey: 'no provider yet' })
		const stored = (await refusal(add)).details?.['taskId']
		keys.push('CODEX_API_KEY')
		expect(await add()).toMatchObject({ taskId: stored, executionId: expect.stringMatching(/^EXE-/) })
		expect([sent.length, (await orders.get(orderId)).tasks.length]).toEqual([1, 2])
	})

	it('loses nothing when the queue is down: the execution waits for the sweeper', async () => {
		const { orders, executions, queueState } = createTestServices()
		queueState.isDown = true
		const created = await orders.create(ORDER, ORIGIN)
		expect(await executions.get(created.executionId ?? '')).toMatchObject({ status: 'queued' })
	})

	it('pages, newest first, and refuses a cursor that is not one', async () => {
		let clock = Date.parse('2040-01-01')
		const { orders } = createTestServices({ now: () => clock++ })
		const pager = { workerName: 'pager' }
		const made: string[] = []
		for (let index = 0; index < 5; index++) made.push((await orders.create({ ...ORDER, execute: false }, pager)).orderId)
		const seen: string[] = []
		for (let cursor: string | undefined; ; ) {
			const page = await orders.list({ limit: 2, cursor }, 'pager')
			seen.push(...page.items.map((order) => order.orderId))
			if (page.nextCursor === null) break
			cursor = page.nextCursor
		}
		expect(seen).toEqual(made.reverse())
		for (const cursor of ['%%%', btoa('x y'), btoa('12'), '']) expect((await refusal(() => orders.list({ cursor }))).code).toBe('INVALID_INPUT')
	})

	it.each([
		['nothing', {}],
		['an empty prompt', { ...ORDER, prompt: '' }],
		['a huge prompt', { ...ORDER, prompt: 'x'.repeat(100_001) }],
		['a wrong type', { ...ORDER, taskType: 'destroy' }],
		['a workspace id that is a path', { ...ORDER, workspace: { kind: 'hosted', workspaceId: '../../x' } }],
		['a budget of nothing', { ...ORDER, budgetUsd: 0 }],
	])('refuses %s, saying which field', async (_name, order) => {
		const { orders } = createTestServices()
		const error = await refusal(() => orders.create(order as never, ORIGIN))
		expect(error.code).toBe('INVALID_INPUT')
		expect(error.details?.['issues']).not.toEqual([])
	})

	it('says what is not there', async () => {
		const { orders } = createTestServices()
		expect((await refusal(() => orders.get('ORD-000000'))).code).toBe('ORDER_NOT_FOUND')
		expect((await refusal(() => orders.task('TSK-1'))).code).toBe('TASK_NOT_FOUND')
	})

	it('executes an order for GitHub like any other; no pull request is there before something has landed', async () => {
		const { orders, executions } = createTestServices()
		const created = await orders.create({ ...ORDER, workspace: { kind: 'github', repo: 'a/b', branch: 'main' } }, ORIGIN)
		expect(await executions.get(created.executionId ?? '')).toMatchObject({ workspaceId: WORKSPACE, status: 'queued' })
		expect(await orders.get(created.orderId)).toMatchObject({ workspaceId: WORKSPACE, pullRequest: null })
	})
})
