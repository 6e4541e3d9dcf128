import { createRoute, z } from '@hono/zod-openapi'
import {
	AppError,
	ClaimedTask,
	ClaimRequest,
	CompleteRequest,
	ContainerTask,
	ContainerTaskInput,
	ContainerTaskStatus,
	ExecutionId,
	FailRequest,
	HeartbeatReply,
	HeartbeatRequest,
} from '@shared/contracts'
import type { Principal, Scope } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import type { MiddlewareHandler } from 'hono'
import { checkOutsideTask } from '../services/container-tasks/outside.ts'
import { authenticated } from './auth.ts'
import { originOf, PageQuery, pageOf } from './common.ts'
import { answers, createRouter } from './router.ts'
import type { HonoEnv } from './router.ts'

const SMALL_BODY_BYTES = 256 * 1024
/** Reports carry patch sets. */
const REPORT_BODY_BYTES = 32 * 1024 * 1024

const params = z.object({ taskId: z.string().max(100) })
const json = <T extends z.ZodType>(schema: T) => ({ required: true, content: { 'application/json': { schema } } })
const guard = (scope: Scope, maxBytes = SMALL_BODY_BYTES): [MiddlewareHandler<HonoEnv>, MiddlewareHandler<HonoEnv>] => [authenticated(scope), bodyLimit(maxBytes)]

const Claims = z.object({ tasks: z.array(ClaimedTask) })
const claimed = { ...answers(200, Claims, 'The tasks, each with its lease'), 204: { description: 'There is nothing to do' } }

const submit = createRoute({
	method: 'post',
	path: '/api/tasks',
	operationId: 'submitContainerTask',
	summary: 'Queue work for a container; the header Idempotency-Key makes a repeat return the first task',
	middleware: guard('tasks:submit'),
	request: { headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }), body: json(ContainerTaskInput) },
	responses: answers(201, ContainerTask, 'The task'),
})

const list = createRoute({
	method: 'get',
	path: '/api/tasks',
	operationId: 'listContainerTasks',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery.extend({ status: ContainerTaskStatus.optional(), executionId: ExecutionId.optional() }) },
	responses: answers(200, pageOf(ContainerTask), 'Tasks, newest first; an operator sees those of all Workers'),
})

const get = createRoute({
	method: 'get',
	path: '/api/tasks/{taskId}',
	operationId: 'getContainerTask',
	middleware: [authenticated('read')] as const,
	request: { params },
	responses: answers(200, ContainerTask, 'The task with its output'),
})

const claim = createRoute({
	method: 'post',
	path: '/api/tasks/claim',
	operationId: 'claimContainerTasks',
	summary: 'Take the next tasks under a lease; waits up to `waitMs` for one',
	middleware: guard('tasks:claim'),
	request: { body: json(ClaimRequest) },
	responses: claimed,
})

const claimOne = createRoute({
	method: 'post',
	path: '/api/tasks/{taskId}/claim',
	operationId: 'claimContainerTask',
	summary: 'Take this task under a lease',
	middleware: guard('tasks:claim'),
	request: { params, body: json(ClaimRequest) },
	responses: claimed,
})

const heartbeat = createRoute({
	method: 'post',
	path: '/api/tasks/{taskId}/heartbeat',
	operationId: 'heartbeatContainerTask',
	middleware: guard('tasks:claim'),
	request: { params, body: json(HeartbeatRequest) },
	responses: answers(200, HeartbeatReply, 'Until when the lease holds now, and whether to stop'),
})

const complete = createRoute({
	method: 'post',
	path: '/api/tasks/{taskId}/complete',
	operationId: 'completeContainerTask',
	middleware: guard('tasks:claim', REPORT_BODY_BYTES),
	request: { params, body: json(CompleteRequest.partial({ leaseToken: true })) },
	responses: answers(200, ContainerTask, 'The completed task; the same for a repeated report'),
})

