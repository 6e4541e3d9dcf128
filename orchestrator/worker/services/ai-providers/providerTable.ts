import { PROVIDER_SECRETS } from '@shared/contracts'
import type { CostProfile, ProviderName, ProviderStatus, ProviderType, SecretMode, TaskType } from '@shared/contracts'

/** What is known of a coding agent before anything has run. `fit` and `speed` are 0..1, the higher the better. */
export interface ProviderEntry {
	type: ProviderType
	secretName: string
	/** How its key gets to it, unless an operator says otherwise. */
	mode: SecretMode
	/** The model it runs when the order names none; null leaves the choice to the provider. */
	models: Record<CostProfile, string | null>
	/** How well it does each kind of task. A prior from published comparisons (SWE-bench Verified, one harness), rounded. */
	fit: Record<TaskType, number>
	/** By the list price of its default model. */
	costClass: ProviderStatus['costClass']
	/** From the times of the same comparisons: 1 is about two minutes a task. */
	speed: number
	/** The provider's own API, to which the gateway sends; null when it has none that takes a key of ours. */
	baseURL: string | null
	/** Works in a cloud of its own: on a branch of a GitHub repository, or from nothing. */
	needsGitHub: boolean
	/** How the names of the models begin that it can run. */
	modelPrefixes: readonly string[]
}

const everyProfile = (model: string | null): Record<CostProfile, string | null> => ({ economy: model, balanced: model, performance: model })
const cli = { type: 'cli', mode: 'gateway', needsGitHub: false } as const

export const PROVIDERS: Record<ProviderName, ProviderEntry> = {
	codex: {
		...cli,
		secretName: PROVIDER_SECRETS.codex,
		models: everyProfile('gpt-5.5'),
		fit: { generate: 0.85, fix: 0.9, refactor: 0.8, optimize: 0.9 },
		costClass: 'high',
		speed: 1,
		baseURL: 'https://api.openai.com',
		modelPrefixes: ['gpt-', 'codex-', 'o3', 'o4'],
	},
	claude: {
		...cli,
		secretName: PROVIDER_SECRETS.claude,
		models: everyProfile('claude-sonnet-5'),
		fit: { generate: 0.9, fix: 0.9, refactor: 0.95, optimize: 0.85 },
		costClass: 'medium',
		speed: 0.4,
		baseURL: 'https://api.anthropic.com',
		modelPrefixes: ['claude-'],
	},
	gemini: {
		...cli,
		secretName: PROVIDER_SECRETS.gemini,
		models: everyProfile('gemini-3.8-flash'),
		fit: { generate: 0.75, fix: 0.65, refactor: 0.65, optimize: 0.65 },
		costClass: 'low',
		speed: 0.9,
		baseURL: 'https://generativelanguage.googleapis.com',
		modelPrefixes: ['gemini-'],
	},
	copilot: {
		...cli,
		secretName: PROVIDER_SECRETS.copilot,
		models: everyProfile('claude-sonnet-5'),
		fit: { generate: 0.8, fix: 0.75, refactor: 0.75, optimize: 0.7 },
		costClass: 'medium',
		speed: 0.6,
		// Its models are reached with a GitHub login, not with a key; a gateway needs an upstream of its own.
		baseURL: null,
		modelPrefixes: ['claude-', 'gpt-', 'gemini-'],
	},
	cursor: {
		...cli,
		// It signs its own requests, so there is no base URL to put a gateway behind.
		mode: 'direct',
		secretName: PROVIDER_SECRETS.cursor,
		models: everyProfile(null),
		fit: { generate: 0.75, fix: 0.7, refactor: 0.75, optimize: 0.7 },
		costClass: 'medium',
		speed: 0.6,
		baseURL: null,
		modelPrefixes: ['claude-', 'gpt-', 'gemini-', 'grok-', 'composer-'],
	},
	jules: {
		type: 'jules',
		mode: 'gateway',
		secretName: PROVIDER_SECRETS.jules,
		models: everyProfile(null),
		fit: { generate: 0.7, fix: 0.75, refactor: 0.7, optimize: 0.65 },
		costClass: 'low',
		speed: 0.2,
		baseURL: 'https://jules.googleapis.com',
		needsGitHub: true,
		modelPrefixes: [],
	},
}

/** Who comes first when two score the same. */
export const FALLBACK_ORDER: readonly ProviderName[] = ['codex', 'claude', 'gemini', 'copilot', 'cursor', 'jules']
