// The two gateways behind their real doors, for tests that drive them over HTTP with real git and real sockets.
import type { Origin } from '../../worker/services/origin.ts'
import { createDatabase, sql } from '../../worker/database/client.ts'
import { gatewayRoutes } from '../../worker/http/gateway.ts'
import { gitRoutes } from '../../worker/http/git.ts'
import { createRouter, errorResponse } from '../../worker/http/router.ts'
import { createModelGateway } from '../../worker/services/gateway/modelGateway.ts'
import { createGitGateway } from '../../worker/services/git/gitGateway.ts'
import { createGitHubCredentials, createGitHubTokenCache } from '../../worker/services/github/githubCredentials.ts'
import { createIds } from '../../worker/services/ids.ts'
import { createSecretService } from '../../worker/services/secrets/secretService.ts'
import { createTokens } from '../../worker/services/security/tokens.ts'
import { createWorkspaces } from '../../worker/services/workspaces/workspaces.ts'
import { createRemoteCache } from '../../worker/services/workspaces/remotes.ts'
import type { Services } from '../../worker/services.ts'

interface TestEnv {
	DB: D1Database
	ARTIFACTS: Artifacts
}

const remoteCache = createRemoteCache()
const origin: Origin = { workerName: 'gateways-test' }
/** Where the test's provider listens; set over HTTP, because its port is known only then. */
let upstream: string | null = null

function createTestServices(env: TestEnv, ctx: ExecutionContext) {
	const db = createDatabase(env.DB)
	const now = () => Date.now()
	const tokens = createTokens({ key: btoa('k'.repeat(32)), now })
	const ids = createIds((length) => crypto.getRandomValues(new Uint8Array(length)))
	const outside = { fetch: ((input, init) => fetch(input, init)) as typeof fetch, now, db }
	const workspaces = createWorkspaces({ ...outside, artifacts: env.ARTIFACTS, ids, remoteCache, credentials: createGitHubCredentials({ cache: createGitHubTokenCache(), fetch, now }) })
	const gateway = createModelGateway({
		...outside,
		tokens,
		secrets: createSecretService({ readSecret: () => 'real-key-0123456789' }),
		baseURLOf: () => upstream,
		sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
		waitUntil: (promise) => ctx.waitUntil(promise),
		log: { warn: () => undefined, error: () => undefined },
		workerName: 'gateways-test',
		headerTimeoutMs: 10_000,
	})
	return { db, tokens, workspaces, gateway, gitGateway: createGitGateway({ resolveRemote: workspaces.remote, fetch: outside.fetch }) }
}

const app = createRouter()
app.use(async (c, next) => {
	c.set('services', createTestServices(c.env as TestEnv, c.executionCtx as ExecutionContext) as unknown as Services)
	await next()
})
app.onError((error) => errorResponse(error))
app.route('/', gatewayRoutes())
app.route('/', gitRoutes())

app.post('/test/workspace', async (c) => c.json(await c.var.services.workspaces.create({}, origin)))
app.post('/test/upstream', async (c) => {
	upstream = await c.req.text()
	return c.body(null, 204)
})
app.post('/test/spoil', (c) => {
	for (const [key, remote] of remoteCache.credentials) remoteCache.credentials.set(key, { ...remote, authorization: 'Bearer refused' })
	return c.body(null, 204)
})
app.post('/test/execution/:id', async (c) => {
	const columns = { provider_name: 'claude', provider_type: 'cli', task_uuid: c.req.param('id'), order_id: 'ORD-000000', input: '{}', status: 'running', phase: 'wait', route: '{}', worker_name: 'test' }
	await createDatabase((c.env as TestEnv).DB).run(sql.insertInto('ai_provider_executions').values({ execution_id: c.req.param('id'), ...columns }))
	return c.body(null, 204)
})
app.get('/test/calls/:id', async (c) =>
	c.json(await createDatabase((c.env as TestEnv).DB).all(sql.selectFrom('gateway_calls').selectAll().where('execution_id', '=', c.req.param('id')))),
)

export default app
