import { createRoute, z } from '@hono/zod-openapi'
import { ExecutionId, OrderCreated, OrderRequest, OrderView, RouteDecision, TaskId, TaskRequest } from '@shared/contracts'
import { authenticated } from './auth.ts'
import { jsonBody, originOf, pageOf, PageQuery, writing } from './common.ts'
import { answers, createRouter } from './router.ts'

const IdempotencyHeader = z.object({ 'idempotency-key': z.string().min(1).max(200).optional() })

const create = createRoute({
	method: 'post',
	path: '/api/orders',
	operationId: 'createOrder',
	summary: 'Ask for work: stores an order with its task and starts it',
	middleware: writing(1024 * 1024),
	request: {
		headers: IdempotencyHeader,
		body: jsonBody(OrderRequest),
	},
	responses: answers(202, OrderCreated, 'The order; its execution is queued'),
})

const list = createRoute({
	method: 'get',
	path: '/api/orders',
	operationId: 'listOrders',
	summary: 'Orders, newest first',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery },
	responses: answers(200, pageOf(OrderView), 'A page of orders'),
})

const get = createRoute({
	method: 'get',
	path: '/api/orders/{orderId}',
	operationId: 'getOrder',
	middleware: [authenticated('read')] as const,
	request: { params: z.object({ orderId: z.string() }) },
	responses: answers(200, OrderView, 'The order with its tasks'),
})

const addTask = createRoute({
	method: 'post',
	path: '/api/orders/{orderId}/tasks',
	operationId: 'createTask',
	summary: 'Add a task to an order: it lands on the branch of the order, beside the others',
	middleware: writing(1024 * 1024),
	request: { params: z.object({ orderId: z.string() }), headers: IdempotencyHeader, body: jsonBody(TaskRequest) },
	responses: answers(202, z.object({ taskId: TaskId, executionId: ExecutionId.nullable(), route: RouteDecision.nullable() }), 'The task; its execution is queued'),
})

export function orderRoutes() {
	return createRouter()
		.openapi(create, async (c) => {
			const origin = originOf(c.get('principal'))
			const created = await c.var.services.orders.create(c.req.valid('json'), origin, c.req.valid('header')['idempotency-key'])
			return c.json(created, 202)
		})
		.openapi(addTask, async (c) => {
			const how = { ...originOf(c.get('principal')), idempotencyKey: c.req.valid('header')['idempotency-key'] }
			const added = await c.var.services.orders.addTask(c.req.valid('param').orderId, c.req.valid('json'), how)
			return c.json(added, 202)
		})
		.openapi(list, async (c) => c.json(await c.var.services.orders.list(c.req.valid('query')), 200))
		.openapi(get, async (c) => c.json(await c.var.services.orders.get(c.req.valid('param').orderId), 200))
}
