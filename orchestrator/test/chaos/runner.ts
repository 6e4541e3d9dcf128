// A runner that has bad luck: it dies, it sleeps past its lease, its calls fail, and it makes them again. What it does with a
// task is the same in workerd, where the calls are function calls, and in a process of its own, where they go over REST.
import { isAppError } from '@shared/contracts'
import type { ClaimedTask, CompletedTask, CompleteManyReply, ContainerTask, HeartbeatReply, NextClaim, TaskError } from '@shared/contracts'
import type { Journal, Operation } from './history.ts'
import type { Random } from './random.ts'

/** What a task does to whoever runs it; it stands in its parameters. */
export type Fate = 'kills' | 'fails once' | 'fails'

interface Report {
	leaseToken: string
	output: Record<string, unknown>
}

/** The doors that a runner uses, as the typed client has them. */
export interface RunnerDoors {
	claim(request: NextClaim & { waitMs: number }): Promise<ClaimedTask[]>
	heartbeat(taskId: string, beat: { leaseToken: string }): Promise<HeartbeatReply>
	complete(taskId: string, report: Report & { claimNext: NextClaim }): Promise<CompletedTask>
	completeMany(request: { reports: (Report & { taskId: string })[]; claimNext: NextClaim }): Promise<CompleteManyReply>
	fail(taskId: string, report: { leaseToken: string; error: TaskError }): Promise<ContainerTask>
}

export interface ChaosRunner {
	who: string
	doors: RunnerDoors
	journal: Journal
	random: Random
	now: () => number
	sleep: (ms: number) => Promise<void>
	/** Ends this runner on the spot. */
	die: () => Promise<never>
	isOver: () => boolean
	leaseMs: number
	waitMs: number
}

/** Some share of the times. */
const DIES = 0.01
const SLEEPS_TOO_LONG = 0.01
/** Up to its lease, so that its next call comes about when that ends. */
const SLEEPS = 0.05
const BEATS = 0.15
const REPORTS_TWICE = 0.05
const MORE_THAN_ONE = 0.2
const TRIES = 100

/** Tasks that one claim takes at most. */
export const LARGEST_CLAIM = 8

/** Claims, works and reports until it is over. */
export async function runChaosRunner(runner: ChaosRunner): Promise<void> {
	let held: ClaimedTask[] = []
	while (!runner.isOver()) {
		if (held.length === 0) held = await claim(runner)
		else held = await work(runner, held)
	}
}

/** Mostly just one, for such claims may be made together with others. */
const nextOf = ({ who, random }: ChaosRunner): NextClaim => ({ workerName: 'pool', containerName: who, taskTypes: ['command'], capabilities: [], max: random() < MORE_THAN_ONE ? 1 + Math.ceil(random() * (LARGEST_CLAIM - 1)) : 1 })

async function claim(runner: ChaosRunner): Promise<ClaimedTask[]> {
	const request = { ...nextOf(runner), waitMs: runner.waitMs }
	const start = runner.now()
	const answered = runner.journal.begin([], request.max)
	try {
		const tasks = await runner.doors.claim(request)
		answered(claimsOf(runner, start, tasks), 0)
		if (tasks.length === 0) await runner.sleep(runner.leaseMs / 20)
		return tasks
	} catch {
		await runner.sleep(runner.leaseMs / 40)
		return []
	}
}

const claimsOf = ({ who, now }: ChaosRunner, start: number, tasks: readonly ClaimedTask[]): Operation[] =>
	tasks.map(({ task, leaseToken, leaseExpiresAt }) => ({ kind: 'claim', taskId: task.taskId, who, start, end: now(), token: leaseToken, attempt: task.attempt, until: leaseExpiresAt }))

/** Does something with all that it holds; returns what it holds then. */
async function work(runner: ChaosRunner, held: ClaimedTask[]): Promise<ClaimedTask[]> {
	const { random } = runner
	const done: ClaimedTask[] = []
	for (const claimed of held) {
		const fate = claimed.task.parameters['fate'] as Fate | undefined
		if (fate === 'kills' || random() < DIES) return runner.die()
		if (random() < SLEEPS_TOO_LONG) await runner.sleep(runner.leaseMs * 1.2)
		if (random() < SLEEPS) await runner.sleep(Math.round(runner.leaseMs * random()))
		if (random() < BEATS) await beat(runner, claimed)
		if (fate === 'fails' || (fate === 'fails once' && claimed.task.attempt === 1)) await fail(runner, claimed, fate === 'fails once')
		else done.push(claimed)
	}
	if (done.length === 0) return []
	const next = await report(runner, done)
	// As a runner does that did not hear the first answer.
	return random() < REPORTS_TWICE ? [...next, ...(await report(runner, done))] : next
}

