import { WorkerEntrypoint } from 'cloudflare:workers'
import type { CallerProps } from '@shared/contracts'

/** Answer of `health()`: the entrypoint that was reached and the Worker it runs in. */
export interface EntrypointHealth {
	status: 'ok'
	entrypoint: string
	workerName: string | null
}

/**
 * The class that RPC doors extend. Everything on it can be called by whoever holds the binding, TypeScript's `private` and
 * `protected` included, so it has one method, and helpers of a door are `#private` or functions of its module.
 */
export abstract class BaseWorkerEntrypoint<Env = unknown> extends WorkerEntrypoint<Env, Partial<CallerProps>> {
	/** Reaches the entrypoint and nothing behind it. */
	async health(): Promise<EntrypointHealth> {
		const name = (this.env as { WORKER_NAME?: unknown } | undefined)?.WORKER_NAME
		return { status: 'ok', entrypoint: this.constructor.name, workerName: typeof name === 'string' ? name : null }
	}
}
