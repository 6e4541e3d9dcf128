import { toContainerInstance } from '../view.ts'
import { inParallel } from './inParallel.ts'
import { errorText } from './outcomes.ts'
import type { ContainerHealth, ContainerInstance } from '@shared/contracts'
import type { PoolStore } from '../ports.ts'
import type { PoolSettings } from '../settings.ts'
import type { PoolState } from '../state.ts'

export interface PoolLog {
	info(message: string, fields: Record<string, unknown>): void
	warn(message: string, fields: Record<string, unknown>): void
}

// What a reader wants to hear of at once; the rest goes along, or follows after `recordHealthEveryMs`.
const newsOf = ({ state, isDegraded, isDraining, generation, detail }: ContainerInstance): string => JSON.stringify([state, isDegraded, isDraining, generation, detail])

/**
 * Writes down what changed: instances into the mirror and the log, health checks into their history. A failure costs nothing but
 * freshness: what was not written is tried again with the next report. After a restart everything counts as changed.
 */
export function createReporter({ store, settings, log }: { store: Pick<PoolStore, 'mirror' | 'appendHealthChecks'>; settings: PoolSettings; log: PoolLog }) {
	const mirrored = new Map<string, { news: string; at: number }>()
	const recorded = new Map<string, { isHealthy: boolean; at: number }>()
	let pending: ContainerHealth[] = []

	const isDue = (last: { at: number } | undefined, now: number) => last === undefined || now - last.at >= settings.recordHealthEveryMs

	async function mirror(state: PoolState, now: number): Promise<void> {
		const views = state.instances.map((instance) => toContainerInstance(instance, settings))
		const changed = views.filter((view) => mirrored.get(view.instanceId)?.news !== newsOf(view) || (view.state !== 'stopped' && isDue(mirrored.get(view.instanceId), now)))
		if (changed.length === 0) return
		await store.mirror(changed)
		for (const view of changed) {
			const news = newsOf(view)
			if (mirrored.get(view.instanceId)?.news !== news) {
				const { instanceId, state: word, isDegraded, isDraining, generation, detail } = view
				log.info('A container instance changed.', { instanceId, state: word, isDegraded, isDraining, generation, detail })
			}
			mirrored.set(view.instanceId, { news, at: now })
		}
	}

	async function append(): Promise<void> {
		const checks = pending
		if (checks.length === 0) return
		pending = []
		try {
			await store.appendHealthChecks(checks)
		} catch (error) {
			// Only the newest are worth keeping while the store is away.
			pending = [...checks, ...pending].slice(-1000)
			throw error
		}
	}

	return {
		/** Takes a check into the history when it says something new, or nothing was written for a while. */
		note(check: ContainerHealth): void {
			const last = recorded.get(check.instanceId)
			if (last?.isHealthy === check.isHealthy && !isDue(last, check.checkedAt)) return
			recorded.set(check.instanceId, { isHealthy: check.isHealthy, at: check.checkedAt })
			pending.push(check)
		},
		async report(state: PoolState, now: number): Promise<void> {
			await inParallel([() => mirror(state, now), append], 2, async (write) => {
				await write().catch((error: unknown) => log.warn('The pool could not write its report and will try again.', { error: errorText(error) }))
			})
		},
	}
}
