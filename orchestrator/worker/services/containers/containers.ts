import { AppError, isAppError, recogniseError } from '@shared/contracts'
import type { ContainerHealth, ContainerInstance, ContainerUsage, Page, PageRequest, PoolHealth, PoolStatus } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { forgetChecksStatement, listChecks } from '../../database/repositories/containerHealthChecks.ts'
import { listInstances, POOL_LOG_SOURCE } from '../../database/repositories/containerInstances.ts'
import type { MirroredInstance } from '../../database/repositories/containerInstances.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { terminalRequest } from '../terminals/terminalRequest.ts'
import type { TerminalCall } from '../terminals/terminals.ts'
import { decodeCursor, encodeCursor, toPage } from '../cursor.ts'
import { poolOfWorker } from './poolConfig.ts'
import type { PoolConfig } from './poolConfig.ts'
import type { PoolObject } from './poolObject.ts'
import type { PoolSnapshots } from './poolSnapshots.ts'
import { maxCostUsd } from './prices.ts'

export interface ContainersDeps {
	db: Database
	now: () => number
	/** The object that looks after the pool of this Worker. */
	poolOf: (workerName: string) => PoolObject
	pools: ReadonlyMap<string, PoolConfig>
	/** A container of the platform; null where there are none. */
	containerOf: (platformName: string) => { fetch(request: Request): Promise<Response> } | null
	snapshots: Pick<PoolSnapshots, 'health'>
	/** The orchestrator; its pool does the work of Workers that have none. */
	workerName: string
}

/** Which pool, and who asks. */
export interface PoolCall {
	workerName: string
	by: string
}

const KEEP_CHECKS = 100_000
const FORGET_AT_ONCE = 5_000
const PAGE = 50

