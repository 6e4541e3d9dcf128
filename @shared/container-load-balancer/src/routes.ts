import { AppError, ERRORS, InstanceCount, recogniseError, toErrorBody } from '@shared/contracts'
import { Hono } from 'hono'
import { toPoolHealth } from './view.ts'
import type { ContainerLoadBalancerRpc } from '@shared/contracts'

/**
 * The routes with which a Worker shows its own pool, over its binding of the load balancer:
 * `POST /api/containers/scale/:instances`, `GET /api/containers/status`, `GET /api/containers/health/:containerId`,
 * `POST /api/containers/:containerId/restart` and `GET /health/load-balancer`. Authentication is the Worker's, before it mounts them.
 */
export function createContainerRoutes<Bindings extends object>(loadBalancerOf: (env: Bindings) => ContainerLoadBalancerRpc) {
	const app = new Hono<{ Bindings: Bindings }>()
	app.onError((error) => errorResponse(error))
	app.post('/api/containers/scale/:instances', async (c) => c.json(await loadBalancerOf(c.env).scaleContainers(countIn(c.req.param('instances')))))
	app.get('/api/containers/status', async (c) => c.json(await loadBalancerOf(c.env).getContainerStatus()))
	app.get('/api/containers/health/:containerId', async (c) => c.json(await loadBalancerOf(c.env).healthCheck(nameIn(c.req.param('containerId')))))
	app.post('/api/containers/:containerId/restart', async (c) => c.json(await loadBalancerOf(c.env).restartContainer(nameIn(c.req.param('containerId'))), 202))
	app.get('/health/load-balancer', async (c) => {
		const health = toPoolHealth(await loadBalancerOf(c.env).getContainerStatus())
		return c.json(health, health.isHealthy ? 200 : 503)
	})
	return app
}

/** `auto` is null: as many as the work needs. */
function countIn(text: string): number | null {
	if (text === 'auto') return null
	// Number(' ') is 0, and nobody who writes that means to stop all containers.
	const count = InstanceCount.safeParse(/^\d{1,4}$/.test(text) ? text : Number.NaN)
	if (count.success) return count.data
	throw new AppError('INVALID_INPUT', 'The number of instances is a whole number from 0 to 1000, or auto: POST /api/containers/scale/3.')
}

function nameIn(text: string): string {
	if (/^[\w.:-]{1,120}$/.test(text)) return text
	throw new AppError('INVALID_INPUT', 'The id of an instance has letters, digits and `_ . : -`. GET /api/containers/status names them.')
}

function errorResponse(thrown: unknown): Response {
	const error = recogniseError(thrown)
	const body = toErrorBody(error)
	const waitS = body.details?.retryAfterS
	const headers: Record<string, string> = typeof waitS === 'number' ? { 'retry-after': String(Math.ceil(waitS)) } : {}
	return Response.json({ error: body }, { status: ERRORS[body.code].status, headers })
}
