import { ProviderName } from '@shared/contracts'
import type { ProviderStatus } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { FALLBACK_ORDER, PROVIDERS } from './providerTable.ts'
import { createProviderRouter, decideRoute } from './router.ts'
import type { RouteCriteria } from './router.ts'

const now = 1_000_000

function statusOf(provider: ProviderName, change: Partial<ProviderStatus> = {}): ProviderStatus {
	const entry = PROVIDERS[provider]
	return {
		provider,
		type: entry.type,
		available: true,
		unavailableReason: null,
		mode: entry.mode,
		secretName: entry.secretName,
		hasSecret: true,
		defaultModel: entry.models.balanced,
		taskTypes: ['generate', 'fix', 'refactor', 'optimize'],
		costClass: entry.costClass,
		circuit: 'closed',
		consecutiveFailures: 0,
		parkedUntil: null,
		lastError: null,
		upstream: 'real',
		...change,
	}
}
type Changes = Partial<Record<ProviderName, Partial<ProviderStatus>>>
const statuses = (changes: Changes = {}) => FALLBACK_ORDER.map((provider) => statusOf(provider, changes[provider]))
const base: RouteCriteria = { taskType: 'fix', sourceContext: { isGitHub: false }, priority: 'medium', costProfile: 'balanced' }
const decide = (criteria: Partial<RouteCriteria>, changes: Changes = {}) => decideRoute({ criteria: { ...base, ...criteria }, providers: statuses(changes), now })
const thrown = (work: () => unknown): unknown => {
	try {
		work()
	} catch (error) {
		return error
	}
	throw new Error('it threw nothing')
}
const github = { isGitHub: true, repoName: 'o/r', branchName: 'main' }