/** The pools of containers as the doors see them. What a person or Worker asks for is written down with who asked. */
export function createContainers({ db, now, poolOf, pools, containerOf, snapshots, workerName: ownName }: ContainersDeps) {
	async function ask<Answer>(workerName: string, call: (pool: PoolObject) => Promise<Answer>): Promise<Answer> {
		try {
			return await call(poolOf(workerName))
		} catch (thrown) {
			const error = recogniseError(thrown)
			if (isAppError(error) || !isPassing(error)) throw error
			throw new AppError('UNAVAILABLE', `The pool of ${workerName} cannot be reached at this moment. Try again.`)
		}
	}
	const note = ({ workerName, by }: PoolCall, operation: string, details: Record<string, unknown>) =>
		db.run(appendLog({ source: POOL_LOG_SOURCE, operation, details: { ...details, by }, workerName, containerName: typeof details['instanceId'] === 'string' ? details['instanceId'] : null, at: now() }))

	async function usage(workerName: string): Promise<ContainerUsage> {
		const { usageSeconds } = await ask(workerName, (pool) => pool.status(workerName))
		const isBilled = poolOfWorker(pools, workerName).driver === 'cloudflare'
		const items = Object.entries(usageSeconds).map(([instanceType, seconds]) => ({ instanceType, seconds, maxCostUsd: isBilled ? maxCostUsd(instanceType, seconds) : 0 }))
		return { workerName, items, maxCostUsd: items.some((item) => item.maxCostUsd === null) ? null : items.reduce((sum, item) => sum + (item.maxCostUsd ?? 0), 0) }
	}

	return {
		status: (workerName: string): Promise<PoolStatus> => ask(workerName, (pool) => pool.status(workerName)),
		usage,
		healthCheck: (workerName: string, instanceId: string): Promise<ContainerHealth> => ask(workerName, (pool) => pool.healthCheck(workerName, instanceId)),
		/** Null: as many as the work needs. */
		async scale(call: PoolCall, instances: number | null): Promise<PoolStatus> {
			const status = await ask(call.workerName, (pool) => pool.scale(call.workerName, instances))
			await note(call, 'container.scale-asked', { instances })
			return status
		},
		async restart(call: PoolCall, instanceId: string, options: { force: boolean }): Promise<ContainerInstance> {
			const instance = await ask(call.workerName, (pool) => pool.restart(call.workerName, instanceId, options))
			await note(call, 'container.restart-asked', { instanceId, ...options })
			return instance
		},
		async drain(call: PoolCall, instanceId: string): Promise<ContainerInstance> {
			const instance = await ask(call.workerName, (pool) => pool.drain(call.workerName, instanceId))
			await note(call, 'container.drain-asked', { instanceId })
			return instance
		},
		/**
		 * Opens a terminal in a container: the answer carries the WebSocket. Throws TERMINAL_UNAVAILABLE for an instance that is no container of
		 * the platform, NOT_FOUND, INVALID_INPUT.
		 */
		async openTerminal({ workerName, by }: PoolCall, instanceId: string, terminal: Omit<TerminalCall, 'by'> & { hasProtocol: boolean }): Promise<Response> {
			if (poolOfWorker(pools, workerName).driver !== 'cloudflare') throw new AppError('TERMINAL_UNAVAILABLE', `The pool of ${workerName} does not run in containers of the platform: open a shell where its runners run.`)
			const platformName = await ask(workerName, (pool) => pool.platformNameOf(workerName, instanceId))
			const container = containerOf(platformName)
			if (container === null) throw new AppError('TERMINAL_UNAVAILABLE', 'This deployment has no containers of the platform.')
			return container.fetch(terminalRequest({ ...terminal, by }))
		},
		async register(call: PoolCall, { capabilities, ...runner }: { instanceId: string; port?: number | undefined; capabilities: readonly string[] }): Promise<ContainerInstance> {
			const { instanceId, port } = runner
			const instance = await ask(call.workerName, (pool) => pool.register(call.workerName, { instanceId, ...(port === undefined ? {} : { port }) }))
			await note(call, 'container.registered', { instanceId, capabilities })
			return instance
		},
		heartbeat: (workerName: string, instanceId: string, beat: { inFlight: number; isLeaving: boolean }) => ask(workerName, (pool) => pool.heartbeat(workerName, instanceId, beat)),

		/** Instances of one pool or of all, as they were last written down. */
		async list(workerName: string | undefined, { limit = PAGE, cursor }: PageRequest): Promise<Page<MirroredInstance>> {
			const after = decodeCursor(cursor)?.[1].split('/')
			const rows = await listInstances(db, { workerName, after: after && [after[0] ?? '', after[1] ?? ''], limit: limit + 1 })
			return toPage(rows, limit, (row) => encodeCursor(0, `${row.workerName}/${row.instanceId}`))
		},
		/** The health checks of an instance that were written down, newest first. */
		async checks({ workerName, instanceId }: { workerName: string; instanceId: string }, { limit = PAGE, cursor }: PageRequest): Promise<Page<ContainerHealth>> {
			const rows = await listChecks(db, { workerName, instanceId, before: decodeCursor(cursor)?.[0], limit: limit + 1 })
			const { items, nextCursor } = toPage(rows, limit, ({ id }) => encodeCursor(id, ''))
			return { items: items.map(({ check }) => check), nextCursor }
		},
		/** From the snapshots, so that whoever asks without a token wakes nothing. */
		health: (): Promise<PoolHealth> => snapshots.health([...pools.keys()], ownName),

		/** Has the pools look at their work that start containers for it: those of these Workers, or all. One that is away looks later. */
		async nudge(workerNames?: readonly string[]): Promise<void> {
			const asked = workerNames === undefined ? [...pools.keys()] : new Set(workerNames.map((name) => (pools.has(name) ? name : ownName)))
			const started = [...asked].filter((name) => (pools.get(name)?.driver ?? 'none') !== 'none')
			await Promise.allSettled(started.map((name) => poolOf(name).nudge(name)))
		},
		forgetChecks: () => db.run(forgetChecksStatement(KEEP_CHECKS, FORGET_AT_ONCE)),
	}
}
export type Containers = ReturnType<typeof createContainers>

/** What the platform says of a Durable Object that moves or has too much to do. */
const isPassing = (error: unknown): boolean => error instanceof Error && (Reflect.get(error, 'retryable') === true || Reflect.get(error, 'overloaded') === true)
