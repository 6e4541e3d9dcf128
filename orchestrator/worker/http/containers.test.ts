import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFakeProcessHost } from '../../test/support/fakeProcessHost.ts'
import { forgetPools, request, tokenOf } from '../../test/support/poolDoors.ts'
import { createDatabase, sql } from '../database/client.ts'

const host = createFakeProcessHost()
const db = createDatabase(env.DB)
const operator = await tokenOf('operator', 'console')
const own = await tokenOf('worker', 'doors')
const stranger = await tokenOf('worker', 'stranger')
const runner = await tokenOf('runner', 'doors')

const OWN = 'vibehq-orchestrator'
const status = async (worker = 'doors') => (await request(operator, 'GET', `/api/containers/status?worker=${worker}`)).body as { instances: { instanceId: string; state: string; generation: number }[]; manualTarget: number | null }
const running = async () => (await status()).instances.filter(({ state }) => state === 'running').map(({ instanceId }) => instanceId)

// Pools take their time, and machines theirs.
vi.setConfig({ testTimeout: 30_000 })

beforeAll(() => {
	vi.stubGlobal('fetch', host.fetch)
})
afterAll(async () => {
	await forgetPools(['doors', 'stranger', OWN, 'nowhere'])
	vi.unstubAllGlobals()
	vi.resetConfig()
})

describe('/api/containers', () => {
	it('scales, shows, checks, restarts and drains', async () => {
		expect(await request(operator, 'POST', '/api/containers/scale/2?worker=doors')).toMatchObject({ status: 200, body: { workerName: 'doors', manualTarget: 2 } })
		await vi.waitFor(async () => expect(await running()).toEqual(['runner-0', 'runner-1']), 10_000)
		expect(await request(own, 'GET', '/api/containers/health/runner-0')).toMatchObject({ status: 200, body: { instanceId: 'runner-0', isHealthy: true, statusCode: 200 } })
		expect(await request(own, 'POST', '/api/containers/runner-0/restart?force=true')).toMatchObject({ status: 202, body: { instanceId: 'runner-0' } })
		await vi.waitFor(async () => expect((await status()).instances[0]).toMatchObject({ state: 'running', generation: 2 }), 10_000)
		expect(await request(own, 'POST', '/api/containers/runner-1/drain')).toMatchObject({ status: 202, body: { isDraining: true } })
		expect(await request(own, 'POST', '/api/containers/scale/auto')).toMatchObject({ status: 200, body: { manualTarget: null } })
		await vi.waitFor(async () => expect(await running()).toEqual([]), 10_000)
		expect(host.running('doors')).toEqual([])
		const asked = await db.all(sql.selectFrom('operation_logs').select(['operation', 'details']).where('operation', 'like', '%-asked').where('worker_name', '=', 'doors').orderBy('id'))
		expect(asked.map(({ operation, details }) => [operation, JSON.parse(details)])).toEqual([
			['container.scale-asked', { instances: 2, by: 'operator:a-operator' }],
			['container.restart-asked', { instanceId: 'runner-0', force: true, by: 'worker:a-worker' }],
			['container.drain-asked', { instanceId: 'runner-1', by: 'worker:a-worker' }],
			['container.scale-asked', { instances: null, by: 'worker:a-worker' }],
		])
	})

	it('tells what a pool has used; processes of a host cost nothing', async () => {
		const { body } = await request(own, 'GET', '/api/containers/usage')
		expect(body).toMatchObject({ workerName: 'doors', maxCostUsd: 0, items: [{ instanceType: 'standard-1', maxCostUsd: 0 }] })
		expect((body['items'] as { seconds: number }[])[0]?.seconds).toBeGreaterThan(0)
	})

	it('lists what is written down, page by page', async () => {
		const names = async (path: string) => {
			const { body } = await request(operator, 'GET', path)
			return { ids: (body['items'] as { workerName: string; instanceId: string }[]).map(({ workerName, instanceId }) => `${workerName}/${instanceId}`), next: body['nextCursor'] as string | null }
		}
		const first = await names('/api/containers?limit=1')
		expect(first.ids).toEqual(['doors/runner-0'])
		expect(await names(`/api/containers?limit=5&cursor=${first.next}`)).toEqual({ ids: ['doors/runner-1'], next: null })
		expect((await request(stranger, 'GET', '/api/containers')).body).toEqual({ items: [], nextCursor: null })
		const checks = await request(own, 'GET', '/api/containers/runner-0/health-checks?limit=1')
		expect(checks.body).toMatchObject({ items: [{ instanceId: 'runner-0' }] })
		expect((await request(own, 'GET', `/api/containers/runner-0/health-checks?cursor=${String(checks.body['nextCursor'])}`)).status).toBe(200)
	})

	it.each(['%20', '-1', '1.5', '1e2', '0x1', '1001', '99999', 'NaN', 'all', '5'])('does not scale to %s', async (size) => {
		expect(await request(operator, 'POST', `/api/containers/scale/${size}?worker=doors`)).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
		expect((await status()).manualTarget).toBeNull()
	})

	it.each([
		['an id with a slash', 'GET', '/api/containers/health/..%2Fx', 400],
		['an id that is too long', 'POST', `/api/containers/${'x'.repeat(101)}/restart`, 400],
		['an instance that is not there', 'GET', '/api/containers/health/nobody', 404],
		['the restart of nobody', 'POST', '/api/containers/nobody/restart', 404],
		['the drain of nobody', 'POST', '/api/containers/nobody/drain', 404],
		['a force that is neither', 'POST', '/api/containers/runner-0/restart?force=perhaps', 400],
		['a pool with a strange name', 'GET', '/api/containers/status?worker=a%20b', 400],
		['a pool with a name that is too long', 'GET', `/api/containers/status?worker=${'w'.repeat(101)}`, 400],
		['a page that is too long', 'GET', '/api/containers?limit=1001', 400],
		['a cursor of another kind', 'GET', '/api/containers?cursor=1%20or%201%3D1', 400],
		['a scale by GET', 'GET', '/api/containers/scale/1', 404],
		['a restart by GET', 'GET', '/api/containers/runner-0/restart', 404],
	])('refuses %s', async (_what, method, path, expected) => {
		expect((await request(own, method, path)).status).toBe(expected)
	})

	it('lets a Worker at its own pool only, and a runner at none', async () => {
		const paths = [['GET', '/api/containers/status'], ['GET', '/api/containers/usage'], ['GET', '/api/containers/health/runner-0'], ['GET', '/api/containers/runner-0/health-checks'], ['GET', '/api/containers'], ['POST', '/api/containers/scale/1'], ['POST', '/api/containers/runner-0/restart'], ['POST', '/api/containers/runner-0/drain']] as const
		for (const [method, path] of paths) {
			expect([path, (await request(stranger, method, `${path}?worker=doors`)).code]).toEqual([path, 'FORBIDDEN'])
			expect([path, (await request(runner, method, path)).code]).toEqual([path, 'FORBIDDEN'])
			expect([path, (await request(null, method, path)).code]).toEqual([path, 'UNAUTHENTICATED'])
		}
		expect((await status()).manualTarget).toBeNull()
	})

	it('starts nothing for a Worker without a pool', async () => {
		expect(await request(stranger, 'POST', '/api/containers/scale/1')).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
		expect((await status('nowhere')).instances).toEqual([])
	})
})

