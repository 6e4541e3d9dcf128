import { AppError, ERRORS, isAppError } from '@shared/contracts'
import { basicPassword, bearerToken } from './auth.ts'
import { createRouter } from './router.ts'

/**
 * `/git/:workspace/*`: what `git clone https://x:TOKEN@host/git/<workspace>` speaks to. Not in the OpenAPI description, because the
 * shapes are git's; errors are text, because that is what git shows.
 */
export function gitRoutes() {
	const router = createRouter()
	router.all('/git/:workspace/*', async (c) => {
		try {
			const { headers } = c.req.raw
			const token = bearerToken(headers) ?? basicPassword(headers)
			if (token === undefined) throw new AppError('UNAUTHENTICATED', 'Give a token as the password: https://x:TOKEN@host/git/<workspace>.')
			const { tokens, gitGateway } = c.var.services
			const principal = await tokens.verify(token)
			const workspaceId = c.req.param('workspace')
			const path = new URL(c.req.url).pathname.slice(`/git/${workspaceId}`.length)
			return await gitGateway.handle({ request: c.req.raw, principal, workspaceId, path })
		} catch (error) {
			if (!isAppError(error)) throw error
			return gitError(error)
		}
	})
	return router
}

function gitError({ code, message }: AppError): Response {
	const { status } = ERRORS[code]
	// Without the challenge git does not send the credentials that it has.
	const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="vibehq", charset="UTF-8"' } : {}
	return new Response(`${code}: ${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...challenge } })
}
