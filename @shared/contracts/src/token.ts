import { z } from 'zod'
import { ExecutionId, WorkspaceId } from './ids.ts'
import { ProviderName } from './provider.ts'

/** Who holds a token: a person, a Worker outside a binding, a runner, or one agent run. */
export type TokenKind = z.infer<typeof TokenKind>
export const TokenKind = z.enum(['operator', 'worker', 'runner', 'execution'])

/** What a token may do. A door names the scope it needs. */
export type Scope = z.infer<typeof Scope>
export const Scope = z.enum(['orders:write', 'read', 'providers:write', 'tasks:submit', 'tasks:claim', 'git:read', 'git:write', 'gateway', 'patch:read', 'admin'])

export const SCOPES_OF_KIND = {
	operator: ['orders:write', 'read', 'providers:write', 'tasks:submit', 'git:read', 'git:write', 'patch:read', 'admin'],
	worker: ['orders:write', 'read', 'tasks:submit', 'patch:read'],
	runner: ['tasks:claim'],
	execution: ['gateway', 'git:read', 'patch:read'],
} as const satisfies Record<TokenKind, readonly Scope[]>

/** The verified content of a token. An execution token is bound to one execution, provider and workspace. */
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