const fail = createRoute({
	method: 'post',
	path: '/api/tasks/{taskId}/fail',
	operationId: 'failContainerTask',
	middleware: guard('tasks:claim', REPORT_BODY_BYTES),
	request: { params, body: json(FailRequest.partial({ leaseToken: true })) },
	responses: answers(200, ContainerTask, 'The task: failed, or pending when it will be tried again'),
})

const cancel = createRoute({
	method: 'post',
	path: '/api/tasks/{taskId}/cancel',
	operationId: 'cancelContainerTask',
	middleware: guard('tasks:submit'),
	request: { params, body: json(z.strictObject({ reason: z.string().min(1).max(1000) })) },
	responses: answers(200, ContainerTask, 'The task; a leased one ends when its runner hears of it'),
})

const EvidenceView = z.object({ id: z.int(), kind: z.string(), reason: z.string(), containerName: z.string().nullable(), body: z.unknown(), at: z.int() })

const evidence = createRoute({
	method: 'get',
	path: '/api/tasks/{taskId}/evidence',
	operationId: 'getContainerTaskEvidence',
	summary: 'Reports that came with a lost lease: kept, never applied',
	middleware: [authenticated('read')] as const,
	request: { params },
	responses: answers(200, z.object({ items: z.array(EvidenceView) }), 'The late reports, oldest first'),
})

/** Operators see all tasks, a Worker's token its own. */
const ownerOf = (principal: Principal) => (principal.scopes.includes('admin') ? undefined : principal.workerName)

/** A runner may serve every Worker; one whose token names a container claims as that container only. */
function checkRunner(principal: Principal, request: ClaimRequest): ClaimRequest {
	if (principal.containerName === undefined || principal.containerName === request.containerName) return request
	throw new AppError('FORBIDDEN', `This token is for the container ${principal.containerName}; it cannot claim as ${request.containerName}.`)
}

export function taskRoutes() {
	return createRouter()
		.openapi(submit, async (c) => {
			const key = c.req.valid('header')['idempotency-key']
			const input = checkOutsideTask({ ...c.req.valid('json'), ...(key === undefined ? {} : { idempotencyKey: key }) })
			return c.json(await c.var.services.queue.submit(input, originOf(c.get('principal'))), 201)
		})
		.openapi(list, async (c) => c.json(await c.var.services.queue.list(c.req.valid('query'), ownerOf(c.get('principal'))), 200))
		.openapi(get, async (c) => c.json(await c.var.services.queue.get(c.req.valid('param').taskId, ownerOf(c.get('principal'))), 200))
		.openapi(claim, async (c) => {
			const tasks = await c.var.services.queue.claim(checkRunner(c.get('principal'), c.req.valid('json')), { signal: c.req.raw.signal })
			return tasks.length > 0 ? c.json({ tasks }, 200) : c.body(null, 204)
		})
		.openapi(claimOne, async (c) => {
			const { taskId } = c.req.valid('param')
			await c.var.services.queue.get(taskId)
			const tasks = await c.var.services.queue.claim(checkRunner(c.get('principal'), c.req.valid('json')), { taskId, signal: c.req.raw.signal })
			return tasks.length > 0 ? c.json({ tasks }, 200) : c.body(null, 204)
		})
		.openapi(evidence, async (c) => c.json({ items: await c.var.services.queue.evidence(c.req.valid('param').taskId, ownerOf(c.get('principal'))) }, 200))
		.openapi(heartbeat, async (c) => c.json(await c.var.services.queue.heartbeat(c.req.valid('param').taskId, c.req.valid('json')), 200))
		.openapi(complete, async (c) => c.json(await c.var.services.queue.complete(c.req.valid('param').taskId, c.req.valid('json')), 200))
		.openapi(fail, async (c) => c.json(await c.var.services.queue.fail(c.req.valid('param').taskId, c.req.valid('json')), 200))
		.openapi(cancel, async (c) => c.json(await c.var.services.queue.cancel(c.req.valid('param').taskId, c.req.valid('json').reason, ownerOf(c.get('principal'))), 200))
}
