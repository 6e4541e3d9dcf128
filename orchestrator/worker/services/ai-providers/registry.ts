import { AppError, ProviderName } from '@shared/contracts'
import type { Failure, ProviderStatus, SecretMode, TaskType } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { changeHealth, readProviderConfig, readProviderConfigs } from '../../database/repositories/providerConfigs.ts'
import type { ProviderConfig } from '../../database/repositories/providerConfigs.ts'
import { afterFailure, afterSuccess, beginProbe, HEALTHY, viewCircuit } from './circuitBreaker.ts'
import type { CircuitRecord, CircuitView } from './circuitBreaker.ts'
import { FALLBACK_ORDER, PROVIDERS } from './providerTable.ts'

export interface RegistryDeps {
	db: Database
	/** What the deployment says about providers. */
	vars: {
		upstream: 'real' | 'emulator'
		providerBaseURLs: Partial<Record<ProviderName, string>>
		providerModes: Partial<Record<ProviderName, SecretMode>>
		workerName: string
	}
	/** Whether the Worker has a secret of this name. */
	hasSecret: (name: string) => boolean
	now: () => number
}

/** Competing updates of one provider's health; each round one of them wins, so this is never reached in earnest. */
const MAX_ROUNDS = 200
const MAX_MESSAGE_CHARS = 1000

/** The six providers: what they are, whether they can be used, and how well they are. */
export function createRegistry(deps: RegistryDeps) {
	const { db, now } = deps

	/** Moves the health of a provider; `decide` returns null to leave it. Returns whether it was moved. */
	async function move(provider: ProviderName, decide: (record: CircuitRecord) => CircuitRecord | null, lastError?: { code: string; message: string }): Promise<boolean> {
		for (let round = 0; round < MAX_ROUNDS; round++) {
			const from = (await readProviderConfig(db, provider))?.health ?? HEALTHY
			const to = decide(from)
			if (to === null || (isSame(from, to) && !lastError)) return false
			if (await changeHealth(db, { provider, from, to, lastError, workerName: deps.vars.workerName, at: now() })) return true
		}
		throw new AppError('UNAVAILABLE', `The health of ${provider} changes too fast to be recorded.`)
	}

	return {
		/** Throws PROVIDER_UNKNOWN for a name that is not a provider's. */
		async status(provider: string): Promise<ProviderStatus> {
			const name = ProviderName.safeParse(provider)
			if (!name.success) throw new AppError('PROVIDER_UNKNOWN', `There is no provider ${provider.slice(0, 40)}. There are: ${ProviderName.options.join(', ')}.`)
			return toStatus(deps, name.data, await readProviderConfig(db, name.data))
		},
		/** All six, in the order in which equal scores are resolved. */
		async all(): Promise<ProviderStatus[]> {
			const configs = await readProviderConfigs(db)
			return FALLBACK_ORDER.map((provider) => toStatus(deps, provider, configs.get(provider)))
		},
		/** Where the gateway sends calls of a provider; null when there is nowhere. */
		async upstreamURL(provider: ProviderName): Promise<string | null> {
			return upstreamOf(deps, provider, await readProviderConfig(db, provider))
		},
		/** Whether a task may go to the provider now. Of a provider that was down, one task at a time may: it is the probe. */
		async admit(provider: ProviderName): Promise<boolean> {
			const record = (await readProviderConfig(db, provider))?.health ?? HEALTHY
			const view = viewCircuit(record, now())
			return view.canProbe ? move(provider, (latest) => beginProbe(latest, now())) : !view.isOpen
		},
		async recordSuccess(provider: ProviderName): Promise<void> {
			await move(provider, (record) => afterSuccess(record, now()))
		},
		/** Faults of the provider count towards its circuit; a task's own failure shows that it is alive. */
		async recordFailure(provider: ProviderName, failure: Pick<Failure, 'code' | 'message' | 'retryAt'>): Promise<void> {
			const lastError = { code: failure.code, message: failure.message.slice(0, MAX_MESSAGE_CHARS) }
			await move(provider, (record) => afterFailure(record, { code: failure.code, retryAt: failure.retryAt, now: now() }), lastError)
		},
		/** An operator's word that the provider is well again. */
		async reset(provider: ProviderName): Promise<void> {
			await move(provider, () => HEALTHY)
		},
	}
}
export type Registry = ReturnType<typeof createRegistry>

const isSame = (a: CircuitRecord, b: CircuitRecord) => a.circuit === b.circuit && a.consecutiveFailures === b.consecutiveFailures && a.parkedUntil === b.parkedUntil

function upstreamOf({ vars }: RegistryDeps, provider: ProviderName, config: ProviderConfig | undefined): string | null {
	return config?.baseURL ?? vars.providerBaseURLs[provider] ?? PROVIDERS[provider].baseURL
}

function toStatus(deps: RegistryDeps, provider: ProviderName, config: ProviderConfig | undefined): ProviderStatus {
	const { vars } = deps
	const entry = PROVIDERS[provider]
	const mode = config?.mode ?? vars.providerModes[provider] ?? entry.mode
	const hasSecret = deps.hasSecret(entry.secretName)
	const record = config?.health ?? HEALTHY
	const circuit = viewCircuit(record, deps.now())
	const hasUpstream = mode === 'direct' || upstreamOf(deps, provider, config) !== null
	// In direct mode the CLI calls its provider itself, and without the deployment's base URL the gateway does not call the emulator.
	const isEmulated = vars.upstream === 'emulator' && mode === 'gateway' && vars.providerBaseURLs[provider] !== undefined && !config?.baseURL
	const unavailableReason =
		(config?.isEnabled === false ? 'An operator switched it off.' : null) ??
		(hasSecret ? null : `The secret ${entry.secretName} is not set.`) ??
		(hasUpstream ? null : 'In gateway mode it needs an upstream: name one in PROVIDER_BASE_URLS, or set its mode to direct in PROVIDER_MODES.') ??
		parkedReason(circuit, config)
	return {
		provider,
		type: entry.type,
		available: unavailableReason === null,
		unavailableReason,
		mode,
		secretName: entry.secretName,
		hasSecret,
		defaultModel: config?.defaultModel ?? entry.models.balanced,
		taskTypes: Object.keys(entry.fit) as TaskType[],
		costClass: entry.costClass,
		circuit: circuit.circuit,
		consecutiveFailures: record.consecutiveFailures,
		parkedUntil: circuit.parkedUntil,
		lastError: config?.lastError ?? null,
		upstream: isEmulated ? 'emulator' : 'real',
	}
}

function parkedReason(circuit: CircuitView, config: ProviderConfig | undefined): string | null {
	if (!circuit.isOpen || circuit.parkedUntil === null) return null
	const until = new Date(circuit.parkedUntil).toISOString()
	const last = config?.lastError ? ` Last error: ${config.lastError.code}.` : ''
	if (circuit.circuit === 'half-open') return `One task is trying whether it is well again.${last}`
	return circuit.circuit === 'open' ? `Its circuit is open until ${until}.${last}` : `It asked not to be called until ${until}.${last}`
}
