import { DurableObject } from 'cloudflare:workers'
import { AppError, ERRORS, SOCKET_PROTOCOL, toErrorBody } from '@shared/contracts'
import { createDatabase } from '../database/client.ts'
import { ownDoors } from '../env.ts'
import type { Env } from '../env.ts'
import type { ContainerPort } from '../services/containers/drivers/cloudflareContainers.ts'
import { exitCodeOf } from '../services/containers/exitCode.ts'
import { insideVariables } from '../services/containers/egress.ts'
import type { ContainerPlace } from '../services/containers/egress.ts'
import { hubOf } from '../services/events/hub.ts'
import type { TerminalProcess } from '../services/terminals/session.ts'
import { createTerminalLog } from '../services/terminals/terminalLog.ts'
import { terminalCallOf } from '../services/terminals/terminalRequest.ts'
import { createTerminals } from '../services/terminals/terminals.ts'
import type { TerminalSize } from '../services/terminals/terminals.ts'

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
		if (this.#container.running) void ctx.blockConcurrencyWhile(() => this.#guard().then(() => this.#attend()))
	}

	async startRunner(environment: Readonly<Record<string, string>>): Promise<void> {
		this.ctx.storage.kv.put('place', { workerName: environment['WORKER_NAME'] ?? '', instanceId: environment['CONTAINER_NAME'] ?? '' })
		this.ctx.storage.kv.delete('exitCode')
		// Before the first program runs in it.
		await this.#guard()
		this.#container.start({ enableInternet: false, env: { ...environment, ...insideVariables() } })
		await this.#attend()
	}

	/** Opens a terminal; see `terminalRequest`. */
	override async fetch(request: Request): Promise<Response> {
		try {
			const terminal = await this.#terminals.open(terminalCallOf(request))
			const { 0: client, 1: server } = new WebSocketPair()
			server.binaryType = 'arraybuffer'
			server.accept()
			const { receive, leave } = terminal.attach(server)
			server.addEventListener('message', ({ data }) => void receive(data))
			server.addEventListener('close', leave)
			server.addEventListener('error', leave)
			const headers = request.headers.has('sec-websocket-protocol') ? { 'sec-websocket-protocol': SOCKET_PROTOCOL } : undefined
			return new Response(null, { status: 101, webSocket: client, ...(headers === undefined ? {} : { headers }) })
		} catch (error) {
			const body = toErrorBody(error)
			return Response.json({ error: body }, { status: ERRORS[body.code].status })
		}
	}

	async signalRunner(number: 9 | 15): Promise<void> {
		if (this.#container.running) this.#container.signal(number)
	}

	async destroyRunner(): Promise<void> {
		this.#terminals.endAll()
		await this.#container.destroy()
	}

	async runnerState(): Promise<{ isRunning: boolean; exitCode: number | null }> {
		const exitCode = this.ctx.storage.kv.get('exitCode')
		return { isRunning: this.#container.running, exitCode: typeof exitCode === 'number' ? exitCode : null }
	}

	async runnerHealth(port: number): Promise<{ statusCode: number; text: string }> {
		const answer = await this.#container.getTcpPort(port).fetch('http://container/health')
		return { statusCode: answer.status, text: (await answer.text()).slice(0, MAX_HEALTH_TEXT) }
	}

	get #container(): Container {
		if (this.ctx.container === undefined) throw new AppError('NOT_CONFIGURED', 'This deployment runs without containers.')
		return this.ctx.container
	}

	readonly #terminals = createTerminals({
		start: (size) => this.#shell(size),
		newId: () => crypto.randomUUID(),
		now: () => Date.now(),
		note: createTerminalLog({
			db: createDatabase(this.env.DB, () => this.ctx.waitUntil(hubOf(this.env).notify(false))),
			now: () => Date.now(),
			placeOf: () => this.#place,
		}),
		timer: (ms, callback) => {
			const timeout = setTimeout(callback, ms)
			return () => clearTimeout(timeout)
		},
		sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
	})

	async #shell({ cols, rows }: TerminalSize): Promise<TerminalProcess> {
		if (!this.#container.running) throw new AppError('TERMINAL_UNAVAILABLE', 'The container does not run.')
		const started = await this.#container.exec(['/bin/bash', '-l'], { pty: { cols, rows }, stdin: 'pipe', stdout: 'pipe', stderr: 'combined', env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' } })
		const { stdin, stdout, exitCode } = started
		if (stdin === null || stdout === null) throw new AppError('TERMINAL_UNAVAILABLE', 'The container gives no terminal.')
		// Not every platform heeds the size that it starts with.
		started.resize(cols, rows)
		return { stdin, stdout, exitCode, resize: (...size) => started.resize(...size), kill: (signal) => started.kill(signal) }
	}

	get #place(): ContainerPlace {
		return this.ctx.storage.kv.get<ContainerPlace>('place') ?? { workerName: '', instanceId: '' }
	}

	/** Everything that the container sends out comes to `ContainerEgress`, which knows whose it is. */
	async #guard(): Promise<void> {
		const egress = ownDoors.ContainerEgress({ props: this.#place })
		await this.#container.interceptOutboundHttps('*', egress)
		await this.#container.interceptAllOutboundHttp(egress)
	}

	/** Puts down how it ends, and lets the platform end it when nobody asks for it any more. */
	async #attend(): Promise<void> {
		const { kv } = this.ctx.storage
		const ended = this.#container.monitor()
		this.ctx.waitUntil(ended.then(() => kv.put('exitCode', 0), (error: unknown) => kv.put('exitCode', exitCodeOf(error))))
		await this.#container.setInactivityTimeout(SLEEP_AFTER_MS)
	}
}
