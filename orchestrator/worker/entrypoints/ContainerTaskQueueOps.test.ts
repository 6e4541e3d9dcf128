import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Env } from '../env.ts'
import { ContainerTaskQueueOps } from './ContainerTaskQueueOps.ts'

/** The entrypoint as the binding of a Worker reaches it. */
const bound = (props: object) => new ContainerTaskQueueOps(Object.assign(createExecutionContext(), { props }), env as unknown as Env)
const factory = bound({ workerName: 'agent-factory' })
const stranger = bound({ workerName: 'stranger' })

describe('ORCHESTRATOR_TASK_QUEUE', () => {
	it('takes a task through its life', async () => {
		const taskId = await factory.submitTask({ taskType: 'command', command: ['true'] })
		expect(await factory.getTask(taskId)).toMatchObject({ taskId, status: 'pending', workerName: 'agent-factory' })
		const claimed = await factory.claimTask('agent-factory', 'c1')
		if (!claimed) throw new Error('nothing to claim')
		expect(claimed.task).toMatchObject({ taskId, assignedTo: 'agent-factory:c1' })
		expect(await factory.heartbeat(taskId, claimed.leaseToken)).toEqual({ leaseExpiresAt: expect.any(Number), cancel: null })
		await expect(factory.completeTask(taskId, {})).rejects.toMatchObject({ code: 'LEASE_REQUIRED' })
		expect(await factory.completeTask(taskId, { ok: 1 }, claimed)).toMatchObject({ status: 'completed', output: { ok: 1 } })
		expect((await factory.getTasks({ status: 'completed' })).items).toHaveLength(1)
		expect(await factory.claimTask('agent-factory', 'c1')).toBeNull()
	})

	it('hides the tasks of one Worker from the others', async () => {
		const taskId = await factory.submitTask({ taskType: 'command' })
		const notFound = { code: 'CONTAINER_TASK_NOT_FOUND' }
		await expect(stranger.getTask(taskId)).rejects.toMatchObject(notFound)
		await expect(stranger.cancelTask(taskId, 'mine now')).rejects.toMatchObject(notFound)
		expect((await stranger.getTasks()).items).toEqual([])
		expect(await stranger.claimTask('stranger', 'c1')).toBeNull()
		await expect(stranger.claimTask('agent-factory', 'c1')).rejects.toMatchObject({ code: 'FORBIDDEN' })
		const claimed = await factory.claimTask('agent-factory', 'c1')
		await expect(stranger.failTask(taskId, { code: 'X', message: 'x', retryable: false }, claimed ?? undefined)).rejects.toMatchObject(notFound)
		expect(await factory.failTask(taskId, { code: 'X', message: 'x', retryable: false }, claimed ?? undefined)).toMatchObject({ status: 'failed', outcome: 'error' })
	})

	it('submits many and cancels', async () => {
		const ids = await factory.submitTasks([{ taskType: 'command' }, { taskType: 'command', priority: 3 }])
		expect(ids).toHaveLength(2)
		for (const id of ids) expect(await factory.cancelTask(id, 'not needed')).toMatchObject({ status: 'failed', outcome: 'cancelled' })
	})

	it('takes a plan through its life, two calls a task', async () => {
		const plan = await factory.submitPlan({ tasks: [{ taskType: 'command', key: 'report', dependsOn: ['a', 'b'] }, { taskType: 'command', key: 'a' }, { taskType: 'command', key: 'b' }], idempotencyKey: 'plan-1' })
		expect(plan).toMatchObject({ status: 'open', counts: { pending: 3, blocked: 1 } })
		const runner = { workerName: 'agent-factory', containerName: 'c1' }
		const [a, b] = await factory.claimTasks({ ...runner, max: 5 })
		if (!a || !b) throw new Error('nothing to claim')
		expect(await factory.completeTask(a.task.taskId, { n: 1 }, { ...a, claimNext: runner })).toMatchObject({ status: 'completed', next: [] })
		const { results, next } = await factory.completeTasks([{ taskId: b.task.taskId, leaseToken: b.leaseToken, output: { n: 2 } }], { claimNext: runner })
		expect(results).toMatchObject([{ task: { status: 'completed' }, error: null }])
		expect(next).toMatchObject([{ task: { key: 'report', planId: plan.planId } }])
		for (const { task, leaseToken } of next) await factory.completeTask(task.taskId, {}, { leaseToken })
		expect(await factory.getPlan(plan.planId)).toMatchObject({ status: 'completed', counts: { completed: 3 } })
		expect((await factory.submitPlan({ tasks: [{ taskType: 'command', key: 'report', dependsOn: ['a', 'b'] }, { taskType: 'command', key: 'a' }, { taskType: 'command', key: 'b' }], idempotencyKey: 'plan-1' })).planId).toBe(plan.planId)
		await expect(stranger.getPlan(plan.planId)).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		expect((await stranger.getSummary()).counts).toMatchObject({ completed: 0 })
		expect((await factory.getSummary()).workers).toMatchObject([{ workerName: 'agent-factory', running: 0 }])
	})

	it('hands a task to the Worker that it is meant for, and to no other', async () => {
		const taskId = await factory.submitTask({ taskType: 'command', targetWorker: 'specialist' })
		const specialist = bound({ workerName: 'specialist' })
		expect(await factory.claimTask('agent-factory', 'c1')).toBeNull()
		expect(await stranger.claimTask('stranger', 'c1')).toBeNull()
		const claimed = await specialist.claimTask('specialist', 'c1')
		expect(claimed?.task).toMatchObject({ taskId, workerName: 'agent-factory', targetWorker: 'specialist' })
		await expect(specialist.cancelTask(taskId, 'not mine to end')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		await expect(stranger.completeTask(taskId, {}, claimed ?? undefined)).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		expect(await specialist.completeTask(taskId, { done: true }, claimed ?? undefined)).toMatchObject({ status: 'completed' })
		expect(await factory.getTask(taskId)).toMatchObject({ output: { done: true } })
	})

	it.each([
		['a caller that its binding does not name', () => bound({}).getTasks(), 'UNAUTHENTICATED'],
		['a run, which comes with a grant', () => factory.submitTask({ taskType: 'agent-run' }), 'FORBIDDEN'],
		['a validation among others', () => factory.submitTasks([{ taskType: 'command' }, { taskType: 'validate' }]), 'FORBIDDEN'],
		['an execution', () => factory.submitTask({ taskType: 'command', executionId: 'EXE-0000000000000000' as never }), 'FORBIDDEN'],
		['no task', () => factory.submitTask(undefined as never), 'INVALID_INPUT'],
		['a task of the wrong shape', () => factory.submitTask({ taskType: 'command', command: 'rm -rf /' as never }), 'INVALID_INPUT'],
		['a filter of the wrong shape', () => factory.getTasks({ status: 'done' as never }), 'INVALID_INPUT'],
		['an id that is no text', () => factory.getTask({} as never), 'INVALID_INPUT'],
		['an output that is no record', () => factory.completeTask('CTK-0', 'text' as never, { leaseToken: 'x' }), 'INVALID_INPUT'],
		['a lease of the wrong shape', () => factory.completeTask('CTK-0', {}, { leaseToken: 7 } as never), 'INVALID_INPUT'],
		['a plan without tasks', () => factory.submitPlan({ tasks: [] }), 'INVALID_INPUT'],
		['a plan that is a text', () => factory.submitPlan('plan' as never), 'INVALID_INPUT'],
		['a plan of 101 tasks', () => factory.submitPlan({ tasks: Array.from({ length: 101 }, () => ({ taskType: 'command' as const })) }), 'INVALID_INPUT'],
		['a plan with a run', () => factory.submitPlan({ tasks: [{ taskType: 'agent-run' }] }), 'FORBIDDEN'],
		['a plan that waits for itself', () => factory.submitPlan({ tasks: [{ taskType: 'command', key: 'a', dependsOn: ['a'] }] }), 'CONTAINER_TASK_INVALID'],
		['a plan that waits for nobody knows what', () => factory.submitTasks([{ taskType: 'command', dependsOn: ['b'] }]), 'CONTAINER_TASK_INVALID'],
		['a key with spaces', () => factory.submitTasks([{ taskType: 'command', key: 'a b' }]), 'INVALID_INPUT'],
		['an unknown plan', () => factory.getPlan('PLN-0'), 'CONTAINER_TASK_NOT_FOUND'],
		['a delay of a year', () => factory.submitTask({ taskType: 'command', delayMs: 365 * 86_400_000 }), 'INVALID_INPUT'],
		['a claim for another Worker in a report', () => factory.completeTask('CTK-0', {}, { leaseToken: 'x', claimNext: { workerName: 'other', containerName: 'c' } }), 'FORBIDDEN'],
		['a claim of the wrong shape in a report', () => factory.completeTask('CTK-0', {}, { leaseToken: 'x', claimNext: { max: 1 } as never }), 'INVALID_INPUT'],
		['a claim that would wait in a report', () => factory.completeTask('CTK-0', {}, { leaseToken: 'x', claimNext: { workerName: 'agent-factory', containerName: 'c', waitMs: 9 } as never }), 'INVALID_INPUT'],
		['no reports', () => factory.completeTasks([]), 'INVALID_INPUT'],
		['51 reports', () => factory.completeTasks(Array.from({ length: 51 }, () => ({ taskId: 'CTK-0', leaseToken: 'x', output: {} }))), 'INVALID_INPUT'],
		['a report without its lease', () => factory.completeTasks([{ taskId: 'CTK-0', output: {} } as never]), 'INVALID_INPUT'],
		['a claim of too many', () => factory.claimTasks({ workerName: 'agent-factory', containerName: 'c', max: 51 }), 'INVALID_INPUT'],
		['an unknown task', () => factory.completeTask('CTK-0', {}, { leaseToken: 'x' }), 'CONTAINER_TASK_NOT_FOUND'],
	])('refuses %s', async (_name, call, code) => {
		await expect((async () => await call())()).rejects.toMatchObject({ code })
	})
})
