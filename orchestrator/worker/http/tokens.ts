import { createRoute } from '@hono/zod-openapi'
import { AppError, Scope } from '@shared/contracts'
import { MAX_TTL_MS } from '@shared/worker-base/token'
import type { TokenRequest } from '@shared/worker-base/token'
import { z } from 'zod'
import { authenticated } from './auth.ts'
import { jsonBody } from './common.ts'
import { answers, createRouter } from './router.ts'

const DAY_MS = 86_400_000
const Name = z.string().regex(/^[\w.:@-]{1,100}$/)

/** What an operator may ask for: tokens of machines. Operator tokens are made where the signing key is, execution tokens at claim time. */
type NewToken = z.infer<typeof NewToken>
const NewToken = z
	.strictObject({
		kind: z.enum(['worker', 'runner']),
		workerName: Name,
		containerName: Name.optional(),
		ttlMs: z.int().min(60_000).max(MAX_TTL_MS.worker).default(30 * DAY_MS),
		scopes: z.array(Scope).min(1).optional(),
	})
	.openapi('NewToken')

const MintedToken = z
	.object({ token: z.string(), kind: z.string(), workerName: z.string(), containerName: z.string().nullable(), scopes: z.array(Scope), expiresAt: z.int() })
	.openapi('MintedToken')

const mint = createRoute({
	method: 'post',
	path: '/api/tokens',
	operationId: 'mintToken',
	summary: 'Make a token for a Worker outside a binding, or for a runner',
	tags: ['tokens'],
	middleware: authenticated('admin'),
	request: { body: jsonBody(NewToken) },
	responses: answers(201, MintedToken, 'The token. It is shown this once.'),
})

export function tokenRoutes() {
	return createRouter().openapi(mint, async (c) => {
		const { tokens } = c.var.services
		const minter = c.get('principal')
		// Only a person starts a chain of tokens; a machine's token that could mint would outlive its own end.
		if (minter.kind !== 'operator') throw new AppError('FORBIDDEN', 'Only an operator makes tokens.')
		const token = await tokens.mint(requestFor(c.req.valid('json'), minter.subject))
		const { kind, workerName, containerName, scopes, expiresAt } = await tokens.verify(token)
		c.header('cache-control', 'no-store')
		return c.json({ token, kind, workerName, containerName: containerName ?? null, scopes, expiresAt }, 201)
	})
}

function requestFor({ kind, workerName, containerName, ttlMs, scopes }: NewToken, subject: string): TokenRequest {
	return { kind, subject, workerName, ttlMs, ...(containerName === undefined ? {} : { containerName }), ...(scopes === undefined ? {} : { scopes }) }
}
