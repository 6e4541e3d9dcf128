import type { CircuitState } from '@shared/contracts'

/** Failures in a row that open the circuit. */
export const FAILURES_TO_OPEN = 3
/** How long an open circuit stays open, growing with each probe that fails. */
export const OPEN_LADDER_MS: readonly number[] = [2, 5, 10, 20, 60].map((minutes) => minutes * 60_000)
export const RATE_LIMIT_MS = 60_000
const AUTH_FAILED_MS = 60 * 60_000
/** Nobody is parked for longer than this, whatever it answered. */
const LONGEST_PARK_MS = 7 * 24 * 3_600_000
/** A probe that has not reported by then is given up, and another may be made. */
export const PROBE_MS = 15 * 60_000

/**
 * What is stored of a provider's health. `parkedUntil` (Unix ms) is the end of an open circuit, of a rate limit while closed,
 * and of the running probe while half-open.
 */
export interface CircuitRecord {
	circuit: CircuitState
	consecutiveFailures: number
	parkedUntil: number | null
}
export const HEALTHY: CircuitRecord = { circuit: 'closed', consecutiveFailures: 0, parkedUntil: null }

export type FailureKind = 'fault' | 'rate-limit' | 'auth' | 'alive' | 'unrelated'

const KINDS = new Map<string, FailureKind>(
	Object.entries({
		PROVIDER_ERROR: 'fault',
		PROVIDER_UNREACHABLE: 'fault',
		PROVIDER_OUTPUT_INVALID: 'fault',
		GATEWAY_UPSTREAM: 'fault',
		AGENT_STALLED: 'fault',
		PROVIDER_RATE_LIMITED: 'rate-limit',
		PROVIDER_AUTH_FAILED: 'auth',
		// The provider answered; what it made was not good enough, or it would not do this task.
		PROVIDER_REFUSED: 'alive',
		NO_CHANGES: 'alive',
		VALIDATION_FAILED: 'alive',
	} satisfies Record<string, FailureKind>),
)

/** What a failure says about the provider itself. Lost runners, cancels and budgets say nothing. */
export function kindOf(code: string): FailureKind {
	return KINDS.get(code) ?? (code.startsWith('PATCH_') ? 'alive' : 'unrelated')
}

export interface ProviderFailure {
	code: string
	/** Unix ms before which the provider asked not to be called. */
	retryAt?: number | undefined
	now: number
}

export function afterFailure(record: CircuitRecord, failure: ProviderFailure): CircuitRecord {
	const { now } = failure
	const kind = kindOf(failure.code)
	const wasParked = record.circuit === 'open' && (record.parkedUntil ?? 0) > now
	if (kind === 'alive') return afterSuccess(record, now)
	if (kind === 'unrelated') return record.circuit === 'half-open' ? { ...record, circuit: 'open', parkedUntil: now } : record
	// The end of a probe's window is not a time that anybody asked for.
	const parkedUntil = record.circuit === 'half-open' ? 0 : (record.parkedUntil ?? 0)
	const until = (ms: number) => Math.max(parkedUntil, Math.min(ms, now + LONGEST_PARK_MS))
	if (kind === 'rate-limit') {
		// Not a fault, but a probe that met it has proved nothing.
		return { ...record, circuit: record.circuit === 'closed' ? 'closed' : 'open', parkedUntil: until(failure.retryAt ?? now + RATE_LIMIT_MS) }
	}
	if (kind === 'auth') return { circuit: 'open', consecutiveFailures: Math.max(record.consecutiveFailures, FAILURES_TO_OPEN), parkedUntil: until(now + AUTH_FAILED_MS) }
	// Runs that were under way when the circuit opened fail later; they are the same trouble and do not make it longer.
	if (wasParked) return record
	const consecutiveFailures = record.consecutiveFailures + 1
	if (consecutiveFailures < FAILURES_TO_OPEN) return { ...record, consecutiveFailures }
	const step = Math.min(consecutiveFailures - FAILURES_TO_OPEN, OPEN_LADDER_MS.length - 1)
	return { circuit: 'open', consecutiveFailures, parkedUntil: now + (OPEN_LADDER_MS[step] ?? 0) }
}

/** Closes the circuit. A rate limit that still runs stays. */
export function afterSuccess(record: CircuitRecord, now: number): CircuitRecord {
	const isRateLimited = record.circuit === 'closed' && (record.parkedUntil ?? 0) > now
	return isRateLimited ? { ...record, consecutiveFailures: 0 } : HEALTHY
}

/** How the record reads at `now`. `canProbe`: one task may try whether the provider is well again. */
export interface CircuitView {
	circuit: CircuitState
	isOpen: boolean
	canProbe: boolean
	parkedUntil: number | null
}

export function viewCircuit(record: CircuitRecord, now: number): CircuitView {
	const isParked = (record.parkedUntil ?? 0) > now
	const canProbe = record.circuit !== 'closed' && !isParked
	return { circuit: canProbe ? 'half-open' : record.circuit, isOpen: isParked, canProbe, parkedUntil: isParked ? record.parkedUntil : null }
}

/** The record while one task tries the provider; null when nobody may. */
export function beginProbe(record: CircuitRecord, now: number): CircuitRecord | null {
	return viewCircuit(record, now).canProbe ? { ...record, circuit: 'half-open', parkedUntil: now + PROBE_MS } : null
}
