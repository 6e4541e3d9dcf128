import type { OpenAPIHono } from '@hono/zod-openapi'
import { AppError } from '@shared/contracts'
import type { NextClaim, Principal } from '@shared/contracts'
import type { Context, Env } from 'hono'
import type { ClaimNext, Origin, TaskInput, TaskQueue } from './ports.ts'
import { createRunnerRoutes, createSubmitRoutes, createViewRoutes } from './routeTable.ts'
import type { Guard } from './routeTable.ts'

/** What the routes need of the Worker that serves them. */
export interface TaskRouteDeps<E extends Env> {
	/** Turns what its validation refuses, and what handlers throw, into answers. */
	router: OpenAPIHono<E>
	guard: Guard<E>
	queueOf: (c: Context<E>) => TaskQueue
	/** Who shows the token that the guard let pass. */
	principalOf: (c: Context<E>) => Principal
	/** Throws for a task that may not come from outside. */
	check: <Input extends TaskInput>(task: Input) => Input
}

/** Operators see all tasks, a Worker's token its own. */
const ownerOf = (principal: Principal) => (principal.scopes.includes('admin') ? undefined : principal.workerName)
const originOf = ({ workerName, containerName }: Principal): Origin => ({ workerName, containerName })

/** A runner may serve every Worker; one whose token names a container claims as that container only. */
function checkRunner<Request extends NextClaim>(principal: Principal, request: Request): Request {
	if (principal.containerName === undefined || principal.containerName === request.containerName) return request
	throw new AppError('FORBIDDEN', `This token is for the container ${principal.containerName}; it cannot claim as ${request.containerName}.`)
}

const nextOf = (principal: Principal, request: NextClaim | undefined): ClaimNext | undefined => request && { request: checkRunner(principal, request), scope: {} }

/** The REST doors of a task queue: they parse, call and answer. */
export function createTaskRoutes<E extends Env>(deps: TaskRouteDeps<E>): OpenAPIHono<E> {
	addSubmitRoutes(deps)
	addViewRoutes(deps)
	addRunnerRoutes(deps)
	return deps.router
}

function addSubmitRoutes<E extends Env>({ router, guard, queueOf, principalOf, check }: TaskRouteDeps<E>): void {
	const routes = createSubmitRoutes(guard)
	router.openapi(routes.submit, async (c) => {
		const idempotencyKey = c.req.valid('header')['idempotency-key']
		const input = check({ ...c.req.valid('json'), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) })
		return c.json(await queueOf(c).submit(input, originOf(principalOf(c))), 201)
	})
	router.openapi(routes.submitPlan, async (c) => {
		const plan = c.req.valid('json')
		const idempotencyKey = c.req.valid('header')['idempotency-key'] ?? plan.idempotencyKey
		return c.json(await queueOf(c).submitPlan({ tasks: plan.tasks.map(check), idempotencyKey }, originOf(principalOf(c))), 201)
	})
	router.openapi(routes.cancel, async (c) => c.json(await queueOf(c).cancel(c.req.valid('param').taskId, c.req.valid('json').reason, ownerOf(principalOf(c))), 200))
	router.openapi(routes.setLimit, async (c) => c.json(await queueOf(c).setMaxRunning(c.req.valid('param').workerName, c.req.valid('json').maxRunning), 200))
}

function addViewRoutes<E extends Env>({ router, guard, queueOf, principalOf }: TaskRouteDeps<E>): void {
	const routes = createViewRoutes(guard)
	router.openapi(routes.list, async (c) => c.json(await queueOf(c).list(c.req.valid('query'), ownerOf(principalOf(c))), 200))
	router.openapi(routes.get, async (c) => c.json(await queueOf(c).get(c.req.valid('param').taskId, ownerOf(principalOf(c))), 200))
	router.openapi(routes.stream, async (c) => {
		const { taskId, name } = c.req.valid('param')
		return c.text(await queueOf(c).stream(taskId, name, ownerOf(principalOf(c))), 200)
	})
	router.openapi(routes.evidence, async (c) => c.json({ items: await queueOf(c).evidence(c.req.valid('param').taskId, ownerOf(principalOf(c))) }, 200))
	router.openapi(routes.plan, async (c) => c.json(await queueOf(c).plan(c.req.valid('param').planId, ownerOf(principalOf(c))), 200))
	router.openapi(routes.summary, async (c) => c.json(await queueOf(c).summary(ownerOf(principalOf(c))), 200))
}

function addRunnerRoutes<E extends Env>({ router, guard, queueOf, principalOf }: TaskRouteDeps<E>): void {
	const routes = createRunnerRoutes(guard)
	router.openapi(routes.claim, async (c) => {
		const tasks = await queueOf(c).claim(checkRunner(principalOf(c), c.req.valid('json')), { signal: c.req.raw.signal })
		return tasks.length > 0 ? c.json({ tasks }, 200) : c.body(null, 204)
	})
	router.openapi(routes.claimOne, async (c) => {
		const { taskId } = c.req.valid('param')
		await queueOf(c).get(taskId)
		const tasks = await queueOf(c).claim(checkRunner(principalOf(c), c.req.valid('json')), { taskId, signal: c.req.raw.signal })
		return tasks.length > 0 ? c.json({ tasks }, 200) : c.body(null, 204)
	})
	router.openapi(routes.heartbeat, async (c) => c.json(await queueOf(c).heartbeat(c.req.valid('param').taskId, c.req.valid('json')), 200))
	router.openapi(routes.complete, async (c) => {
		const { claimNext, ...report } = c.req.valid('json')
		return c.json(await queueOf(c).complete(c.req.valid('param').taskId, { ...report, next: nextOf(principalOf(c), claimNext) }), 200)
	})
	router.openapi(routes.completeMany, async (c) => {
		const { reports, claimNext } = c.req.valid('json')
		return c.json(await queueOf(c).completeMany(reports, { next: nextOf(principalOf(c), claimNext) }), 200)
	})
	router.openapi(routes.fail, async (c) => c.json(await queueOf(c).fail(c.req.valid('param').taskId, c.req.valid('json')), 200))
}
