import { createRoute, z } from '@hono/zod-openapi'
import { HumanDecision, HumanRequest } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import { authenticated } from './auth.ts'
import { jsonBody, originOf, pageOf, PageQuery } from './common.ts'
import { answers, createRouter } from './router.ts'

const params = z.object({ requestId: z.string().max(100) })

const list = createRoute({
	method: 'get',
	path: '/api/human-requests',
	operationId: 'listHumanRequests',
	summary: 'What waits for a person, the most urgent first; with `subjectId` all that was ever asked of one execution or batch',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery.extend({ subjectId: z.string().max(100).optional() }) },
	responses: answers(200, pageOf(HumanRequest), 'A page of requests'),
})

const get = createRoute({
	method: 'get',
	path: '/api/human-requests/{requestId}',
	operationId: 'getHumanRequest',
	middleware: [authenticated('read')] as const,
	request: { params },
	responses: answers(200, HumanRequest, 'The request as it stands'),
})

// A Worker may not say yes to what its own agents ask: only operators have `admin`.
const decide = createRoute({
	method: 'post',
	path: '/api/human-requests/{requestId}/decision',
	operationId: 'decideHumanRequest',
	summary: 'Say yes or no; `digest` is that of the request, so a decision never counts for something else',
	middleware: [authenticated('admin'), bodyLimit(64 * 1024)] as const,
	request: { params, body: jsonBody(HumanDecision) },
	responses: answers(200, HumanRequest, 'The decided request'),
})

export function humanRequestRoutes() {
	return createRouter()
		.openapi(list, async (c) => {
			const { subjectId, ...page } = c.req.valid('query')
			const { human } = c.var.services
			return c.json(subjectId === undefined ? await human.pending(page) : { items: await human.ofSubject(subjectId), nextCursor: null }, 200)
		})
		.openapi(get, async (c) => c.json(await c.var.services.human.get(c.req.valid('param').requestId), 200))
		.openapi(decide, async (c) => {
			const principal = c.get('principal')
			return c.json(await c.var.services.human.decide(c.req.valid('param').requestId, c.req.valid('json'), { ...originOf(principal), person: principal.subject }), 200)
		})
}
