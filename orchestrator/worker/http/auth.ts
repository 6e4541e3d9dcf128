import { AppError } from '@shared/contracts'
import type { Principal, Scope } from '@shared/contracts'
import type { MiddlewareHandler } from 'hono'
import type { HonoEnv } from './router.ts'

/** The token of `Authorization: Bearer`, or undefined. */
export function bearerToken(headers: Headers): string | undefined {
	return /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
}

/** The password of `Authorization: Basic`, which is where git puts a token; the user name does not matter. */
export function basicPassword(headers: Headers): string | undefined {
	const encoded = /^Basic +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
	if (encoded === undefined) return undefined
	try {
		const [, ...password] = atob(encoded).split(':')
		return password.join(':') || undefined
	} catch {
		return undefined
	}
}

/** Throws FORBIDDEN, naming the scopes that the principal lacks. */
export function requireScopes(principal: Principal, scopes: readonly Scope[]): void {
	const missing = scopes.filter((scope) => !principal.scopes.includes(scope))
	if (missing.length === 0) return
	throw new AppError('FORBIDDEN', `This needs a token with the scope ${missing.join(' and ')}; a token of kind ${principal.kind} has ${principal.scopes.join(', ') || 'none'}.`, {
		missing,
	})
}

/** Lets a request through whose bearer token has all these scopes, and sets `principal`. */
export function authenticated(...scopes: Scope[]): MiddlewareHandler<HonoEnv> {
	return async (c, next) => {
		const token = bearerToken(c.req.raw.headers)
		if (token === undefined) throw new AppError('UNAUTHENTICATED', 'Send a token: Authorization: Bearer <token>.')
		const principal = await c.var.services.tokens.verify(token)
		requireScopes(principal, scopes)
		c.set('principal', principal)
		return await next()
	}
}