describe('decideRoute', () => {
	it.each<{ name: string; criteria: Partial<RouteCriteria>; changes?: Changes; provider: ProviderName; model: string | null }>([
		{ name: 'balanced', criteria: {}, provider: 'claude', model: 'claude-sonnet-5' },
		{ name: 'economy', criteria: { costProfile: 'economy' }, provider: 'gemini', model: 'gemini-3.8-flash' },
		{ name: 'performance, optimize', criteria: { costProfile: 'performance', taskType: 'optimize' }, provider: 'codex', model: 'gpt-5.5' },
		{ name: 'performance, refactor', criteria: { costProfile: 'performance', taskType: 'refactor' }, provider: 'claude', model: 'claude-sonnet-5' },
		{ name: 'critical work goes to the fast one', criteria: { costProfile: 'performance', priority: 'critical' }, provider: 'codex', model: 'gpt-5.5' },
		{ name: 'a preferred model comes before the score', criteria: { preferredModel: 'gpt-5.6-sol' }, provider: 'codex', model: 'gpt-5.6-sol' },
		{ name: 'a preferred model nobody runs', criteria: { preferredModel: 'llama-9' }, provider: 'claude', model: 'claude-sonnet-5' },
		{ name: 'one that keeps failing is passed over', criteria: {}, changes: { claude: { consecutiveFailures: 2 } }, provider: 'codex', model: 'gpt-5.5' },
		{ name: 'an operator chose another default', criteria: {}, changes: { claude: { defaultModel: 'claude-opus-5' } }, provider: 'claude', model: 'claude-opus-5' },
		{ name: 'already tried', criteria: { exclude: ['claude', 'gemini'] }, provider: 'codex', model: 'gpt-5.5' },
		{ name: 'only one left', criteria: { exclude: ['claude', 'gemini', 'codex', 'copilot', 'jules'] }, provider: 'cursor', model: null },
	])('$name: $provider', ({ criteria, changes, provider, model }) => {
		expect(decide(criteria, changes)).toMatchObject({ provider, model })
	})

	it('explains itself: every candidate with score and reasons, the others as chain, best first', () => {
		const route = decide({}, { gemini: { available: false, unavailableReason: 'The secret GEMINI_API_KEY is not set.' } })
		expect(route).toMatchObject({ mode: 'automatic', decidedAt: now })
		expect(route.reason).toMatch(/^claude scores 0\.\d+ for a fix task \(balanced, medium priority\), ahead of \w+ with 0\.\d+\.$/)
		expect(route.candidates.map((candidate) => candidate.provider).sort()).toEqual([...ProviderName.options].sort())
		const eligible = route.candidates.filter((candidate) => candidate.eligible)
		expect([route.provider, ...route.chain]).toEqual(eligible.map((candidate) => candidate.provider))
		expect(eligible.map((candidate) => candidate.score)).toEqual(eligible.map((candidate) => candidate.score).toSorted((a, b) => b - a))
		expect(route.candidates.find((candidate) => candidate.provider === 'gemini')).toMatchObject({ eligible: false, reasons: expect.arrayContaining(['Not available: The secret GEMINI_API_KEY is not set.']) })
		for (const candidate of route.candidates) {
			expect(candidate.reasons.length).toBeGreaterThan(0)
			for (const value of [candidate.score, ...Object.values(candidate.scores)]) expect(value).toBeGreaterThanOrEqual(0)
			for (const value of [candidate.score, ...Object.values(candidate.scores)]) expect(value).toBeLessThanOrEqual(1)
		}
		expect(decide({}, { gemini: { available: false, unavailableReason: 'The secret GEMINI_API_KEY is not set.' } })).toEqual(route)
	})

	it('breaks a tie by the order of the registry, whatever the order of the statuses', () => {
		const tied = { claude: { available: false, unavailableReason: 'off' } }
		const route = decide({}, tied)
		const scoreOf = (provider: ProviderName) => route.candidates.find((candidate) => candidate.provider === provider)?.score
		expect(scoreOf('codex')).toBe(scoreOf('gemini'))
		expect([route.provider, route.chain[0]]).toEqual(['codex', 'gemini'])
		expect(decideRoute({ criteria: base, providers: statuses(tied).reverse(), now })).toEqual(route)
	})

	it.each([
		{ name: 'no GitHub', sourceContext: { isGitHub: false }, eligible: false },
		{ name: 'no branch', sourceContext: { isGitHub: true, repoName: 'o/r' }, eligible: false },
		{ name: 'repository and branch', sourceContext: github, eligible: true },
		{ name: 'a hosted workspace without files', sourceContext: { isGitHub: false, isEmpty: true }, eligible: true },
	])('gives Jules a task only on a GitHub branch or from nothing: $name', ({ sourceContext, eligible }) => {
		const jules = decide({ sourceContext }).candidates.find((candidate) => candidate.provider === 'jules')
		expect(jules?.eligible).toBe(eligible)
	})

	it('takes the ordered provider or none', () => {
		expect(decide({ manualOverride: 'gemini', costProfile: 'performance' })).toMatchObject({ provider: 'gemini', mode: 'manual', chain: [] })
		expect(thrown(() => decide({ manualOverride: 'jules' }))).toMatchObject({ code: 'PROVIDER_NOT_ELIGIBLE', message: expect.stringContaining('GitHub') })
		expect(thrown(() => decide({ manualOverride: 'codex', exclude: ['codex'] }))).toMatchObject({ code: 'PROVIDER_NOT_ELIGIBLE', message: expect.stringContaining('tried') })
		expect(thrown(() => decideRoute({ criteria: { ...base, manualOverride: 'codex' }, providers: [], now }))).toMatchObject({ code: 'PROVIDER_NOT_ELIGIBLE' })
	})

	it('says of each provider why nobody can take the task', () => {
		const changes = Object.fromEntries(ProviderName.options.map((provider) => [provider, { available: false, unavailableReason: `no key for ${provider}` }]))
		const error = thrown(() => decide({}, changes))
		expect(error).toMatchObject({ code: 'NO_PROVIDER_AVAILABLE', retryable: true, details: { candidates: expect.any(Array) } })
		for (const provider of ProviderName.options) expect((error as Error).message).toContain(`no key for ${provider}`)
		expect(thrown(() => decideRoute({ criteria: base, providers: [], now }))).toMatchObject({ code: 'NO_PROVIDER_AVAILABLE' })
	})

	it('calls a decision after failures a fallback', () => {
		expect(decide({ exclude: ['claude'] })).toMatchObject({ mode: 'fallback', chain: expect.not.arrayContaining(['claude']) })
	})
})

describe('createProviderRouter', () => {
	const others = { gemini: { available: false, unavailableReason: 'off' }, copilot: { available: false, unavailableReason: 'off' }, cursor: { available: false, unavailableReason: 'off' }, jules: { available: false, unavailableReason: 'off' } }

	it('goes to the next provider when another task is the probe', async () => {
		let isTaken = false
		const registry = {
			all: async () => statuses({ ...others, codex: { available: !isTaken, circuit: 'half-open' as const, unavailableReason: 'being tried' } }),
			admit: async () => {
				isTaken = true
				return false
			},
		}
		const router = createProviderRouter({ registry, now: () => now })
		expect(await router.decide({ ...base, preferredModel: 'gpt-5.5' })).toMatchObject({ provider: 'claude' })
	})

	it('asks for admission only where the circuit is not closed', async () => {
		const asked: string[] = []
		const registry = {
			all: async () => statuses(others),
			admit: async (provider: string) => {
				asked.push(provider)
				return true
			},
		}
		const router = createProviderRouter({ registry, now: () => now })
		await router.decide(base)
		await router.candidates(base)
		expect(asked).toEqual([])
	})
})
