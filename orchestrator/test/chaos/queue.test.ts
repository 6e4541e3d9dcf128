// Thousands of tasks, eight runners with bad luck, and a D1 of which calls fail, some of them after they did their work.
import { env } from 'cloudflare:workers'
import { sql as raw } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isClosed } from '@shared/container-task-queue'
import { ClaimRequest } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import { createDatabase, sql } from '../../worker/database/client.ts'
import { createFixture, LEASE_MS, origin } from '../../worker/services/container-tasks/testing/fixture.ts'
import { checkHistory, checkLog } from './checker.ts'
import { faultyD1 } from './faultyD1.ts'
import { countOf, createJournal, longestLife, readJournal } from './history.ts'
import type { History, JournalLine, Operation } from './history.ts'
import { seeded } from './random.ts'
import { LARGEST_CLAIM, runChaosRunner } from './runner.ts'
import type { RunnerDoors } from './runner.ts'
import { chaosTasks, finalOf } from './tasks.ts'

const SEED = 1
const TASKS = 2000
const RUNNERS = 8
const FAULTS = 0.05
/** At most. */
const LINGERS_MS = LEASE_MS / 4

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

class Death extends Error {}

type Fixture = Awaited<ReturnType<typeof createFixture>>

const doorsOf = (queue: Fixture['queue']): RunnerDoors => ({
	claim: (request) => queue.claim(ClaimRequest.parse(request)),
	heartbeat: (taskId, beat) => queue.heartbeat(taskId, beat),
	complete: (taskId, { claimNext, ...report }) => queue.complete(taskId, { ...report, next: { request: claimNext, scope: {} } }),
	completeMany: ({ reports, claimNext }) => queue.completeMany(reports, { next: { request: claimNext, scope: {} } }),
	fail: (taskId, report) => queue.fail(taskId, report),
})

/** Runs a runner, and another in its place when it dies, until all is over. */
async function keepRunning(number: number, world: { fixture: Fixture; write: (line: JournalLine) => void; isOver: () => boolean }): Promise<number> {
	const { clock, queue } = world.fixture
	for (let life = 1; ; life++) {
		const who = `runner-${number}.${life}`
		const sleep = async (ms: number) => {
			// Time goes on for all of them, so whoever waits makes way for the others; and never back.
			for (const wakesAt = clock.now + ms; clock.now < wakesAt && !world.isOver(); clock.now += Math.max(0, Math.min(250, wakesAt - clock.now))) await pause(0)
		}
		const die = async () => {
			throw new Death()
		}
		try {
			await runChaosRunner({ who, doors: doorsOf(queue), journal: createJournal(who, world.write), random: seeded(SEED * 1000 + number * 100 + life), now: () => clock.now++, sleep, die, isOver: world.isOver, leaseMs: LEASE_MS, waitMs: 0 })
			return life - 1
		} catch (error) {
			if (!(error instanceof Death)) throw error
		}
	}
}

