import { newInstance } from '../instance/machine.ts'
import { PoolSettings } from '../settings.ts'
import type { z } from 'zod'
import type { Rules } from '../instance/failure.ts'
import type { InstanceRecord } from '../state.ts'

export const NOW = 10_000_000

/** Rules at one moment, with jitter at its top unless told. */
export function rulesAt(now = NOW, some: Partial<z.input<typeof PoolSettings>> = {}): Rules {
	return { settings: PoolSettings.parse({ workerName: 'factory', containerName: 'runner', ...some }), now, random: () => 1 }
}

/** A running instance that differs in `some`. */
export function record(some: Partial<InstanceRecord> = {}): InstanceRecord {
	const fresh = newInstance({ instanceId: 'runner-0', instanceType: 'basic', port: 8080, isExternal: false }, 0)
	return { ...fresh, state: 'running', generation: 1, startedAt: 0, readyAt: 0, idleSince: 0, billedSince: 0, ...some }
}
