import { advance } from './machine.ts'
import { judgeFailure } from './failure.ts'
import type { ProbeResult } from '../ports.ts'
import type { InstanceRecord } from '../state.ts'
import type { Rules } from './failure.ts'

/** 2xx: the instance takes work. */
export const isHealthy = (result: ProbeResult): boolean => result.kind === 'answered' && result.statusCode >= 200 && result.statusCode < 300

/** What a probe says, in words. */
export function describeProbe(result: ProbeResult): string | null {
	if (result.kind === 'answered') return isHealthy(result) ? null : `the health check answered ${result.statusCode}${result.detail ? `: ${result.detail}` : ''}`
	if (result.kind === 'gone') return result.detail ?? (result.exitCode === null ? 'the platform says that it does not run' : `it ended with exit code ${result.exitCode}`)
	return result.detail
}

/** The instance failed; the rules say when it may start again. */
export const fail = (instance: InstanceRecord, { detail, isGone = false }: { detail: string; isGone?: boolean }, rules: Rules): InstanceRecord =>
	advance(instance, { type: 'fail', at: rules.now, detail, isGone, verdict: judgeFailure(instance, rules) })

/** The instance after a probe. Rise and fall need several in a row, so one lost packet changes nothing. */
export function observeProbe(instance: InstanceRecord, result: ProbeResult, rules: Rules): InstanceRecord {
	if (instance.isExternal || instance.state === 'stopped' || instance.state === 'failed') return instance
	const seen = { ...instance, lastHealthCheck: rules.now, updatedAt: rules.now }
	if (result.kind === 'refused') return seen.state === 'starting' ? advance(seen, { type: 'refuse', at: rules.now, detail: result.detail }) : observeGone(seen, result, rules)
	if (result.kind === 'gone') return observeGone(seen, result, rules)
	if (isHealthy(result)) return observeHealthy(seen, result.kind === 'answered' ? result.latencyMs : 0, rules)
	return observeAiling(seen, result, rules)
}

function observeGone(instance: InstanceRecord, result: ProbeResult, rules: Rules): InstanceRecord {
	const detail = describeProbe(result) ?? 'it is gone'
	if (instance.state === 'draining') return advance(instance, { type: 'stop', at: rules.now, detail: instance.detail ?? detail })
	// A platform may say "not running" of an instance that is not up yet; an exit code is proof of a crash.
	const isBooting = instance.state === 'starting' && !(result.kind === 'gone' && result.exitCode !== null)
	return isBooting ? { ...instance, detail } : fail(instance, { detail, isGone: true }, rules)
}

function observeHealthy(instance: InstanceRecord, latencyMs: number, { settings, now }: Rules): InstanceRecord {
	if (instance.state === 'starting') return advance(instance, { type: 'ready', at: now })
	if (instance.state === 'draining') return instance
	const rises = instance.rises + 1
	if (instance.state === 'unhealthy') return rises >= settings.rise ? advance({ ...instance, rises }, { type: 'ready', at: now }) : { ...instance, rises }
	const isSlow = latencyMs > settings.slowMs
	const slows = isSlow ? instance.slows + 1 : 0
	const fastRises = isSlow ? 0 : rises
	if (slows >= settings.fall) return { ...instance, falls: 0, rises: 0, slows, isDegraded: true, detail: `the health check takes ${Math.round(latencyMs)} ms` }
	const recovered = fastRises >= settings.rise ? { isDegraded: false, detail: null } : {}
	return { ...instance, falls: 0, rises: fastRises, slows, ...recovered }
}

function observeAiling(instance: InstanceRecord, result: ProbeResult, rules: Rules): InstanceRecord {
	const { settings, now } = rules
	const detail = describeProbe(result) ?? 'it does not answer'
	if (instance.state === 'starting' || instance.state === 'draining') return instance
	if (instance.state === 'unhealthy') return { ...instance, rises: 0, detail }
	// Work that sends heartbeats can starve the health check: slow, but alive.
	const isAlive = result.kind === 'silent' && instance.lastSeenAt !== null && now - instance.lastSeenAt < settings.signOfLifeMs
	if (isAlive) return { ...instance, rises: 0, falls: 0, isDegraded: true, detail }
	const falls = instance.falls + 1
	if (falls < settings.fall) return { ...instance, rises: 0, falls, detail }
	return turnUnhealthy({ ...instance, falls }, detail, rules)
}

/** Unhealthy; or restarted, when it has been so too often to be believed again. */
function turnUnhealthy(instance: InstanceRecord, detail: string, rules: Rules): InstanceRecord {
	const wobbles = [...instance.wobbles.filter((at) => at > rules.now - rules.settings.restartWindowMs), rules.now]
	if (wobbles.length > rules.settings.maxWobbles) return fail(instance, { detail: `unhealthy ${wobbles.length} times in a short while; last: ${detail}` }, rules)
	return advance(instance, { type: 'fall', at: rules.now, wobbles, detail })
}

/** What time alone does: an instance that did not get ready, did not recover, or no longer speaks. */
export function observeTime(instance: InstanceRecord, rules: Rules): InstanceRecord {
	const { settings, now } = rules
	const { state, startedAt, unhealthySince, isExternal, lastSeenAt } = instance
	if (isExternal) return observeSilence(instance, now - (lastSeenAt ?? now), rules)
	if (state === 'starting' && startedAt !== null && now - startedAt >= settings.startGraceMs) {
		return fail(instance, { detail: `not ready after ${settings.startGraceMs} ms${instance.detail ? `: ${instance.detail}` : ''}` }, rules)
	}
	if (state === 'unhealthy' && unhealthySince !== null && now - unhealthySince >= settings.stuckMs) {
		return fail(instance, { detail: `stuck: ${instance.detail ?? 'it does not answer'}` }, rules)
	}
	return instance
}

function observeSilence(instance: InstanceRecord, silentMs: number, { settings, now }: Rules): InstanceRecord {
	const { state } = instance
	if (state === 'stopped') return instance
	if (silentMs >= 3 * settings.externalTtlMs) return advance(instance, { type: 'stop', at: now, detail: 'the runner went silent' })
	if (state === 'running' && silentMs >= settings.externalTtlMs) return advance(instance, { type: 'fall', at: now, wobbles: [], detail: 'no heartbeat of the runner' })
	return instance
}
