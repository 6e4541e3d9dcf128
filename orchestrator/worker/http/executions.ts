import { createRoute, z } from '@hono/zod-openapi'
import { AppError, ExecutionView, LogEntry, PatchSet } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import { authenticated } from './auth.ts'
import { originOf, PageQuery, pageOf, writing } from './common.ts'
import { answers, createRouter } from './router.ts'

const params = z.object({ executionId: z.string() })

const list = createRoute({
	method: 'get',
	path: '/api/executions',
	operationId: 'listExecutions',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery },
	responses: answers(200, pageOf(ExecutionView), 'Executions, newest first'),
})

const get = createRoute({
	method: 'get',
	path: '/api/executions/{executionId}',
	operationId: 'getExecution',
	summary: 'One execution; with `waitMs` and `seenPhase` it answers when the phase changes',
	middleware: [authenticated('read')] as const,
	request: { params, query: z.object({ waitMs: z.coerce.number().int().min(0).max(30_000).optional(), seenPhase: z.string().max(40).optional() }) },
	responses: answers(200, ExecutionView, 'State, route with reasons and scores, usage, cost, time per phase'),
})

const log = createRoute({
	method: 'get',
	path: '/api/executions/{executionId}/log',
	operationId: 'getExecutionLog',
	summary: 'The audit trail of an execution; `cursor` is the last line that was seen',
	middleware: [authenticated('read')] as const,
	request: { params, query: PageQuery },
	responses: answers(200, pageOf(LogEntry), 'Lines after the cursor, oldest first'),
})

const cancel = createRoute({
	method: 'post',
	path: '/api/executions/{executionId}/cancel',
	operationId: 'cancelExecution',
	middleware: writing(16 * 1024),
	request: { params, body: { required: false, content: { 'application/json': { schema: z.strictObject({ reason: z.string().min(1).max(500).optional() }) } } } },
	responses: answers(202, ExecutionView, 'The cancel is on its way'),
})

const patch = createRoute({
	method: 'get',
	path: '/api/executions/{executionId}/patch',
	operationId: 'getPatchSet',
	summary: 'The patch set as JSON, or as a unified diff with `Accept: text/x-diff`',
	middleware: [authenticated('patch:read')] as const,
	request: { params },
	responses: answers(200, PatchSet, 'All that the execution changed'),
})

const rawPatch = createRoute({
	method: 'get',
	path: '/api/executions/{executionId}/raw-patch',
	operationId: 'getRawPatch',
	summary: 'The diff that Jules handed in and that no patch set can hold, as it was: for people to look at, and proved by nobody',
	middleware: [authenticated('patch:read')] as const,
	request: { params },
	responses: { ...answers(200, z.string(), ''), 200: { description: 'The newest refused diff', content: { 'text/x-diff': { schema: z.string() } } } },
})

/** An execution's token reads its own set; a validation's only the one that it is about, by the id of that set. */
function checkReader(principal: Principal, executionId: string): void {
	const mayRead = principal.kind === 'execution' ? principal.executionId === executionId : principal.kind !== 'validation'
	if (!mayRead) throw new AppError('FORBIDDEN', 'This token reads the patch set that it was made for, and no other.')
}

export function executionRoutes() {
	return createRouter()
		.openapi(list, async (c) => c.json(await c.var.services.executions.list(c.req.valid('query')), 200))
		.openapi(get, async (c) => c.json(await c.var.services.executions.get(c.req.valid('param').executionId, c.req.valid('query')), 200))
		.openapi(log, async (c) => c.json(await c.var.services.executions.log(c.req.valid('param').executionId, c.req.valid('query')), 200))
		.openapi(cancel, async (c) => {
			const body = c.req.header('content-type')?.includes('json') ? c.req.valid('json') : {}
			return c.json(await c.var.services.executions.cancel(c.req.valid('param').executionId, body.reason ?? 'asked for by an operator', originOf(c.get('principal'))), 202)
		})
		.openapi(patch, async (c) => {
			const { executionId } = c.req.valid('param')
			checkReader(c.get('principal'), executionId)
			if (c.req.header('accept')?.includes('text/x-diff')) {
				const diff = await c.var.services.patches.diffOf(executionId)
				return c.body(diff, 200, { 'content-type': 'text/x-diff; charset=utf-8' }) as never
			}
			const set = await c.var.services.patches.ofExecution(executionId)
			if (set === null) throw new AppError('PATCH_NOT_FOUND', `Execution ${executionId.slice(0, 40)} has no patch set (yet).`)
			return c.json(set, 200)
		})
		.openapi(rawPatch, async (c) => {
			const { executionId } = c.req.valid('param')
			checkReader(c.get('principal'), executionId)
			await c.var.services.executions.mustFind(executionId)
			// Whatever an agent wrote is a text and nothing else to a browser.
			return c.body(await c.var.services.julesRawPatches.read(executionId), 200, { 'content-type': 'text/x-diff; charset=utf-8', 'x-content-type-options': 'nosniff' })
		})
}
