import { createRoute, z } from '@hono/zod-openapi'
import { AppError, ContainerInstance, InstanceId, RunnerBeat, RunnerBeatReply, RunnerRegistration } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import type { MiddlewareHandler } from 'hono'
import { authenticated } from './auth.ts'
import { jsonBody } from './common.ts'
import { answers, createRouter } from './router.ts'
import type { HonoEnv } from './router.ts'

const tags = ['containers']
const running: MiddlewareHandler<HonoEnv>[] = [authenticated('tasks:claim'), bodyLimit(16 * 1024)]

const register = createRoute({
	method: 'post',
	path: '/api/containers/register',
	operationId: 'registerRunner',
	summary: 'A runner that started itself joins the pool of its token',
	tags,
	middleware: running,
	request: { body: jsonBody(RunnerRegistration) },
	responses: answers(200, ContainerInstance, 'The instance that it is'),
})

const heartbeat = createRoute({
	method: 'post',
	path: '/api/containers/{containerId}/heartbeat',
	operationId: 'heartbeatOfRunner',
	summary: 'A runner says that it is alive, or that it leaves; the answer whether it is to claim no more',
	tags,
	middleware: running,
	request: { params: z.object({ containerId: InstanceId }), body: jsonBody(RunnerBeat) },
	responses: answers(200, RunnerBeatReply, 'What the pool wants of it'),
})

/** What runners tell the pool of their token. */
export function poolRunnerRoutes() {
	return createRouter()
		.openapi(register, async (c) => {
			const runner = c.req.valid('json')
			return c.json(await c.var.services.containers.register(speakingFor(c.get('principal'), runner.instanceId), runner), 200)
		})
		.openapi(heartbeat, async (c) => {
			const { containerId } = c.req.valid('param')
			const { workerName } = speakingFor(c.get('principal'), containerId)
			return c.json(await c.var.services.containers.heartbeat(workerName, containerId, c.req.valid('json')), 200)
		})
}

/** A token that names a container speaks for that one alone. */
function speakingFor({ kind, subject, workerName, containerName }: Principal, instanceId: string) {
	if (containerName !== undefined && containerName !== instanceId) throw new AppError('FORBIDDEN', `This token is for the container ${containerName}; it cannot speak for ${instanceId}.`)
	return { workerName, by: `${kind}:${subject}` }
}
