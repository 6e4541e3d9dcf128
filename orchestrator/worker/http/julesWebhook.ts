import { createRoute, z } from '@hono/zod-openapi'
import { bodyLimit } from '@shared/worker-base'
import type { Services } from '../services.ts'
import { answers, createRouter } from './router.ts'

const callback = createRoute({
	method: 'post',
	path: '/webhooks/jules',
	operationId: 'receiveJulesCallback',
	summary: 'Something has happened in a Jules session: look now. Body `{"session":"sessions/..."}`, signed as Standard Webhooks says with JULES_WEBHOOK_SECRET; no token',
	security: [],
	middleware: [bodyLimit(16 * 1024)] as const,
	responses: answers(202, z.object({ isWoken: z.boolean() }), 'The call is taken; `isWoken` is false for a session that no execution waits for'),
})

/** The signature is over the very bytes, so the body is not parsed before it. */
export function julesWebhookRoutes(webhookOf: (services: Services) => Services['julesWebhook']) {
	return createRouter().openapi(callback, async (c) => {
		const body = new Uint8Array(await c.req.arrayBuffer())
		return c.json(await webhookOf(c.var.services).receive({ headers: c.req.raw.headers, body }), 202)
	})
}