describe(`${TASKS} tasks while D1 fails`, () => {
	const counts = { before: 0, after: 0 }
	let history: History
	let log: { taskId: string; operation: string }[]
	let sharedClaims: unknown[]
	let tasks: ContainerTask[]
	let deaths: number

	// The queue says of each failed call what it makes of it.
	const said = vi.spyOn(console, 'error').mockReturnValue()
	afterAll(() => said.mockRestore())

	beforeAll(async () => {
		const random = seeded(SEED)
		const linger = async () => {
			fixture.clock.now += Math.round(LINGERS_MS * random())
			await pause(0)
		}
		const fixture = await createFixture({}, { db: createDatabase(faultyD1(env.DB, { share: FAULTS, random, onFault: (when) => void counts[when]++, linger })), sleep: pause })
		const { queue, clock, db } = fixture
		const submitted: Operation[] = []
		const lines: JournalLine[] = []
		let isSubmitted = false
		let isOver = false
		const submitAll = async () => {
			for (const inputs of chaosTasks(TASKS)) {
				const start = clock.now++
				const made = await untilAnswered(() => queue.submitMany(inputs, origin))
				submitted.push(...made.map(({ taskId }): Operation => ({ kind: 'submit', taskId, who: 'submitter', start, end: clock.now })))
			}
			isSubmitted = true
		}
		const watch = async () => {
			const openQuery = sql.selectFrom('container_tasks').select('id').where('status', 'in', ['pending', 'assigned', 'running']).limit(1)
			while (!isSubmitted || (await db.first(openQuery))) await pause(100)
			isOver = true
		}
		const world = { fixture, write: (line: JournalLine) => void lines.push(line), isOver: () => isOver }
		const [lives] = await Promise.all([Promise.all(Array.from({ length: RUNNERS }, (_, index) => keepRunning(index, world))), submitAll(), watch()])
		deaths = lives.reduce((sum, died) => sum + died, 0)
		const start = clock.now++
		tasks = await Promise.all(submitted.map(({ taskId }) => untilAnswered(() => queue.get(taskId))))
		const known = readJournal(lines)
		// A call whose answer D1 lost may have claimed, though its runner got another answer.
		history = { operations: [...submitted, ...known.operations, ...tasks.map((task) => finalOf(task, { start, end: clock.now }))], lostClaims: known.lostClaims + counts.after * LARGEST_CLAIM, leaseMs: LEASE_MS }
		log = (await db.all(sql.selectFrom('operation_logs').select(['operation', 'details']).where('operation', 'like', 'queue.%').orderBy('id'))).map(({ operation, details }) => ({ operation, taskId: String((JSON.parse(details ?? '{}') as { taskId?: unknown }).taskId) }))
		sharedClaims = await db.all(sql.selectFrom('operation_logs').select(raw`details ->> 'claim'`.as('claim')).where('operation', '=', 'queue.claimed').groupBy('claim').having(raw<boolean>`count(distinct details ->> 'assignedTo') > 1`))
	}, 300_000)

	it('is a history that a correct queue can have', () => {
		const { violations, ghosts } = checkHistory(history)
		process.stdout.write(`Seed ${SEED}: ${countOf(history)}; ${deaths} runners died; ${counts.before} D1 calls failed before and ${counts.after} after their work; ${sharedClaims.length} claims for several; ${ghosts} attempts of which no runner heard; ${violations.length} violations\nThe longest life: ${longestLife(history)}\n`)
		expect(violations).toEqual([])
	})

	it('was disturbed in every way', () => {
		expect(tasks).toHaveLength(TASKS)
		expect(counts.before).toBeGreaterThan(0)
		expect(counts.after).toBeGreaterThan(0)
		expect(deaths).toBeGreaterThan(TASKS / 100)
		expect(sharedClaims.length).toBeGreaterThan(0)
		for (const outcome of ['refused', 'unknown', 'applied']) expect(history.operations.some((operation) => operation.kind === 'complete' && operation.outcome === outcome)).toBe(true)
	})

	it('completed each task once, or closed it with its reason', () => {
		expect(tasks.filter(({ status }) => !isClosed(status))).toEqual([])
		const completions = Map.groupBy(log.filter(({ operation }) => operation === 'queue.completed'), ({ taskId }) => taskId)
		for (const { taskId, status, error } of tasks) {
			expect([completions.get(taskId)?.length ?? 0, error === null]).toEqual(status === 'completed' ? [1, true] : [0, false])
		}
		expect(tasks.filter(({ error }) => error?.code === 'CHAOS')).toHaveLength(TASKS / 100)
	})

	it('has the same story in its log', () => {
		expect(checkLog(log)).toEqual([])
	})
})

async function untilAnswered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
	for (;;) {
		try {
			return await call()
		} catch (error) {
			if (!(error instanceof Error && /fault injected/.test(error.message))) throw error
		}
	}
}
