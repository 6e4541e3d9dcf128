import { createRoute, z } from '@hono/zod-openapi'
import { WorkspacePolicy, WorkspaceRequest, WorkspaceView } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import { authenticated } from './auth.ts'
import { jsonBody, originOf, pageOf, PageQuery, writing } from './common.ts'
import { answers, createRouter } from './router.ts'

const create = createRoute({
	method: 'post',
	path: '/api/workspaces',
	operationId: 'createWorkspace',
	summary: 'Make a hosted git repository, empty or imported from an https URL',
	middleware: writing(16 * 1024),
	request: { body: jsonBody(WorkspaceRequest) },
	responses: answers(201, WorkspaceView, 'The workspace; its default branch has a commit'),
})

const list = createRoute({
	method: 'get',
	path: '/api/workspaces',
	operationId: 'listWorkspaces',
	summary: 'Workspaces, in the order of their ids',
	middleware: [authenticated('read')] as const,
	request: { query: PageQuery },
	responses: answers(200, pageOf(WorkspaceView), 'A page of workspaces'),
})

const get = createRoute({
	method: 'get',
	path: '/api/workspaces/{workspaceId}',
	operationId: 'getWorkspace',
	middleware: [authenticated('read')] as const,
	request: { params: z.object({ workspaceId: z.string() }) },
	responses: answers(200, WorkspaceView, 'The workspace and where to clone it'),
})

const getPolicy = createRoute({
	method: 'get',
	path: '/api/workspaces/{workspaceId}/policy',
	operationId: 'getWorkspacePolicy',
	middleware: [authenticated('read')] as const,
	request: { params: z.object({ workspaceId: z.string() }) },
	responses: answers(200, WorkspacePolicy, 'What may land, what a person is asked about, what is refused'),
})

const setPolicy = createRoute({
	method: 'put',
	path: '/api/workspaces/{workspaceId}/policy',
	operationId: 'setWorkspacePolicy',
	summary: 'Replace the policy of a workspace; what is left out has its default',
	middleware: [authenticated('admin'), bodyLimit(256 * 1024)] as const,
	request: { params: z.object({ workspaceId: z.string() }), body: jsonBody(WorkspacePolicy) },
	responses: answers(200, WorkspacePolicy, 'The policy as it counts now'),
})

export function workspaceRoutes() {
	return createRouter()
		.openapi(create, async (c) => c.json(await c.var.services.workspaces.create(c.req.valid('json'), originOf(c.get('principal'))), 201))
		.openapi(list, async (c) => c.json(await c.var.services.workspaces.list(c.req.valid('query')), 200))
		.openapi(get, async (c) => c.json(await c.var.services.workspaces.get(c.req.valid('param').workspaceId), 200))
		.openapi(getPolicy, async (c) => c.json(await c.var.services.workspaces.policy(c.req.valid('param').workspaceId), 200))
		.openapi(setPolicy, async (c) => {
			const principal = c.get('principal')
			return c.json(await c.var.services.workspaces.setPolicy(c.req.valid('param').workspaceId, c.req.valid('json'), { ...originOf(principal), person: principal.subject }), 200)
		})
}
