import type { ProviderName, SecretMode } from '@shared/contracts'
import type { PoolConfig } from './containers/poolConfig.ts'

/** Vars as the services see them. Secrets are not in here: `secretService` resolves those by name at run time. */
export interface Vars {
	environment: string
	workerName: string
	upstream: 'real' | 'emulator'
	providerBaseURLs: Partial<Record<ProviderName, string>>
	providerModes: Partial<Record<ProviderName, SecretMode>>
	tokenSigningKey: string | undefined
	/** Pools of containers, by Worker. The one named like the orchestrator does the work of every Worker without a pool. */
	pools: ReadonlyMap<string, PoolConfig>
	poolHostURL: string | undefined
	/** Where people reach the orchestrator. */
	publicURL: string | undefined
	gitHub: { appId: string | undefined; apiURL: string | undefined; gitURL: string | undefined }
	leaseMs: number
	pollMs: number
	sweepIdleMs: number
	jules: { plan: 'free' | 'pro' | 'ultra'; pollMs: number; planApproval: 'ask' | 'none' }
	upstreamHeaderTimeoutMs: number
}
