// Many tasks, eight runner processes that SIGKILL ends at random, an orchestrator that is killed and started again twice, and a
// D1 of which calls fail: every task is completed exactly once, or closed with its reason.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isClosed } from '@shared/container-task-queue'
import { createTaskQueueClient } from '@shared/container-task-queue/client'
import type { ContainerTask } from '@shared/contracts'
import { startOrchestrator } from '@shared/testing/stack'
import { mintToken } from '@shared/worker-base/token'
import { checkHistory, checkLog } from '../chaos/checker.ts'
import { FAULT_LINE } from '../chaos/faultyD1.ts'
import { countOf, longestLife, readJournal } from '../chaos/history.ts'
import type { History, Operation } from '../chaos/history.ts'
import { seeded } from '../chaos/random.ts'
import { LARGEST_CLAIM } from '../chaos/runner.ts'
import { startRunnerPool } from '../chaos/runnerPool.ts'
import type { RunnerPool } from '../chaos/runnerPool.ts'
import { chaosTasks, finalOf } from '../chaos/tasks.ts'
import { query } from './support/books.ts'
import { derivedConfig } from './support/derivedConfig.ts'

const TASKS = Number(process.env['VIBEHQ_CHAOS_TASKS'] ?? 400)
const RUNNERS = 8
const LEASE_MS = 2000
const KILL_EVERY_MS = 1000

describe(`${TASKS} tasks while everything dies`, () => {
	let stateDir: string
	let orchestrator: Awaited<ReturnType<typeof startOrchestrator>>
	let pool: RunnerPool
	let tasks: ContainerTask[]
	let history: History
	let restarts = 0

	beforeAll(async () => {
		stateDir = mkdtempSync(join(tmpdir(), 'vibehq-chaos-'))
		const random = seeded(1)
		const options = { stateDir, config: faultyConfig(stateDir), vars: { LEASE_MS: String(LEASE_MS) } }
		orchestrator = await startOrchestrator(options)
		const { url, signingKey, port } = orchestrator
		const client = createTaskQueueClient({ baseURL: url, token: await mintToken(signingKey, { kind: 'operator', subject: 'judge', workerName: 'local', ttlMs: 3_600_000 }, Date.now()), fetch })
		const folder = join(stateDir, 'journals')
		mkdirSync(folder)
		const settings = async (who: string) => ({ baseURL: url, leaseMs: LEASE_MS, token: await mintToken(signingKey, { kind: 'runner', subject: who, workerName: 'local', ttlMs: 3_600_000 }, Date.now()) })
		pool = await startRunnerPool({ count: RUNNERS, folder, random, settings })

		const submitted: Operation[] = []
		const planIds: string[] = []
		for (const [index, calls] of chaosTasks(TASKS).entries()) {
			const start = Date.now()
			const plan = { idempotencyKey: `chaos-${index}`, tasks: calls.map(({ idempotencyKey: _ofPlan, ...task }) => task) }
			const made = await untilAnswered(() => client.submitPlan(plan))
			planIds.push(made.planId)
			submitted.push(...made.tasks.map(({ taskId }): Operation => ({ kind: 'submit', taskId, who: 'submitter', start, end: Date.now() })))
		}
		let nextKill = Date.now()
		for (let open = TASKS; open > 0; await sleep(100)) {
			if (Date.now() >= nextKill) {
				pool.killOne()
				nextKill = Date.now() + KILL_EVERY_MS * (0.5 + random())
			}
			open = openTasks(stateDir)
			// Of all tasks a quarter, and a half, may be done by then.
			if (restarts < 2 && open <= TASKS * (0.75 - 0.25 * restarts)) {
				restarts++
				await orchestrator.process.killAndWait()
				orchestrator = await startOrchestrator({ ...options, port })
			}
		}
		await pool.stop()
		const start = Date.now()
		tasks = []
		for (const planId of planIds) tasks.push(...(await untilAnswered(() => client.plan(planId))).tasks)
		const known = readJournal(pool.journal())
		const finals = tasks.map((task) => finalOf(task, { start, end: Date.now() }))
		// A call whose answer D1 lost may have claimed, though its runner got another answer.
		history = { operations: [...submitted, ...known.operations, ...finals], lostClaims: known.lostClaims + faults('after') * LARGEST_CLAIM, leaseMs: LEASE_MS }
	}, 600_000)

	afterAll(async () => {
		await pool?.stop()
		await orchestrator?.stop()
		rmSync(stateDir, { recursive: true, force: true })
	})

	const faults = (when: string) => readFileSync(join(stateDir, 'logs/orchestrator.log'), 'utf8').split(`${FAULT_LINE} ${when}`).length - 1

	it('is a history that a correct queue can have', () => {
		const { violations, ghosts } = checkHistory(history)
		process.stdout.write(`${countOf(history)}; ${pool.deaths()} runners killed, ${restarts} restarts of the orchestrator, ${faults('before')} D1 calls failed before and ${faults('after')} after their work; ${ghosts} attempts of which no runner heard; ${violations.length} violations\nThe longest life: ${longestLife(history)}\n`)
		expect(violations).toEqual([])
	})

	it('was disturbed in every way', () => {
		expect(tasks).toHaveLength(TASKS)
		expect(restarts).toBe(2)
		expect(pool.deaths()).toBeGreaterThanOrEqual(RUNNERS)
		expect(faults('before')).toBeGreaterThan(0)
		expect(faults('after')).toBeGreaterThan(0)
	})

	it('completed each task once, or closed it with its reason', () => {
		const completions = query<{ taskId: string; count: number }>({ stateDir }, "select details ->> 'taskId' as taskId, count(*) as count from operation_logs where operation = 'queue.completed' group by 1")
		const countOfTask = new Map(completions.map(({ taskId, count }) => [taskId, count]))
		for (const { taskId, status, error } of tasks) {
			expect(isClosed(status)).toBe(true)
			expect([countOfTask.get(taskId) ?? 0, error === null]).toEqual(status === 'completed' ? [1, true] : [0, false])
		}
		expect(tasks.filter(({ outcome }) => outcome === 'dead').length).toBeGreaterThanOrEqual(TASKS / 100)
	})

	it('has the same story in its log', () => {
		const lines = query<{ operation: string; taskId: string }>({ stateDir }, "select operation, details ->> 'taskId' as taskId from operation_logs where operation like 'queue.%' and details ->> 'taskId' is not null order by id")
		expect(checkLog(lines)).toEqual([])
	})
})

/** With the Worker around the orchestrator that makes D1 fail. */
const faultyConfig = (stateDir: string): string =>
	derivedConfig(stateDir, (config) => {
		config.main = 'test/chaos/faultyOrchestrator.ts'
	})

/** Read from the database itself: this has to be right while the orchestrator is down, too. */
const openTasks = (stateDir: string): number => query<{ open: number }>({ stateDir }, "select count(*) as open from container_tasks where status not in ('completed', 'failed')")[0]?.open ?? 0

async function untilAnswered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await call()
		} catch (error) {
			if (attempt === 50) throw error
			await sleep(50)
		}
	}
}
