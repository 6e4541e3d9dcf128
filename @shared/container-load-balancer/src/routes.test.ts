import { AppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createContainerRoutes } from './routes.ts'
import { createSimulation } from './testing/simulation.ts'
import type { ContainerLoadBalancerRpc } from '@shared/contracts'

/** The routes over a real pool. */
function open() {
	const sim = createSimulation({ settings: { max: 3 } })
	const { pool } = sim
	const LOAD_BALANCER: ContainerLoadBalancerRpc = { scaleContainers: pool.scale, getContainerStatus: pool.status, restartContainer: (id, options) => pool.restart(id, options), healthCheck: pool.healthCheck }
	const app = createContainerRoutes<{ LOAD_BALANCER: ContainerLoadBalancerRpc }>((env) => env.LOAD_BALANCER)
	const call = async (method: string, path: string) => {
		const response = await app.request(path, { method }, { LOAD_BALANCER })
		return { status: response.status, body: (await response.json()) as Record<string, unknown>, retryAfter: response.headers.get('retry-after') }
	}
	return { sim, call, app }
}

describe('createContainerRoutes', () => {
	it('scales, shows, checks and restarts', async () => {
		const { sim, call } = open()
		expect(await call('POST', '/api/containers/scale/2')).toMatchObject({ status: 200, body: { target: 2, manualTarget: 2 } })
		await sim.run(20_000)
		expect(await call('GET', '/api/containers/status')).toMatchObject({ status: 200, body: { workerName: 'factory', instances: [{ instanceId: 'runner-0', state: 'running' }, { instanceId: 'runner-1' }] } })
		expect(await call('GET', '/api/containers/health/runner-0')).toMatchObject({ status: 200, body: { isHealthy: true, statusCode: 200 } })
		expect(await call('POST', '/api/containers/runner-0/restart')).toMatchObject({ status: 202, body: { isDraining: true } })
		expect(await call('GET', '/health/load-balancer')).toMatchObject({ status: 200, body: { isHealthy: true, ready: 1, draining: 1, target: 2 } })
		expect(await call('POST', '/api/containers/scale/auto')).toMatchObject({ status: 200, body: { manualTarget: null } })
	})

	it.each(['%20', '-1', '1.5', '1e2', '0x1', '4', '1001', '99999', 'NaN', 'three'])('refuses to scale to %s', async (size) => {
		const { sim, call } = open()
		expect(await call('POST', `/api/containers/scale/${size}`)).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } })
		expect((await sim.pool.status()).manualTarget).toBeNull()
	})

	it('changes nothing on a GET, and knows no other path', async () => {
		const { call, app } = open()
		for (const path of ['/api/containers/scale/1', '/api/containers/runner-0/restart', '/api/containers']) expect((await app.request(path)).status).toBe(404)
		expect(await call('GET', '/api/containers/health/nobody')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } })
		expect(await call('POST', '/api/containers/..%2Fx/restart')).toMatchObject({ status: 400 })
	})

	it('says 503 while work waits and nothing runs', async () => {
		const { sim, call } = open()
		expect(await call('GET', '/health/load-balancer')).toMatchObject({ status: 200, body: { isHealthy: true, target: 0 } })
		sim.platform.weather.cap = 0
		sim.work.queued = 1
		await sim.run(20_000)
		expect(await call('GET', '/health/load-balancer')).toMatchObject({ status: 503, body: { isHealthy: false, target: 1, ready: 0 } })
	})

	it('keeps the code of what the load balancer throws, and hides what is no error of ours', async () => {
		const throwing = (error: Error) =>
			createContainerRoutes<object>(() => {
				throw error
			}).request('/api/containers/status')
		const away = await throwing(new AppError('UNAVAILABLE', 'Away.', { retryAfterS: 4.2 }))
		expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
		const secret = await throwing(new Error('key=abc'))
		expect(secret.status).toBe(500)
		expect(await secret.text()).not.toContain('abc')
	})
})
