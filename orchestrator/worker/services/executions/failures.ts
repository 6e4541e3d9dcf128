import { isAppError, toErrorBody } from '@shared/contracts'
import type { Failure } from '@shared/contracts'

// Faults of the provider or of its run: another provider may do better with the same task.
const FALLS_BACK = new Set([
	'PROVIDER_AUTH_FAILED',
	'PROVIDER_RATE_LIMITED',
	'PROVIDER_ERROR',
	'PROVIDER_REFUSED',
	'PROVIDER_UNREACHABLE',
	'PROVIDER_OUTPUT_INVALID',
	'PROVIDER_UNAVAILABLE',
	'AGENT_TIMEOUT',
	'AGENT_STALLED',
	'AGENT_FAILED',
	'NO_CHANGES',
	'SECRET_MISSING',
])

/** Whether the next provider of the chain is tried after this failure. A refused patch is for a person, not for another agent. */
export const fallsBack = (code: string) => FALLS_BACK.has(code)

/** The failure to store for anything that was thrown; what is not an AppError keeps its text for the log only. */
export function toFailure(error: unknown): Failure {
	const body = toErrorBody(error)
	return { code: body.code, message: body.message, ...(body.details ? { details: body.details } : {}) }
}

/** An expected failure is a value to the Workflow; anything else, and what can succeed later, is thrown so that the step is tried again. */
export type Outcome<Value> =
	| { ok: true; value: Value }
	/** With `retryAt` (Unix ms) it can succeed from then on: a limit of somebody else's service. */
	| { ok: false; failure: Failure; retryAt?: number }

/** Runs a step: on its last try every AppError becomes a value, before that only those that no retry can help, or none before a known moment. */
export async function outcomeOf<Value>(isLastTry: boolean, work: () => Promise<Value>): Promise<Outcome<Value>> {
	try {
		return { ok: true, value: await work() }
	} catch (error) {
		const retryAt = retryTimeOf(error)
		if (retryAt !== null) return { ok: false, failure: toFailure(error), retryAt }
		if (isAppError(error) && (isLastTry || !toErrorBody(error).retryable)) return { ok: false, failure: toFailure(error) }
		if (!isLastTry) throw error
		console.error({ message: 'step failed', error: error instanceof Error ? error.stack : String(error) })
		return { ok: false, failure: toFailure(error) }
	}
}

/** When a retryable failure says that it can succeed: Unix ms in `details.retryAt`. */
function retryTimeOf(error: unknown): number | null {
	if (!isAppError(error) || !toErrorBody(error).retryable) return null
	const retryAt = error.details?.['retryAt']
	return typeof retryAt === 'number' && Number.isFinite(retryAt) ? retryAt : null
}