describe('GET /health/load-balancer', () => {
	// Pools of other tests have shown themselves in the same place.
	beforeEach(async () => {
		const { keys } = await env.POOL_SNAPSHOTS.list()
		await Promise.all(keys.map(({ name }) => env.POOL_SNAPSHOTS.delete(name)))
	})

	it('needs no token, names nobody, and says 503 while nothing is ready', async () => {
		const before = await request(null, 'GET', '/health/load-balancer')
		expect(before).toMatchObject({ status: 200, body: { isHealthy: true, workerName: OWN, ready: 0, failed: 0 } })
		expect(Object.keys(before.body).sort()).toEqual(['degraded', 'draining', 'failed', 'isHealthy', 'ready', 'starting', 'target', 'unhealthy', 'workerName'])
		await env.POOL_SNAPSHOTS.put('pool:crowd', JSON.stringify({ workerName: 'crowd', target: 2, instances: [] }))
		try {
			expect(await request(null, 'GET', '/health/load-balancer')).toMatchObject({ status: 503, body: { isHealthy: false, target: 2 } })
		} finally {
			await env.POOL_SNAPSHOTS.delete('pool:crowd')
		}
	})

	it('takes a snapshot that cannot be read for none', async () => {
		for (const text of ['', '{', '{"target":"many"}']) {
			await env.POOL_SNAPSHOTS.put('pool:crowd', text)
			expect(await request(null, 'GET', '/health/load-balancer')).toMatchObject({ status: 200 })
		}
		await env.POOL_SNAPSHOTS.delete('pool:crowd')
	})
})

describe('work that is submitted', () => {
	const TASK = { taskType: 'command', command: ['true'] }

	it.each([
		['a task', '/api/tasks', TASK],
		['a plan', '/api/task-plans', { tasks: [TASK] }],
	])('as %s wakes the pool of its Worker', async (_what, path, body) => {
		expect(await request(own, 'POST', path, body)).toMatchObject({ status: 201 })
		await vi.waitFor(() => expect(host.running('doors')).toHaveLength(1), 10_000)
		await db.run(sql.updateTable('container_tasks').set({ status: 'completed' }).where('worker_name', '=', 'doors'))
		await vi.waitFor(() => expect(host.running('doors')).toEqual([]), 10_000)
	})
})