async function beat(runner: ChaosRunner, { task, leaseToken }: ClaimedTask): Promise<void> {
	const operation = { kind: 'heartbeat', taskId: task.taskId, who: runner.who, start: runner.now(), token: leaseToken } as const
	const answered = runner.journal.begin([{ ...operation, end: null, outcome: 'unknown', until: null }])
	const [outcome, answer] = await outcomeOf(runner.doors.heartbeat(task.taskId, { leaseToken }))
	answered([{ ...operation, end: outcome === 'unknown' ? null : runner.now(), outcome, until: answer?.leaseExpiresAt ?? null }])
}

async function fail(runner: ChaosRunner, { task, leaseToken }: ClaimedTask, retryable: boolean): Promise<void> {
	const error = { code: 'CHAOS', message: 'This task is made to fail.', retryable }
	const isRetried = retryable && task.attempt < task.maxAttempts
	for (let attempt = 0; attempt < TRIES; attempt++) {
		const operation = { kind: 'fail', taskId: task.taskId, who: runner.who, start: runner.now(), token: leaseToken, isRetried } as const
		const answered = runner.journal.begin([{ ...operation, end: null, outcome: 'unknown' }])
		const [outcome] = await outcomeOf(runner.doors.fail(task.taskId, { leaseToken, error }))
		answered([{ ...operation, end: outcome === 'unknown' ? null : runner.now(), outcome }])
		if (outcome !== 'unknown') return
		await runner.sleep(runner.leaseMs / 40)
	}
}

/** Reports results until each is taken or refused; returns what it claimed with them. */
async function report(runner: ChaosRunner, done: readonly ClaimedTask[]): Promise<ClaimedTask[]> {
	let open = done
	const next: ClaimedTask[] = []
	for (let attempt = 0; attempt < TRIES && open.length > 0; attempt++) {
		const { outcomes, claimed } = await reportOnce(runner, open)
		next.push(...claimed)
		open = open.filter((_, index) => outcomes[index] === 'unknown')
		if (open.length > 0) await runner.sleep(runner.leaseMs / 40)
	}
	return next
}

type Outcome = Extract<Operation, { kind: 'complete' }>['outcome']

async function reportOnce(runner: ChaosRunner, open: readonly ClaimedTask[]): Promise<{ outcomes: Outcome[]; claimed: ClaimedTask[] }> {
	const { who, doors } = runner
	const claimNext = nextOf(runner)
	const start = runner.now()
	const operations = open.map(({ task, leaseToken }) => ({ kind: 'complete', taskId: task.taskId, who, start, token: leaseToken, mark: markOf(leaseToken) }) as const)
	const answered = runner.journal.begin(operations.map((operation) => ({ ...operation, end: null, outcome: 'unknown' })), claimNext.max)
	const reports = open.map(({ task, leaseToken }) => ({ taskId: task.taskId, leaseToken, output: { exitCode: 0, mark: markOf(leaseToken) } }))
	const [only] = reports
	const { outcomes, next } = await (reports.length === 1 && only ? completeOne(doors, only, claimNext) : completeAll(doors, reports, claimNext))
	const end = runner.now()
	const settled = operations.map((operation, index) => ({ ...operation, outcome: outcomes[index] ?? 'unknown' })).map((operation) => ({ ...operation, end: operation.outcome === 'unknown' ? null : end }))
	// A call that failed may have claimed all the same.
	answered([...settled, ...claimsOf(runner, start, next ?? [])], next === null ? claimNext.max : 0)
	return { outcomes, claimed: next ?? [] }
}

/** Tells which of the claims of a task wrote its result. */
const markOf = (leaseToken: string) => `by ${leaseToken}`

interface Reported {
	outcomes: Outcome[]
	/** Null when there is no answer to that. */
	next: ClaimedTask[] | null
}

async function completeOne(doors: RunnerDoors, { taskId, ...report }: Report & { taskId: string }, claimNext: NextClaim): Promise<Reported> {
	const [outcome, answer] = await outcomeOf(doors.complete(taskId, { ...report, claimNext }))
	return { outcomes: [outcome], next: outcome === 'unknown' ? null : (answer?.next ?? []) }
}

async function completeAll(doors: RunnerDoors, reports: (Report & { taskId: string })[], claimNext: NextClaim): Promise<Reported> {
	try {
		const { results, next } = await doors.completeMany({ reports, claimNext })
		return { outcomes: results.map(({ task, error }) => (task ? 'applied' : error && REFUSALS.has(error.code) ? 'refused' : 'unknown')), next }
	} catch {
		return { outcomes: reports.map(() => 'unknown'), next: null }
	}
}

const REFUSALS = new Set(['LEASE_LOST', 'CONTAINER_TASK_CLOSED'])

async function outcomeOf<Answer>(call: Promise<Answer>): Promise<[Outcome, Answer | null]> {
	try {
		return ['applied', await call]
	} catch (error) {
		return [isAppError(error) && REFUSALS.has(error.code) ? 'refused' : 'unknown', null]
	}
}
