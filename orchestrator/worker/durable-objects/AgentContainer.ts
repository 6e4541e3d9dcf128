import { DurableObject } from 'cloudflare:workers'
import { AppError } from '@shared/contracts'
import { ownDoors } from '../env.ts'
import type { Env } from '../env.ts'
import type { ContainerPort } from '../services/containers/drivers/cloudflareContainers.ts'
import { exitCodeOf } from '../services/containers/exitCode.ts'
import { insideVariables } from '../services/containers/egress.ts'
import type { ContainerPlace } from '../services/containers/egress.ts'

/** The platform puts a container to sleep that its pool has not asked for so long: the pool is gone, or has forgotten it. */
const SLEEP_AFTER_MS = 10 * 60_000
/** An answer of the health server of a runner is a few hundred bytes. */
const MAX_HEALTH_TEXT = 2000

/**
 * One container with a runner in it. Its pool decides what becomes of it, and nobody else calls it. Whatever the container sends to the
 * outside goes through `ContainerEgress`; there is no other way out.
 */
export class AgentContainer extends DurableObject<Env> implements ContainerPort {
	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env)
		// The platform may have put this object aside while the container ran on.
		if (this.#container.running) void ctx.blockConcurrencyWhile(() => this.#attend())
	}

	async start(environment: Readonly<Record<string, string>>): Promise<void> {
		this.ctx.storage.kv.put('place', { workerName: environment['WORKER_NAME'] ?? '', instanceId: environment['CONTAINER_NAME'] ?? '' })
		this.ctx.storage.kv.delete('exitCode')
		this.#container.start({ enableInternet: false, env: { ...environment, ...insideVariables() } })
		await this.#attend()
	}

	async signal(number: 9 | 15): Promise<void> {
		if (this.#container.running) this.#container.signal(number)
	}

	async destroy(): Promise<void> {
		await this.#container.destroy()
	}

	async state(): Promise<{ isRunning: boolean; exitCode: number | null }> {
		const exitCode = this.ctx.storage.kv.get('exitCode')
		return { isRunning: this.#container.running, exitCode: typeof exitCode === 'number' ? exitCode : null }
	}

	async health(port: number): Promise<{ statusCode: number; text: string }> {
		const answer = await this.#container.getTcpPort(port).fetch('http://container/health')
		return { statusCode: answer.status, text: (await answer.text()).slice(0, MAX_HEALTH_TEXT) }
	}

	get #container(): Container {
		if (this.ctx.container === undefined) throw new AppError('NOT_CONFIGURED', 'This deployment runs without containers.')
		return this.ctx.container
	}

	/** What holds for as long as the container runs. */
	async #attend(): Promise<void> {
		const props = this.ctx.storage.kv.get<ContainerPlace>('place') ?? { workerName: '', instanceId: '' }
		const egress = ownDoors.ContainerEgress({ props })
		await Promise.all([
			this.#container.interceptAllOutboundHttp(egress),
			this.#container.interceptOutboundHttps('*', egress),
			this.#container.setInactivityTimeout(SLEEP_AFTER_MS),
		])
		const { kv } = this.ctx.storage
		const ended = this.#container.monitor()
		this.ctx.waitUntil(ended.then(() => kv.put('exitCode', 0), (error: unknown) => kv.put('exitCode', exitCodeOf(error))))
	}
}
