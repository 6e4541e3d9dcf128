import { z } from 'zod'
import { ExecutionId, WorkspaceId } from './ids.ts'
import { ProviderName } from './provider.ts'

/** Who holds a token: a person, a Worker outside a binding, a runner, one agent run, or the validation of one patch set. */
export type TokenKind = z.infer<typeof TokenKind>
export const TokenKind = z.enum(['operator', 'worker', 'runner', 'execution', 'validation'])

/** What a token may do. A door names the scope it needs. */
export type Scope = z.infer<typeof Scope>
export const Scope = z.enum(['orders:write', 'read', 'providers:write', 'tasks:submit', 'tasks:claim', 'git:read', 'git:write', 'gateway', 'patch:read', 'patch:report', 'admin'])

export const SCOPES_OF_KIND = {
	operator: ['orders:write', 'read', 'providers:write', 'tasks:submit', 'git:read', 'git:write', 'patch:read', 'patch:report', 'admin'],
	worker: ['orders:write', 'read', 'tasks:submit', 'patch:read', 'patch:report'],
	runner: ['tasks:claim', 'patch:report'],
	execution: ['gateway', 'git:read', 'patch:read', 'patch:report'],
	validation: ['git:read', 'patch:read'],
} as const satisfies Record<TokenKind, readonly Scope[]>

/** The verified content of a token. An execution token is bound to one execution, provider and workspace; a validation token to a workspace, and its subject is the patch set. */
export type Principal = z.infer<typeof Principal>
export const Principal = z.strictObject({
	kind: TokenKind,
	subject: z.string(),
	scopes: z.array(Scope),
	workerName: z.string(),
	containerName: z.string().optional(),
	executionId: ExecutionId.optional(),
	provider: ProviderName.optional(),
	workspaceId: WorkspaceId.optional(),
	expiresAt: z.int(),
})
