import { AppError } from '@shared/contracts'
import type { CostProfile, Priority, ProviderName, ProviderStatus, RouteCandidate, RouteDecision, TaskType } from '@shared/contracts'
import { FALLBACK_ORDER, PROVIDERS } from './providerTable.ts'
import type { Registry } from './registry.ts'
import { scoreProvider, weightsOf } from './scoring.ts'

/** What a task asks of a provider. */
export interface RouteCriteria {
	taskType: TaskType
	/** `isEmpty`: the workspace has no files yet. */
	sourceContext: { isGitHub: boolean; isEmpty?: boolean | undefined; repoName?: string | undefined; branchName?: string | undefined }
	priority: Priority
	costProfile: CostProfile
	/** A wish: who can run the model comes first, the others stay in the chain with their own model. */
	preferredModel?: string | undefined
	/** An order: this provider or none. */
	manualOverride?: ProviderName | undefined
	/** Already tried for this task. */
	exclude?: readonly ProviderName[] | undefined
}

export interface RouteRequest {
	criteria: RouteCriteria
	providers: readonly ProviderStatus[]
	now: number
}

/** Every provider with its score and reasons: eligible ones first, the best first. Equal scores go by the registry's order. */
export function rankCandidates({ criteria, providers, now }: RouteRequest): RouteCandidate[] {
	const weights = weightsOf(criteria)
	const candidates = providers.map((status): RouteCandidate => {
		const obstacles = obstaclesOf(criteria, status)
		const { score, scores, model, reasons } = scoreProvider({ criteria, status, weights, now })
		return { provider: status.provider, model, eligible: obstacles.length === 0, score, scores, reasons: [...obstacles, ...reasons] }
	})
	const place = (candidate: RouteCandidate) => FALLBACK_ORDER.indexOf(candidate.provider)
	return candidates.sort((a, b) => Number(b.eligible) - Number(a.eligible) || b.score - a.score || place(a) - place(b))
}

/** Why a provider cannot take the task; empty when it can. */
function obstaclesOf(criteria: RouteCriteria, status: ProviderStatus): string[] {
	const { isGitHub, isEmpty = false, repoName, branchName } = criteria.sourceContext
	const entry = PROVIDERS[status.provider]
	return [
		...(status.available ? [] : [`Not available: ${status.unavailableReason ?? 'no reason given.'}`]),
		...(entry.needsGitHub && !isEmpty && !(isGitHub && repoName && branchName) ? ['It works on a branch of a GitHub repository, or in a workspace that has no files yet.'] : []),
		...(status.taskTypes.includes(criteria.taskType) ? [] : [`It does not do ${criteria.taskType} tasks.`]),
		...(criteria.exclude?.includes(status.provider) ? ['It was tried for this task already.'] : []),
	]
}

/**
 * Chooses a provider. Pure: the same request gives the same decision. Throws PROVIDER_NOT_ELIGIBLE when the provider that was
 * ordered cannot take the task, NO_PROVIDER_AVAILABLE when nobody can; both say why.
 */
export function decideRoute(request: RouteRequest): RouteDecision {
	const { criteria, now } = request
	const candidates = rankCandidates(request)
	const eligible = candidates.filter((candidate) => candidate.eligible)
	if (criteria.manualOverride !== undefined) return manualRoute(criteria.manualOverride, candidates, now)
	const [best, ...others] = eligible
	if (!best) {
		const reasons = candidates.map((candidate) => `${candidate.provider}: ${candidate.reasons[0] ?? ''}`).join(' ')
		throw new AppError('NO_PROVIDER_AVAILABLE', `No provider can take this ${criteria.taskType} task now. ${reasons}`, { candidates })
	}
	const isFallback = (criteria.exclude?.length ?? 0) > 0
	const lead = others[0] ? `ahead of ${others[0].provider} with ${others[0].score}` : 'the only one that can take it'
	return {
		provider: best.provider,
		model: best.model,
		mode: isFallback ? 'fallback' : 'automatic',
		reason: `${best.provider} scores ${best.score} for a ${criteria.taskType} task (${criteria.costProfile}, ${criteria.priority} priority), ${lead}.`,
		chain: others.map((candidate) => candidate.provider),
		candidates,
		decidedAt: now,
	}
}

function manualRoute(provider: ProviderName, candidates: RouteCandidate[], now: number): RouteDecision {
	const candidate = candidates.find((each) => each.provider === provider)
	if (!candidate?.eligible) {
		throw new AppError('PROVIDER_NOT_ELIGIBLE', `${provider} was asked for, and cannot take the task. ${candidate?.reasons[0] ?? 'It is not in the registry.'}`, { candidates })
	}
	return { provider, model: candidate.model, mode: 'manual', reason: `${provider} was asked for by name.`, chain: [], candidates, decidedAt: now }
}

/** Routes on the registry as it is now. */
export function createProviderRouter({ registry, now }: { registry: Pick<Registry, 'all' | 'admit'>; now: () => number }) {
	return {
		/**
		 * Decides, and takes the place of the one probe where the chosen provider was down; a task that loses that race goes to
		 * the next provider. Throws as `decideRoute`.
		 */
		async decide(criteria: RouteCriteria): Promise<RouteDecision> {
			for (let tries = FALLBACK_ORDER.length; ; tries--) {
				const providers = await registry.all()
				const decision = decideRoute({ criteria, providers, now: now() })
				const status = providers.find((each) => each.provider === decision.provider)
				if (status?.circuit === 'closed' || tries === 0 || (await registry.admit(decision.provider))) return decision
			}
		},
		/** Who could take a task, without deciding anything. */
		async candidates(criteria: RouteCriteria): Promise<RouteCandidate[]> {
			return rankCandidates({ criteria, providers: await registry.all(), now: now() })
		},
	}
}
export type ProviderRouter = ReturnType<typeof createProviderRouter>
