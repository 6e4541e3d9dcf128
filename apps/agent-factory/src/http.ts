import { AppError, ERRORS, recogniseError, toErrorBody } from '@shared/contracts'
import { bodyLimit } from '@shared/worker-base'
import { Hono } from 'hono'
import { AgentWish } from './factory.ts'
import type { Factory } from './factory.ts'

export interface AppDeps {
	factory: Factory
	token: string | undefined
	name: string
}

/** REST doors of the factory; every one but /health needs its bearer token. */
export function createApp({ factory, token, name }: AppDeps) {
	const app = new Hono()
	app.onError((error) => {
		const body = toErrorBody(recogniseError(error))
		return Response.json({ error: body }, { status: ERRORS[body.code].status })
	})
	app.notFound((c) => {
		const body = toErrorBody(new AppError('NOT_FOUND', `There is no ${c.req.method} ${c.req.path} here.`))
		return Response.json({ error: body }, { status: 404 })
	})
	app.get('/health', (c) => c.json({ ok: true, worker: name }))
	app.use('*', async (c, next) => {
		if (token === undefined || token === '') throw new AppError('NOT_CONFIGURED', 'The factory has no FACTORY_TOKEN: set it with `wrangler secret put FACTORY_TOKEN`.')
		if (!(await isSame(c.req.header('authorization') ?? '', `Bearer ${token}`))) throw new AppError('UNAUTHENTICATED', 'Send the factory token as `Authorization: Bearer <token>`.')
		await next()
	})
	app.post('/orders', bodyLimit(256 * 1024), async (c) => {
		const body: unknown = await c.req.json().catch(() => {
			throw new AppError('INVALID_JSON', 'The body is not JSON.')
		})
		const wish = AgentWish.safeParse(body)
		if (!wish.success) throw new AppError('INVALID_INPUT', `The order is not valid: ${wish.error.issues[0]?.path.join('.') || '(whole)'}: ${wish.error.issues[0]?.message ?? ''}`)
		return c.json(await factory.fulfil(wish.data, c.req.header('idempotency-key')), 202)
	})
	app.get('/orders/:orderId', async (c) => c.json(await factory.order(c.req.param('orderId'))))
	app.get('/executions/:executionId', async (c) => c.json(await factory.execution(c.req.param('executionId'))))
	app.get('/providers', async (c) => c.json({ items: await factory.providers() }))
	return app
}

/** Compares digests, so that the time taken says nothing about the token. */
async function isSame(given: string, wanted: string): Promise<boolean> {
	const [a, b] = await Promise.all([given, wanted].map((text) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
	return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b)
}
