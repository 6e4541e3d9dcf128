import { AppError } from '@shared/contracts'
import { securityHeaders } from '@shared/worker-base'
import { stringify } from 'yaml'
import type { Env } from '../env.ts'
import type { Services } from '../services.ts'
import { aiProviderRoutes } from './aiProviders.ts'
import { collisionRoutes } from './collisions.ts'
import { containerRoutes } from './containers.ts'
import { docsPage } from './docs.ts'
import { executionRoutes } from './executions.ts'
import { gatewayRoutes } from './gateway.ts'
import { githubWebhookRoutes } from './githubWebhook.ts'
import { gitRoutes } from './git.ts'
import { humanRequestRoutes } from './humanRequests.ts'
import { julesWebhookRoutes } from './julesWebhook.ts'
import { orderRoutes } from './orders.ts'
import { patchRoutes } from './patches.ts'
import { poolRunnerRoutes } from './poolRunners.ts'
import { createRouter, errorResponse } from './router.ts'
import { taskRoutes } from './tasks.ts'
import { terminalRoutes } from './terminals.ts'
import { tokenRoutes } from './tokens.ts'
import { socketRoutes } from './websockets.ts'
import { workspaceRoutes } from './workspaces.ts'

const ABOUT = {
	openapi: '3.1.0',
	info: { title: 'VibeHQ orchestrator', version: '1', description: 'Every route takes `Authorization: Bearer <token>`, except /health and this description.' },
	security: [{ bearer: [] }],
}

/** All REST doors. The app is built once per isolate; its services belong to one request. */
export function createApp(servicesOf: (env: Env, ctx: ExecutionContext) => Services) {
	const app = createRouter()
	app.use('/api/*', securityHeaders())
	app.use(async (c, next) => {
		c.set('services', servicesOf(c.env, c.executionCtx as ExecutionContext))
		await next()
	})
	app.onError((error) => errorResponse(error))
	app.notFound((c) => errorResponse(new AppError('NOT_FOUND', `There is no ${c.req.method} ${c.req.path}. See /openapi.json for what there is.`)))

	app.get('/health', (c) => c.json({ ok: true, worker: c.var.services.vars.workerName, upstream: c.var.services.vars.upstream }))
	const doors = [
		orderRoutes(),
		executionRoutes(),
		aiProviderRoutes(),
		taskRoutes(),
		workspaceRoutes(),
		patchRoutes(),
		collisionRoutes((services) => services.collisions),
		humanRequestRoutes(),
		tokenRoutes(),
		containerRoutes(),
		poolRunnerRoutes(),
		socketRoutes(),
		terminalRoutes(),
	]
	for (const routes of doors) app.route('/', routes)
	app.route('/', julesWebhookRoutes((services) => services.julesWebhook))
	app.route('/', gatewayRoutes())
	app.route('/', gitRoutes())
	app.route('/', githubWebhookRoutes())

	app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
	const description = () => app.getOpenAPI31Document(ABOUT)
	app.get('/openapi.json', (c) => c.json(description()))
	app.get('/docs', (c) => c.html(docsPage(description())))
	app.get('/openapi.yaml', (c) => c.body(stringify(description()), 200, { 'content-type': 'application/yaml' }))
	return app
}
