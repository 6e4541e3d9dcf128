import { bodyLimit } from '@shared/worker-base'
import { MAX_WEBHOOK_BYTES } from '../services/github/webhooks.ts'
import { createRouter } from './router.ts'

/** Where GitHub delivers its events. Not in the OpenAPI description, because the shapes are GitHub's; the signature of the event is its credential. */
export function githubWebhookRoutes() {
	const router = createRouter()
	router.post('/webhooks/github', bodyLimit(MAX_WEBHOOK_BYTES), async (c) => {
		const { headers } = c.req.raw
		const body = new Uint8Array(await c.req.raw.arrayBuffer())
		const handled = c.var.services.gitHubEvents.handle({ headers, body })
		// GitHub hangs up after ten seconds; the work goes on.
		c.executionCtx.waitUntil(handled.catch(() => undefined))
		return c.json(await handled, 202)
	})
	return router
}
