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
		['an unknown task', () => factory.completeTask('CTK-0', {}, { leaseToken: 'x' }), 'CONTAINER_TASK_NOT_FOUND'],
	])('refuses %s', async (_name, call, code) => {
		await expect((async () => await call())()).rejects.toMatchObject({ code })
	})
})
