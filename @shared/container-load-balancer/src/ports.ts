import type { ContainerHealth, ContainerInstance } from '@shared/contracts'
import type { InstanceRecord, PoolState } from './state.ts'

/** Which instance a driver call is about. */
export interface InstanceRef {
	instanceId: string
	platformName: string
	/** For the environment of the instance, so that it can say which start it is. */
	generation: number
	instanceType: string
	port: number
}

export const refOf = ({ instanceId, platformName, generation, instanceType, port }: InstanceRecord): InstanceRef => ({
	instanceId,
	platformName,
	generation,
	instanceType,
	port,
})

/** What a look at an instance showed. A thrown error counts as `silent`. */
export type ProbeResult =
	/** It answered; 2xx is healthy. */
	| { kind: 'answered'; statusCode: number; latencyMs: number; detail?: string }
	/** No answer in time, or no connection. It may still run. */
	| { kind: 'silent'; detail: string }
	/** The platform says that it does not run. `exitCode` null: not known, or not up yet. */
	| { kind: 'gone'; exitCode: number | null; detail?: string }
	/** The platform has no room for it. */
	| { kind: 'refused'; detail: string }

/**
 * The platform. Every call is idempotent and returns once the platform has taken it, not when the instance has booted; the pool
 * gives up waiting after `callTimeoutMs` and may then call again.
 */
export interface ContainerDriver {
	/** Throws an error that `isNoInstance` knows when there is no room. Starting what runs is no error. */
	start(instance: InstanceRef): Promise<void>
	/** Answers whether the instance is known to have stopped; false when it was only told to. */
	stop(instance: InstanceRef, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean>
	/** Removes it whatever it does. Destroying what does not exist is no error. */
	destroy(instance: Pick<InstanceRef, 'platformName'>): Promise<void>
	probe(instance: InstanceRef): Promise<ProbeResult>
	/** Names of all that runs. A platform that cannot list asks each of `known`. */
	list(known: readonly InstanceRef[]): Promise<readonly string[]>
}

/** Where the pool keeps its state. Only load and save must work for the pool to work. */
export interface PoolStore {
	/** The last saved state, or null. It is checked before it is used. */
	load(): Promise<unknown>
	save(state: PoolState): Promise<void>
	appendHealthChecks(checks: readonly ContainerHealth[]): Promise<void>
	/** Instances whose public view changed. */
	mirror(instances: readonly ContainerInstance[]): Promise<void>
}

/** How much there is to do. `busy` is by instance id; an instance that is not named does nothing. */
export interface PoolLoad {
	queued: number
	busy: Readonly<Record<string, { inFlight: number; lastHeartbeat: number | null }>>
}

const NO_INSTANCE = [/no container instance/i, /maximum number of running container instances/i, /too many containers per second/i]

/** True for what the platform says when it has no room, as an error or as the text of an answer. */
export function isNoInstance(error: unknown): boolean {
	const text = error instanceof Error ? error.message : String(error)
	return NO_INSTANCE.some((pattern) => pattern.test(text))
}
