import { describeProbe, isHealthy } from '../instance/observeProbe.ts'
import { destroyed, errorText, listed, notDestroyed, nothingLearned, notStarted, probed, reaped, started, stopped } from './outcomes.ts'
import type { ContainerHealth } from '@shared/contracts'
import type { Action } from '../plan/draft.ts'
import type { ContainerDriver, InstanceRef, ProbeResult } from '../ports.ts'
import type { PoolSettings } from '../settings.ts'
import type { Outcome } from './outcomes.ts'

/** Calls back once after `ms`; the answer takes that back. */
export type Timer = (ms: number, callback: () => void) => () => void

export interface PerformDeps {
	driver: ContainerDriver
	timer: Timer
	now: () => number
	settings: Pick<PoolSettings, 'callTimeoutMs' | 'probeTimeoutMs'>
	warn: (message: string, fields: Record<string, unknown>) => void
}

export interface Performed {
	outcome: Outcome
	check: ContainerHealth | null
}

/** Nobody knows whether the other side did what it was asked. */
class CallTimeout extends Error {}

/** Settles like `work`, or fails when that takes too long. */
export function within<Result>(work: Promise<Result>, timer: Timer, ms: number): Promise<Result> {
	return new Promise((resolve, reject) => {
		const cancel = timer(ms, () => reject(new CallTimeout(`no answer within ${ms} ms`)))
		void work.then(resolve, reject).finally(cancel)
	})
}

/** Makes the driver calls of a plan. Never throws: every failure is an outcome. */
export function createPerformer({ driver, timer, now, settings, warn }: PerformDeps) {
	// Called in a promise, so that a driver that throws at once fails like one that rejects.
	const call = <Result>(work: () => Promise<Result>, ms = settings.callTimeoutMs) => within(Promise.resolve().then(work), timer, ms)

	async function start(ref: InstanceRef): Promise<Outcome> {
		try {
			await call(() => driver.start(ref))
			return started(ref)
		} catch (error) {
			// A start that may have been heard is made again later, not counted as a failure.
			if (error instanceof CallTimeout) return nothingLearned
			return notStarted(ref, error)
		}
	}

	async function end(ref: InstanceRef, signal: 'SIGTERM' | 'SIGKILL'): Promise<Outcome> {
		if (await call(() => driver.stop(ref, signal))) return stopped(ref)
		if (signal === 'SIGTERM') return nothingLearned
		await call(() => driver.destroy(ref))
		return stopped(ref)
	}

	async function destroy(ref: InstanceRef): Promise<Outcome> {
		try {
			await call(() => driver.destroy(ref))
			return destroyed(ref)
		} catch (error) {
			return notDestroyed(ref, error)
		}
	}

	async function probe(ref: InstanceRef): Promise<Performed & { check: ContainerHealth }> {
		const result = await call(() => driver.probe(ref), settings.probeTimeoutMs).catch((error: unknown): ProbeResult => ({ kind: 'silent', detail: errorText(error) }))
		const answered = result.kind === 'answered' ? result : null
		const check = {
			instanceId: ref.instanceId,
			isHealthy: isHealthy(result),
			statusCode: answered?.statusCode ?? null,
			latencyMs: answered?.latencyMs ?? null,
			checkedAt: now(),
			detail: describeProbe(result)?.slice(0, 500) ?? null,
		}
		return { outcome: probed(ref, result), check }
	}

	async function list(known: readonly InstanceRef[]): Promise<Outcome> {
		const askedAt = now()
		return listed(await call(() => driver.list(known)), askedAt)
	}

	async function reap(platformName: string): Promise<Outcome> {
		await call(() => driver.destroy({ platformName }))
		return reaped(platformName)
	}

	function outcomeOf(action: Exclude<Action, { kind: 'probe' }>): Promise<Outcome> {
		switch (action.kind) {
			case 'start':
				return start(action.instance)
			case 'destroy':
				return destroy(action.instance)
			case 'terminate':
				return end(action.instance, 'SIGTERM')
			case 'kill':
				return end(action.instance, 'SIGKILL')
			case 'list':
				return list(action.known)
			case 'reap':
				return reap(action.platformName)
		}
	}

	async function perform(action: Action): Promise<Performed> {
		try {
			if (action.kind === 'probe') return await probe(action.instance)
			return { outcome: await outcomeOf(action), check: null }
		} catch (error) {
			// The plan comes back to it when its time is over.
			warn('A driver call failed.', { call: action.kind, instance: 'instance' in action ? action.instance.instanceId : null, error: errorText(error) })
			return { outcome: nothingLearned, check: null }
		}
	}

	return { perform, probe }
}
