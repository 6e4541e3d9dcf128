import type { CostProfile, Priority, ProviderStatus } from '@shared/contracts'
import { PROVIDERS } from './providerTable.ts'
import type { RouteCriteria } from './router.ts'

/** What is weighed. `model` counts only where the order prefers one. */
export type Measure = 'fit' | 'cost' | 'health' | 'speed' | 'model'
export type Weights = Record<Measure, number>

const BY_PROFILE: Record<CostProfile, Omit<Weights, 'model'>> = {
	economy: { fit: 0.25, cost: 0.5, health: 0.15, speed: 0.1 },
	balanced: { fit: 0.6, cost: 0.2, health: 0.1, speed: 0.1 },
	performance: { fit: 0.65, cost: 0.05, health: 0.2, speed: 0.1 },
}

/** Urgent work gains from speed and from a provider that is well; work that can wait, from a low price. */
const BY_PRIORITY: Record<Priority, Partial<Weights>> = {
	low: { cost: 0.1 },
	medium: {},
	high: { speed: 0.1, health: 0.05 },
	critical: { speed: 0.2, fit: 0.1, health: 0.1 },
}

/** More than all the others together, so that a provider that runs the preferred model comes before any that does not. */
const MODEL_WEIGHT = 2

const COST_SCORE: Record<ProviderStatus['costClass'], number> = { low: 1, medium: 0.6, high: 0.2 }
const RECENT_MS = 10 * 60_000

/** Weights of a task, adding up to 1. */
export function weightsOf(criteria: RouteCriteria): Weights {
	const profile = BY_PROFILE[criteria.costProfile]
	const more = BY_PRIORITY[criteria.priority]
	const measures: Weights = {
		fit: profile.fit + (more.fit ?? 0),
		cost: profile.cost + (more.cost ?? 0),
		health: profile.health + (more.health ?? 0),
		speed: profile.speed + (more.speed ?? 0),
		model: criteria.preferredModel === undefined ? 0 : MODEL_WEIGHT,
	}
	const sum = measures.fit + measures.cost + measures.health + measures.speed + measures.model
	return { fit: measures.fit / sum, cost: measures.cost / sum, health: measures.health / sum, speed: measures.speed / sum, model: measures.model / sum }
}

const round = (value: number) => Math.round(value * 1000) / 1000

/** 1 is well; each failure in a row, a circuit that is being probed and a recent error take from it. */
function healthOf(status: ProviderStatus, now: number): number {
	// Only one task at a time is risked on it, so it need not come last.
	if (status.circuit !== 'closed') return 0.5
	const isRecent = status.lastError !== null && now - status.lastError.at < RECENT_MS
	return Math.max(0, 1 - 0.3 * Math.min(status.consecutiveFailures, 3) - (isRecent ? 0.05 : 0))
}

const canRun = (status: ProviderStatus, model: string) => PROVIDERS[status.provider].modelPrefixes.some((prefix) => model.startsWith(prefix))

/** The model of the profile, unless an operator set another default. */
function ownModel(status: ProviderStatus, profile: CostProfile): string | null {
	const { models } = PROVIDERS[status.provider]
	return status.defaultModel === models.balanced ? models[profile] : status.defaultModel
}

export interface Scored {
	score: number
	scores: Record<string, number>
	model: string | null
	reasons: string[]
}

/** How well a provider suits a task, with a sentence for each thing that counted. */
export function scoreProvider(input: { criteria: RouteCriteria; status: ProviderStatus; weights: Weights; now: number }): Scored {
	const { criteria, status, weights, now } = input
	const entry = PROVIDERS[status.provider]
	const wanted = criteria.preferredModel
	const runsWanted = wanted !== undefined && canRun(status, wanted)
	const model = runsWanted ? wanted : ownModel(status, criteria.costProfile)
	const fit = entry.fit[criteria.taskType]
	const cost = COST_SCORE[status.costClass]
	const health = round(healthOf(status, now))
	const { speed } = entry
	const score = round(weights.fit * fit + weights.cost * cost + weights.health * health + weights.speed * speed + (runsWanted ? weights.model : 0))
	const reasons = [
		`Fits ${criteria.taskType} tasks at ${fit}.`,
		`Its cost is ${status.costClass}.`,
		health === 1 ? 'It is well.' : `Its health is ${health}: ${status.consecutiveFailures} failures in a row, circuit ${status.circuit}.`,
	]
	if (wanted !== undefined) reasons.push(runsWanted ? `It can run ${wanted}.` : `It cannot run ${wanted} and would use ${model ?? 'its own choice'}.`)
	return { score, scores: { fit, cost, health, speed, ...(wanted === undefined ? {} : { model: runsWanted ? 1 : 0 }) }, model, reasons }
}
