import { createRoute, z } from '@hono/zod-openapi'
import { CollisionView, WorkspaceId } from '@shared/contracts'
import type { Collisions } from '../services/collisions/collisions.ts'
import type { Services } from '../services.ts'
import { authenticated } from './auth.ts'
import { PageQuery, pageOf } from './common.ts'
import { answers, createRouter } from './router.ts'

const list = createRoute({
	method: 'get',
	path: '/api/collisions',
	operationId: 'listCollisions',
	summary: 'Work in flight that will be in each other\'s way, by workspace, by subject (an execution or a batch), or both',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery.extend({ workspaceId: WorkspaceId.optional(), subjectId: z.string().min(1).max(200).optional() }) },
	responses: answers(200, pageOf(CollisionView), 'What was foreseen, newest first'),
})

export function collisionRoutes(collisionsOf: (services: Services) => Pick<Collisions, 'list'>) {
	return createRouter().openapi(list, async (c) => {
		const { workspaceId, subjectId, ...page } = c.req.valid('query')
		return c.json(await collisionsOf(c.var.services).list({ workspaceId, subjectId, page }), 200)
	})
}
