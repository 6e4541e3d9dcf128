import { AppError, PROVIDER_SECRETS, SECRET_NAMES } from '@shared/contracts'
import type { ProviderName, SecretMode } from '@shared/contracts'

export interface SecretServiceDeps {
	/** The value of a Worker secret, undefined when there is none. */
	readSecret: (name: string) => string | undefined
}

/** The variable in which each CLI looks for its key, where that is not the name of our secret. */
const CLI_VARIABLES: Partial<Record<ProviderName, string>> = { claude: 'ANTHROPIC_API_KEY' }

/** Secrets by name, resolved at the moment of use. Values pass through; nothing here keeps, logs or stores one. */
export function createSecretService({ readSecret }: SecretServiceDeps) {
	const resolve = (name: string): string => {
		const value = readSecret(name)
		if (value !== undefined) return value
		throw new AppError('SECRET_MISSING', `The secret ${name} is not set. Set it with: wrangler secret put ${name}`, { secret: name })
	}
	return {
		has: (name: string): boolean => readSecret(name) !== undefined,
		/** Every secret there is: what must be found in nothing that an agent wrote. */
		values: (): string[] => SECRET_NAMES.flatMap((name) => readSecret(name) ?? []),
		/** Throws SECRET_MISSING, which names the secret. */
		resolve,
		/**
		 * What the runner puts into the environment of the CLI: in `direct` mode the one key of that provider under the CLI's own
		 * variable, in `gateway` mode nothing. Throws SECRET_MISSING; PROVIDER_NOT_ELIGIBLE for a provider without a CLI.
		 */
		grantEnv(provider: ProviderName, mode: SecretMode): Record<string, string> {
			if (mode === 'gateway') return {}
			if (provider === 'jules') throw new AppError('PROVIDER_NOT_ELIGIBLE', 'Jules runs in its own cloud; its key never enters a container.', { provider })
			const name = PROVIDER_SECRETS[provider]
			return { [CLI_VARIABLES[provider] ?? name]: resolve(name) }
		},
	}
}
export type SecretService = ReturnType<typeof createSecretService>
