import { AppError, ExecutionId, ProviderName, Scope, SCOPES_OF_KIND, TokenKind, WorkspaceId } from '@shared/contracts'
import type { Principal } from '@shared/contracts'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'

const ISSUER = 'vibehq-orchestrator'
const AUDIENCE = 'vibehq'
const ALGORITHM = 'HS256'
const MIN_KEY_BYTES = 32
const MAX_TOKEN_LENGTH = 4096

const HOUR_MS = 3_600_000
/** A run lasts six hours at most; a leaked execution token must not outlive it by much. */
export const MAX_TTL_MS = { operator: 366 * 24 * HOUR_MS, worker: 366 * 24 * HOUR_MS, runner: 366 * 24 * HOUR_MS, execution: 12 * HOUR_MS, validation: 12 * HOUR_MS } as const satisfies Record<TokenKind, number>

const Name = z.string().regex(/^[\w.:@~-]{1,100}$/)

/** What a new token says. `ttlMs` is rounded up to whole seconds; without `scopes` it gets all that its kind may have. */
export type TokenRequest = z.infer<typeof TokenRequest>
export const TokenRequest = z
	.strictObject({
		kind: TokenKind,
		subject: Name,
		workerName: Name,
		containerName: Name.optional(),
		executionId: ExecutionId.optional(),
		provider: ProviderName.optional(),
		workspaceId: WorkspaceId.optional(),
		ttlMs: z.int().min(1000),
		scopes: z.array(Scope).min(1).optional(),
	})
	.refine(({ kind, ttlMs }) => ttlMs <= MAX_TTL_MS[kind], { path: ['ttlMs'], error: 'is longer than a token of this kind may live' })
	.refine(({ kind, scopes }) => scopes?.every((scope) => scopesOf(kind).includes(scope)) ?? true, { path: ['scopes'], error: 'has a scope that this kind of token may not have' })
	.refine((request) => isBound(request), { path: ['executionId'], error: 'executionId, provider and workspaceId belong to execution tokens, all three, and workspaceId alone to validation tokens' })

const Claims = z.object({ kind: TokenKind, sub: z.string(), exp: z.int(), scopes: z.array(Scope), worker: z.string() })
const Bound = z.object({ container: z.string().optional(), execution: ExecutionId.optional(), provider: ProviderName.optional(), workspace: WorkspaceId.optional() })

/**
 * Signs a token with `key` (base64 of at least 32 bytes). Throws INVALID_INPUT for a request that asks for more than its kind may
 * have, NOT_CONFIGURED for a key that is too weak.
 */
export async function mintToken(key: string, request: TokenRequest, now: number): Promise<string> {
	const parsed = TokenRequest.safeParse(request)
	if (!parsed.success) {
		const issue = parsed.error.issues[0]
		throw new AppError('INVALID_INPUT', `The token cannot be made: ${issue?.path.join('.') || 'request'}: ${issue?.message ?? 'not valid'}`)
	}
	const { kind, subject, workerName, containerName, executionId, provider, workspaceId, ttlMs, scopes } = parsed.data
	const claims = { kind, scopes: [...new Set(scopes ?? scopesOf(kind))], worker: workerName, container: containerName, execution: executionId, provider, workspace: workspaceId }
	return await new SignJWT(claims)
		.setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
		.setIssuer(ISSUER)
		.setAudience(AUDIENCE)
		.setSubject(subject)
		.setIssuedAt(Math.floor(now / 1000))
		.setExpirationTime(Math.ceil((now + ttlMs) / 1000))
		.sign(keyBytes(key))
}

/**
 * Who holds the token. Throws TOKEN_EXPIRED when its time is over, UNAUTHENTICATED for anything else that is wrong with it. Scopes
 * that its kind no longer has are dropped, so narrowing a kind takes effect at once.
 */
export async function verifyToken(key: string, token: string, now: number): Promise<Principal> {
	const secret = keyBytes(key)
	if (token.length > MAX_TOKEN_LENGTH) throw new AppError('UNAUTHENTICATED', 'The token is longer than any token of this system.')
	const options = { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, typ: 'JWT', currentDate: new Date(now), requiredClaims: ['exp', 'sub'] }
	const { payload } = await jwtVerify(token, secret, options).catch((error: unknown) => {
		throw error instanceof errors.JWTExpired
			? new AppError('TOKEN_EXPIRED', 'The token has expired. Ask for a new one.')
			: new AppError('UNAUTHENTICATED', 'The token is not one that this orchestrator has signed.')
	})
	const claims = Claims.safeParse(payload)
	const bound = Bound.safeParse(payload)
	if (!claims.success || !bound.success) throw new AppError('UNAUTHENTICATED', 'The token does not hold what a token of this system holds.')
	const { kind, sub, exp, scopes, worker } = claims.data
	const { container, execution, provider, workspace } = bound.data
	if (!isBound({ kind, executionId: execution, provider, workspaceId: workspace })) throw new AppError('UNAUTHENTICATED', 'The token is not bound to what its kind must be bound to.')
	return {
		kind,
		subject: sub,
		scopes: scopes.filter((scope) => scopesOf(kind).includes(scope)),
		workerName: worker,
		...(container === undefined ? {} : { containerName: container }),
		...(execution === undefined ? {} : { executionId: execution }),
		...(provider === undefined ? {} : { provider }),
		...(workspace === undefined ? {} : { workspaceId: workspace }),
		expiresAt: exp * 1000,
	}
}

function scopesOf(kind: TokenKind): readonly Scope[] {
	return SCOPES_OF_KIND[kind]
}

/** True when the token is bound as its kind asks: an execution token to one run, a validation token to one repository, the others to nothing. */
function isBound({ kind, executionId, provider, workspaceId }: { kind: TokenKind; executionId?: unknown; provider?: unknown; workspaceId?: unknown }): boolean {
	const isOfRun = executionId !== undefined && provider !== undefined
	const isOfNoRun = executionId === undefined && provider === undefined
	if (kind === 'execution') return isOfRun && workspaceId !== undefined
	return isOfNoRun && (workspaceId !== undefined) === (kind === 'validation')
}

function keyBytes(key: string): Uint8Array {
	let bytes: Uint8Array
	try {
		bytes = Uint8Array.from(atob(key.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
	} catch {
		throw new AppError('NOT_CONFIGURED', 'TOKEN_SIGNING_KEY is not base64. Make one with: openssl rand -base64 32')
	}
	if (bytes.length < MIN_KEY_BYTES) throw new AppError('NOT_CONFIGURED', `TOKEN_SIGNING_KEY holds ${bytes.length} bytes; at least ${MIN_KEY_BYTES} are needed: openssl rand -base64 32`)
	return bytes
}
