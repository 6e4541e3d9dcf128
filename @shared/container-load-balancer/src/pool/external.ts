import { AppError } from '@shared/contracts'
import { z } from 'zod'
import { advance, newInstance } from '../instance/machine.ts'
import type { InstanceRecord, PoolState } from '../state.ts'

/** A runner that started itself, on any host. */
export type ExternalRunner = z.infer<typeof ExternalRunner>
export const ExternalRunner = z.strictObject({
	instanceId: z.string().regex(/^[\w.:-]{1,100}$/),
	port: z.int().min(1).max(65_535).default(8080),
})

export type RunnerHeartbeat = z.infer<typeof RunnerHeartbeat>
export const RunnerHeartbeat = z.strictObject({
	inFlight: z.int().min(0).max(10_000).default(0),
	/** The runner ends now and says good-bye. */
	isLeaving: z.boolean().default(false),
})

const MAX_EXTERNALS = 1000

/** The state with the runner in it: running, under its next generation. */
export function join(state: PoolState, { instanceId, port }: ExternalRunner, now: number): PoolState {
	const known = state.instances.find((each) => each.instanceId === instanceId)
	if (known && !known.isExternal) {
		throw new AppError('INVALID_INPUT', `${instanceId} is the name of an instance that the pool started. Give the runner a name of its own.`, { instanceId })
	}
	// Runners come and go under ever new names; the mirror keeps those that are gone.
	const instances = state.instances.filter((each) => each !== known && !(each.isExternal && each.state === 'stopped'))
	if (!known && instances.filter(({ isExternal }) => isExternal).length >= MAX_EXTERNALS) {
		throw new AppError('RATE_LIMITED', `The pool has ${MAX_EXTERNALS} external runners, which is the most it takes. Stop some of them.`)
	}
	const record = known ?? newInstance({ instanceId, instanceType: 'external', port, isExternal: true }, now)
	return { ...state, instances: [...instances, advance({ ...record, port }, { type: 'join', at: now })] }
}

/** The runner after its heartbeat. */
export function beat(instance: InstanceRecord, { inFlight, isLeaving }: RunnerHeartbeat, now: number): InstanceRecord {
	if (isLeaving) return advance(instance, { type: 'stop', at: now, detail: 'the runner left' })
	const alive = { ...instance, inFlight, lastSeenAt: now, lastHealthCheck: now, updatedAt: now, idleSince: inFlight > 0 ? null : (instance.idleSince ?? now) }
	return alive.state === 'unhealthy' ? advance(alive, { type: 'ready', at: now }) : alive
}
