// The pool of the orchestrator with real runner processes: they come when there is work, end when there is none, and are replaced.
import { beforeAll, describe, expect, it } from 'vitest'
import type { ContainerInstance, ContainerUsage, PoolHealth, PoolStatus } from '@shared/contracts'
import { query } from './support/books.ts'
import { guardSecrets } from './support/canary.ts'
import { createGate, until } from './support/gate.ts'
import { linesOf, order, place, sharedStack } from './support/stack.ts'
import type { SettledOrder } from './support/stack.ts'

const OWN = 'vibehq-orchestrator'
const STEP = { write: { path: 'done.txt', content: 'done\n' } }

describe('a pool of runner processes', () => {
	const shared = sharedStack({
		runners: 0,
		pool: { max: 2, probeIntervalMs: 500, fastProbeIntervalMs: 200, rise: 1, startStaggerMs: 0, upCooldownMs: 0, downCooldownMs: 500, idleMs: 500, backoffMs: 100, killAfterMs: 10_000 },
	})
	guardSecrets(shared)

	const pool = () => {
		const { pool: own } = shared.stack
		if (own === null) throw new Error('This stack has no pool.')
		return own
	}
	const call = <Answer>(method: string, path: string) => shared.stack.client.call<Answer>(method, `/api/containers/${path}`)
	const status = () => call<PoolStatus>('GET', 'status')
	const isReady = ({ state, isDraining }: ContainerInstance) => state === 'running' && !isDraining
	const ready = (count: number) => until(`${count} runners`, async () => ((await status()).instances.filter(isReady).length === count && pool().names().length === count ? true : undefined), 30_000)
	const pidOf = (name: string) => pool().processOf(name)?.pid ?? expect.unreachable(`${name} does not run`)
	const runnerOf = (settled: SettledOrder) => linesOf(settled.log, 'queue.claimed')[0]?.details['assignedTo']

	it('starts one for work that comes, and ends it when there is no more', async () => {
		expect(pool().names()).toEqual([])
		const settled = await order(shared.stack, { provider: 'codex', scenario: { steps: [STEP] } })
		expect(settled.execution).toMatchObject({ status: 'completed', error: null })
		expect(runnerOf(settled)).toBe(`${OWN}:runner-0`)
		await until('its end', async () => ((await status()).instances.every(({ state }) => state === 'stopped') ? true : undefined), 30_000)
		expect(pool().names()).toEqual([])
		const usage = await call<ContainerUsage>('GET', 'usage')
		expect(usage).toMatchObject({ workerName: OWN, maxCostUsd: 0 })
		expect(usage.items[0]?.seconds).toBeGreaterThan(0)
	})

	describe('scaled by hand', () => {
		beforeAll(async () => {
			await call('POST', 'scale/2')
			await ready(2)
		})

		it('is that many processes, healthy for whoever looks', async () => {
			expect(pool().names().sort()).toEqual(['runner-0', 'runner-1'])
			expect(new Set(pool().names().map(pidOf)).size).toBe(2)
			expect(await call('GET', 'health/runner-1')).toMatchObject({ isHealthy: true, statusCode: 200 })
			const answer = await until('a snapshot of both', async () => {
				const response = await fetch(`${shared.stack.url}/health/load-balancer`)
				const health = (await response.json()) as PoolHealth
				return health.ready === 2 ? { status: response.status, health } : undefined
			}, 60_000)
			expect(answer).toMatchObject({ status: 200, health: { isHealthy: true, target: 2 } })
		})

		it('replaces a runner that was killed', async () => {
			const pid = pidOf('runner-1')
			process.kill(-pid, 'SIGKILL')
			await until('another runner-1', async () => (pool().processOf('runner-1')?.pid ?? pid) !== pid && (await status()).instances.every(isReady) ? true : undefined, 30_000)
			expect((await status()).instances.find(({ instanceId }) => instanceId === 'runner-1')?.generation).toBeGreaterThan(1)
			const lines = () => query<{ operation: string; level: string }>(shared.stack, "SELECT operation, level FROM operation_logs WHERE source = 'orchestrator.containers' AND container_name = ? ORDER BY id", 'runner-1')
			await until('the log of it', () => (lines().at(-1)?.operation === 'container.running' ? true : undefined), 10_000)
			expect(lines().slice(-3).map(({ operation, level }) => `${operation} ${level}`)).toEqual(['container.failed warn', 'container.starting info', 'container.running info'])
		})

		it('lets a drained runner end its work, and gives new work to the other', async () => {
			const { stack } = shared
			const gate = createGate(stack, 'drain')
			const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, STEP] } })
			const waiting = await gate.reached(placed)
			const process = pool().processOf(waiting.runner) ?? expect.unreachable(`${waiting.runner} does not run`)
			await call('POST', 'scale/1')
			// The idle one goes first; then the busy one is drained too, and another comes in its place.
			await until('the idle one has ended', () => (pool().names().length === 1 ? true : undefined), 30_000)
			expect(pool().names()).toEqual([waiting.runner])
			expect(await call('POST', `${waiting.runner}/drain`)).toMatchObject({ isDraining: true })
			const other = await until('another in its place', async () => (await status()).instances.find(isReady), 30_000)
			expect(other.instanceId).not.toBe(waiting.runner)
			expect(process.hasExited()).toBe(false)
			waiting.open()
			const settled = await placed.settled()
			expect(settled.execution).toMatchObject({ status: 'completed', error: null, attempt: 1 })
			expect(linesOf(settled.log, 'queue.lapsed')).toEqual([])
			expect(await process.exited).toBe(0)
		})

		it('ends all of them', async () => {
			await call('POST', 'scale/0')
			await ready(0)
			expect(pool().names()).toEqual([])
			expect(await call('POST', 'scale/auto')).toMatchObject({ manualTarget: null })
		})
	})

	it('counts on a runner that started itself, and lets it go when it is drained', async () => {
		const runner = await shared.stack.addRunner('laptop', { extraArgs: ['--pool', 'external'] })
		const seen = () => call<PoolStatus>('GET', 'status?worker=local').then(({ instances }) => instances.find(({ instanceId }) => instanceId === 'laptop'))
		expect(await until('its registration', seen)).toMatchObject({ state: 'running', isExternal: true })
		await call('POST', 'laptop/drain?worker=local')
		expect(await runner.exited).toBe(0)
		expect(await until('its good-bye', async () => ((await seen())?.state === 'stopped' ? seen() : undefined))).toMatchObject({ detail: 'the runner left' })
	})

	it('goes on where it was when the orchestrator dies', async () => {
		await call('POST', 'scale/1')
		await ready(1)
		const [name = ''] = pool().names()
		const pid = pidOf(name)
		await shared.stack.restartOrchestrator()
		await ready(1)
		const settled = await order(shared.stack, { provider: 'codex', scenario: { steps: [STEP] } })
		expect(settled.execution.status).toBe('completed')
		expect(pidOf(name)).toBe(pid)
		// Nobody but its alarm tells the pool to look, before the crash or after it.
		await shared.stack.restartOrchestrator()
		process.kill(-pid, 'SIGKILL')
		await until('another runner in its place', () => ((pool().processOf(name)?.pid ?? pid) === pid ? undefined : true), 30_000)
	})
})
