import { createTaskQueueClient } from '@shared/container-task-queue/client'
import { AppError, Principal, SCOPES_OF_KIND } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createFixture } from '../services/container-tasks/testing/fixture.ts'
import type { Services } from '../services.ts'
import { createRouter, errorResponse } from './router.ts'
import { taskRoutes } from './tasks.ts'

/** The client of the shared package against the routes, over a real queue. */
async function open() {
	const { queue } = await createFixture()
	const verify = async (token: string) => {
		if (token !== 'worker' && token !== 'runner') throw new AppError('UNAUTHENTICATED', 'unknown token')
		return Principal.parse({ kind: token, subject: token, scopes: [...SCOPES_OF_KIND[token]], workerName: 'agent-factory', expiresAt: 9e15 })
	}
	const app = createRouter()
	app.use(async (c, next) => {
		c.set('services', { queue, tokens: { verify } } as unknown as Services)
		await next()
	})
	app.onError((error) => errorResponse(error))
	app.route('/', taskRoutes())
	const fetch: typeof globalThis.fetch = async (input, init) => app.request(String(input), init as RequestInit)
	return { client: (token: string) => createTaskQueueClient({ baseURL: 'https://orchestrator.test', token, fetch }) }
}
const runner = { workerName: 'pool', containerName: 'c1' }

describe('the client of the task queue', () => {
	it('takes a plan through its life', async () => {
		const { client } = await open()
		const [worker, pool] = [client('worker'), client('runner')]
		const plan = await worker.submitPlan({ tasks: [{ taskType: 'command', key: 'a' }, { taskType: 'command', key: 'b' }, { taskType: 'command', key: 'c', dependsOn: ['a'] }] })
		const [a, b] = await pool.claim({ ...runner, max: 2 })
		if (!a || !b) throw new Error('nothing to claim')
		expect(await pool.heartbeat(a.task.taskId, { leaseToken: a.leaseToken })).toMatchObject({ cancel: null })
		expect((await pool.complete(a.task.taskId, { leaseToken: a.leaseToken, output: { n: 1 }, claimNext: runner })).next).toMatchObject([{ task: { key: 'c' } }])
		expect(await pool.fail(b.task.taskId, { leaseToken: b.leaseToken, error: { code: 'X', message: 'x' } })).toMatchObject({ status: 'failed' })
		expect(await pool.completeMany({ reports: [{ taskId: a.task.taskId, leaseToken: a.leaseToken, output: {} }] })).toMatchObject({ results: [{ task: { output: { n: 1 } } }], next: [] })
		expect(await worker.plan(plan.planId)).toMatchObject({ counts: { completed: 1, failed: 1, assigned: 1 } })
		const more = await worker.submit({ taskType: 'command' })
		expect(await worker.cancel(more.taskId, 'not needed')).toMatchObject({ outcome: 'cancelled' })
		expect(await worker.get(more.taskId)).toMatchObject({ status: 'failed' })
		expect(await pool.claim(runner)).toEqual([])
	})

	it('throws what the orchestrator answered', async () => {
		const { client } = await open()
		await expect(client('worker').get('CTK-0')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND', retryable: false })
		await expect(client('nobody').claim(runner)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
	})

	it.each([
		['a page of a proxy', () => new Response('<html>', { status: 502 })],
		['an error of another kind', () => Response.json({ error: { code: 'ENOENT', message: 'x' } }, { status: 500 })],
		['nothing', () => new Response(null, { status: 204 })],
	])('calls %s what it is', async (_name, answer) => {
		const client = createTaskQueueClient({ baseURL: 'https://orchestrator.test', token: 't', fetch: async () => answer() })
		await expect(client.get('CTK-0')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
	})
})
