import type { ProviderName, SecretMode } from '@shared/contracts'

/** Vars as the services see them. Secrets are not in here: `secretService` resolves those by name at run time. */
export interface Vars {
	environment: string
	workerName: string
	upstream: 'real' | 'emulator'
	providerBaseURLs: Partial<Record<ProviderName, string>>
	providerModes: Partial<Record<ProviderName, SecretMode>>
	tokenSigningKey: string | undefined
	/** Where people reach the orchestrator. */
	publicURL: string | undefined
	gitHub: { appId: string | undefined; apiURL: string | undefined; gitURL: string | undefined }
	leaseMs: number
	pollMs: number
	sweepIdleMs: number
	jules: { plan: 'free' | 'pro' | 'ultra'; pollMs: number; planApproval: 'ask' | 'none' }
	upstreamHeaderTimeoutMs: number
}
