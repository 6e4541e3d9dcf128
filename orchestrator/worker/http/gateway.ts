import { AppError, ProviderName } from '@shared/contracts'
import { createRouter } from './router.ts'

/**
 * `/gateway/:provider/*`: what CLIs take for the API of their provider. Not in the OpenAPI description, because its shapes are the
 * providers' own.
 */
export function gatewayRoutes() {
	const router = createRouter()
	router.all('/gateway/:provider/*', async (c) => {
		const provider = ProviderName.safeParse(c.req.param('provider'))
		if (!provider.success) throw new AppError('PROVIDER_UNKNOWN', `There is no provider ${c.req.param('provider')}. Providers: ${ProviderName.options.join(', ')}.`)
		const path = new URL(c.req.url).pathname.slice(`/gateway/${provider.data}`.length)
		return await c.var.services.gateway.handle({ request: c.req.raw, provider: provider.data, path })
	})
	return router
}
