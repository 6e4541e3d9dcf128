import { createRoute, z } from '@hono/zod-openapi'
import { AppError, ContainerHealth, ContainerInstance, ContainerUsage, InstanceId, PoolHealth, PoolStatus } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import type { Context, MiddlewareHandler } from 'hono'
import { authenticated } from './auth.ts'
import { PageQuery, pageOf, WorkerName } from './common.ts'
import { answers, createRouter } from './router.ts'
import type { HonoEnv } from './router.ts'

const tags = ['containers']
const viewing: MiddlewareHandler<HonoEnv>[] = [authenticated('read')]
const changing: MiddlewareHandler<HonoEnv>[] = [authenticated('orders:write')]

const OfPool = z.object({
	worker: WorkerName.optional().openapi({ description: "Whose pool: an operator may name any, and gets the orchestrator's own without it. A Worker's token is for its own pool." }),
})
const OfInstance = z.object({ containerId: InstanceId })
const Size = z.object({
	instances: z
		.string()
		// Number(' ') is 0, and nobody who writes that means to stop all containers.
		.regex(/^(auto|\d{1,4})$/, { error: 'is a whole number from 0 to 1000, or auto' })
		.transform((text) => (text === 'auto' ? null : Number(text)))
		.refine((size) => size === null || size <= 1000, { error: 'is at most 1000' }),
})

const scale = createRoute({
	method: 'post',
	path: '/api/containers/scale/{instances}',
	operationId: 'scaleContainers',
	summary: 'Keep so many containers, or `auto`: as many as the work needs',
	tags,
	middleware: changing,
	request: { params: Size, query: OfPool },
	responses: answers(200, PoolStatus, 'The pool; its containers follow'),
})

const status = createRoute({
	method: 'get',
	path: '/api/containers/status',
	operationId: 'getContainerStatus',
	summary: 'A pool as it is now',
	tags,
	middleware: viewing,
	request: { query: OfPool },
	responses: answers(200, PoolStatus, 'The pool'),
})

const list = createRoute({
	method: 'get',
	path: '/api/containers',
	operationId: 'listContainers',
	summary: 'Instances as they were last written down; an operator sees those of all pools',
	tags,
	middleware: viewing,
	request: { query: PageQuery.extend(OfPool.shape) },
	responses: answers(200, pageOf(ContainerInstance.omit({ inFlight: true, isExternal: true })), 'Instances by Worker and name'),
})

const usage = createRoute({
	method: 'get',
	path: '/api/containers/usage',
	operationId: 'getContainerUsage',
	summary: 'What a pool has used since it exists, and what that costs at most',
	tags,
	middleware: viewing,
	request: { query: OfPool },
	responses: answers(200, ContainerUsage, 'Seconds by instance type'),
})

const health = createRoute({
	method: 'get',
	path: '/api/containers/health/{containerId}',
	operationId: 'checkContainerHealth',
	summary: 'Ask one container how it is',
	tags,
	middleware: viewing,
	request: { params: OfInstance, query: OfPool },
	responses: answers(200, ContainerHealth, 'What it answered'),
})

const checks = createRoute({
	method: 'get',
	path: '/api/containers/{containerId}/health-checks',
	operationId: 'listContainerHealthChecks',
	summary: 'Its health checks that said something new',
	tags,
	middleware: viewing,
	request: { params: OfInstance, query: PageQuery.extend(OfPool.shape) },
	responses: answers(200, pageOf(ContainerHealth), 'Checks, newest first'),
})

const restart = createRoute({
	method: 'post',
	path: '/api/containers/{containerId}/restart',
	operationId: 'restartContainer',
	summary: 'Start it anew after its work has ended, or at once with `force=true`',
	tags,
	middleware: changing,
	request: { params: OfInstance, query: OfPool.extend({ force: z.enum(['true', 'false']).default('false') }) },
	responses: answers(202, ContainerInstance, 'The instance'),
})

const drain = createRoute({
	method: 'post',
	path: '/api/containers/{containerId}/drain',
	operationId: 'drainContainer',
	summary: 'Let it end its work and stop',
	tags,
	middleware: changing,
	request: { params: OfInstance, query: OfPool },
	responses: answers(202, ContainerInstance, 'The instance'),
})

/** Without a token: counts, and no names. */
const liveness = createRoute({
	method: 'get',
	path: '/health/load-balancer',
	operationId: 'getPoolHealth',
	summary: '200 when work can be done or none is wanted, else 503',
	tags,
	security: [],
	responses: {
		200: { content: { 'application/json': { schema: PoolHealth } }, description: 'The sum of all pools' },
		503: { content: { 'application/json': { schema: PoolHealth } }, description: 'Containers are wanted and none is ready' },
	},
})

/** The pools of containers, for operators and for Workers. A GET changes nothing. */
export function containerRoutes() {
	return createRouter()
		.openapi(scale, async (c) => c.json(await c.var.services.containers.scale(callOf(c), c.req.valid('param').instances), 200))
		.openapi(status, async (c) => c.json(await c.var.services.containers.status(callOf(c).workerName), 200))
		.openapi(list, async (c) => {
			const { worker, ...page } = c.req.valid('query')
			const isAll = worker === undefined && isOperator(c.get('principal'))
			return c.json(await c.var.services.containers.list(isAll ? undefined : callOf(c).workerName, page), 200)
		})
		.openapi(usage, async (c) => c.json(await c.var.services.containers.usage(callOf(c).workerName), 200))
		.openapi(health, async (c) => c.json(await c.var.services.containers.healthCheck(callOf(c).workerName, c.req.valid('param').containerId), 200))
		.openapi(checks, async (c) => {
			const { worker: _worker, ...page } = c.req.valid('query')
			return c.json(await c.var.services.containers.checks({ workerName: callOf(c).workerName, instanceId: c.req.valid('param').containerId }, page), 200)
		})
		.openapi(restart, async (c) => {
			const force = c.req.valid('query').force === 'true'
			return c.json(await c.var.services.containers.restart(callOf(c), c.req.valid('param').containerId, { force }), 202)
		})
		.openapi(drain, async (c) => c.json(await c.var.services.containers.drain(callOf(c), c.req.valid('param').containerId), 202))
		.openapi(liveness, async (c) => {
			const sum = await c.var.services.containers.health()
			return sum.isHealthy ? c.json(sum, 200) : c.json(sum, 503)
		})
}

const isOperator = ({ scopes }: Principal): boolean => scopes.includes('admin')

/** Which pool a call is about, and who calls. Throws FORBIDDEN for a pool of another Worker. */
function callOf(c: Context<HonoEnv>) {
	const principal = c.get('principal')
	const own = isOperator(principal) ? c.var.services.vars.workerName : principal.workerName
	const workerName = c.req.query('worker') ?? own
	if (workerName !== own && !isOperator(principal)) throw new AppError('FORBIDDEN', `This token is for the pool of ${own}. Only an operator names another.`)
	return { workerName, by: `${principal.kind}:${principal.subject}` }
}
