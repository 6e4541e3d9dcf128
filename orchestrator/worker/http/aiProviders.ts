import { createRoute, z } from '@hono/zod-openapi'
import { ProviderName, ProviderStatus, RouteDecision } from '@shared/contracts'
import { authenticated } from './auth.ts'
import { jsonBody, originOf, pageOf, writing } from './common.ts'
import { answers, createRouter } from './router.ts'

const MAX_BODY_BYTES = 16 * 1024

const TaskName = z.string().min(1).max(100)
const Started = z.object({ executionId: z.string(), taskId: z.string(), provider: ProviderName, route: RouteDecision })
const params = z.object({ name: z.string().max(40) })

const list = createRoute({
	method: 'get',
	path: '/api/ai-providers',
	operationId: 'listProviders',
	middleware: [authenticated('read')] as const,
	responses: answers(200, pageOf(ProviderStatus), 'All providers: whether they can be used, and why not'),
})

const get = createRoute({
	method: 'get',
	path: '/api/ai-providers/{name}',
	operationId: 'getProviderStatus',
	middleware: [authenticated('read')] as const,
	request: { params },
	responses: answers(200, ProviderStatus, 'One provider'),
})

const reset = createRoute({
	method: 'post',
	path: '/api/ai-providers/{name}/reset',
	operationId: 'resetProvider',
	summary: 'Close the circuit of a provider and forget its rate limit',
	middleware: [authenticated('providers:write')] as const,
	request: { params },
	responses: answers(200, ProviderStatus, 'The provider as it is now'),
})

const assign = createRoute({
	method: 'post',
	path: '/api/ai-providers/assign',
	operationId: 'assignProvider',
	summary: 'Decide who does a task, without starting it',
	middleware: writing(MAX_BODY_BYTES),
	request: { body: jsonBody(z.strictObject({ taskId: TaskName, preferredProvider: ProviderName.optional() })) },
	responses: answers(200, RouteDecision, 'The decision, with scores and reasons'),
})

const execute = createRoute({
	method: 'post',
	path: '/api/ai-providers/execute',
	operationId: 'executeTask',
	summary: 'Start an execution of a task',
	middleware: writing(MAX_BODY_BYTES),
	request: { body: jsonBody(z.strictObject({ taskId: TaskName, provider: ProviderName.optional() })) },
	responses: answers(202, Started, 'The execution that was queued'),
})

export function aiProviderRoutes() {
	return createRouter()
		.openapi(list, async (c) => c.json({ items: await c.var.services.registry.all(), nextCursor: null }, 200))
		.openapi(get, async (c) => c.json(await c.var.services.registry.status(c.req.valid('param').name), 200))
		.openapi(reset, async (c) => {
			const { provider } = await c.var.services.registry.status(c.req.valid('param').name)
			await c.var.services.registry.reset(provider)
			return c.json(await c.var.services.registry.status(provider), 200)
		})
		.openapi(assign, async (c) => {
			const { taskId, preferredProvider } = c.req.valid('json')
			return c.json(await c.var.services.executions.assign(taskId, preferredProvider, originOf(c.get('principal'))), 200)
		})
		.openapi(execute, async (c) => {
			const { taskId, provider } = c.req.valid('json')
			return c.json(await c.var.services.executions.execute(taskId, provider, originOf(c.get('principal'))), 202)
		})
}
