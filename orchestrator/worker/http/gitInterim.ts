import { createRouter } from './router.ts'
import { bearerToken, basicPassword } from './auth.ts'
import { AppError } from '@shared/contracts'

export function gitRoutes() {
	const router = createRouter()
	router.all('/git/:workspace/*', async (c) => {
		const token = bearerToken(c.req.raw.headers) ?? basicPassword(c.req.raw.headers)
		if (!token) return c.text('token', 401, { 'www-authenticate': 'Basic realm="git"' })
		const principal = await c.var.services.tokens.verify(token)
		const id = c.req.param('workspace')
		const url = new URL(c.req.url)
		const isWrite = url.pathname.endsWith('git-receive-pack') || url.search.includes('git-receive-pack')
		if (isWrite && !principal.scopes.includes('git:write')) throw new AppError('GIT_READ_ONLY', 'read-only')
		const remote = await c.var.services.workspaces.remote(id, isWrite ? 'write' : 'read')
		const headers = new Headers(c.req.raw.headers)
		headers.delete('host'); headers.delete('expect'); headers.set('authorization', remote.authorization)
		return fetch(remote.url + url.pathname.slice(`/git/${id}`.length) + url.search, { method: c.req.method, headers, body: c.req.raw.body, redirect: 'manual' })
	})
	return router
}
