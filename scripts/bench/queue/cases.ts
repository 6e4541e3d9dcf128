import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, percentile } from '../report.ts'
import { payloads } from './engine.ts'
import type { Connections, QueueEngine } from './engine.ts'
import type { EngineName } from './engines.ts'

export interface Row {
	engine: string
	case: string
	jobs?: number
	perSecond?: number
	p50Ms?: number
	p99Ms?: number
	seconds?: number | null
	note?: string
}

export interface Sizes {
	/** Added one by one. */
	adds: number
	/** Of each case of bulk and processing. */
	jobs: number
	/** Of the latency of picking up. */
	pickUps: number
}

/** Jobs of one call, everywhere. */
export const BULK = 100
export const BATCH = 50
/** What a worker waits for before a job comes. */
export const IDLE_MS = 1200
const GIVES_UP_AFTER_MS = 20_000
/** A case of processing that is not over by then counts what it has done. */
const LONGEST_CASE_MS = 20_000

export const PROCESS_CASES = [
	{ case: 'process, concurrency 1', concurrency: 1, batch: 1 },
	{ case: 'process, concurrency 16', concurrency: 16, batch: 1 },
	{ case: 'process in batches, concurrency 1', concurrency: 1, batch: BATCH },
	{ case: 'process in batches, concurrency 16', concurrency: 16, batch: BATCH },
]

export const perSecond = (jobs: number, ms: number) => Math.round((jobs / ms) * 1000)

/** All cases but the one that needs a victim. */
export async function measureEngine(engine: QueueEngine, { adds, jobs, pickUps }: Sizes): Promise<Row[]> {
	const rows: Row[] = []
	const say = (row: Omit<Row, 'engine'>) => {
		rows.push({ engine: engine.name, ...row })
		process.stderr.write(`${engine.name}: ${row.case}: ${row.perSecond === undefined ? `p50 ${row.p50Ms} ms` : `${row.perSecond}/s`}\n`)
	}
	const oneByOne = await timed(async () => {
		for (const job of payloads(adds)) await engine.add(job)
	})
	say({ case: 'add one by one', jobs: adds, perSecond: perSecond(adds, oneByOne) })
	await process_(engine, { jobs: adds, concurrency: 16, batch: 1 })
	for (const each of PROCESS_CASES) {
		const bulk = await timed(() => fill(engine, jobs))
		if (each === PROCESS_CASES[0]) say({ case: `add in bulk, ${BULK} a call`, jobs, perSecond: perSecond(jobs, bulk) })
		const rate = await process_(engine, { jobs, ...each })
		if (each.batch === 1 || engine.hasBatches) say({ case: each.case, jobs, perSecond: rate })
	}
	const latencies = await measurePickUps(engine, pickUps)
	say({ case: 'pick up when idle', jobs: pickUps, p50Ms: round(median(latencies)), p99Ms: round(percentile(latencies, 99)) })
	return rows
}

const round = (ms: number) => Math.round(ms * 100) / 100

async function timed(work: () => Promise<unknown>): Promise<number> {
	const startedAt = performance.now()
	await work()
	return performance.now() - startedAt
}

async function fill(engine: QueueEngine, jobs: number): Promise<void> {
	const all = payloads(jobs)
	for (let from = 0; from < jobs; from += BULK) await engine.addMany(all.slice(from, from + BULK))
}

/** Jobs a second, from the start of the first job to the stored end of the last; throws when a job ran twice. */
async function process_(engine: QueueEngine, { jobs, concurrency, batch }: { jobs: number; concurrency: number; batch: number }): Promise<number> {
	let started = 0
	let firstAt = 0
	const { promise: allStarted, resolve } = Promise.withResolvers<void>()
	const onJob = () => {
		if (started === 0) firstAt = performance.now()
		if (++started === jobs) resolve()
	}
	const workers = await engine.work({ concurrency, batch, onJob })
	await Promise.race([allStarted, sleep(LONGEST_CASE_MS, null, { ref: false })])
	let open = await engine.open()
	for (; started === jobs && open > 0; open = await engine.open()) await sleep(2)
	const rate = perSecond(jobs - open, performance.now() - firstAt)
	await workers.stop()
	const left = await engine.open()
	if (left > 0) await process_(engine, { jobs: left, concurrency: 16, batch: BATCH })
	if (started !== jobs - left) throw new Error(`${engine.name} started ${started} jobs of ${jobs}, and ${left} are left.`)
	return rate
}

/** Ms from the call that adds a job to its start in a worker that waits. */
async function measurePickUps(engine: QueueEngine, count: number): Promise<number[]> {
	let picked: (at: number) => void = () => undefined
	const workers = await engine.work({ concurrency: 1, batch: 1, onJob: () => picked(performance.now()) })
	const latencies: number[] = []
	for (const job of payloads(count)) {
		await sleep(IDLE_MS)
		const { promise, resolve } = Promise.withResolvers<number>()
		picked = resolve
		const addedAt = performance.now()
		await engine.add(job)
		const pickedAt = await Promise.race([promise, sleep(GIVES_UP_AFTER_MS, null, { ref: false })])
		if (pickedAt === null) throw new Error(`${engine.name} did not pick up a job within ${GIVES_UP_AFTER_MS / 1000} s.`)
		latencies.push(pickedAt - addedAt)
	}
	await workers.stop()
	return latencies
}

/** Seconds from the SIGKILL of a worker to the start of its job in another that waits. Its lock is as fresh as its renewals keep it. */
export async function measureReRun(name: EngineName, engine: QueueEngine, connections: Connections): Promise<Row> {
	await engine.add({ number: 0, text: 'the job of the victim' })
	const victim = spawn(process.execPath, [join(import.meta.dirname, 'victim.ts')], { stdio: ['pipe', 'pipe', 'inherit'] })
	const exited = once(victim, 'exit')
	victim.stdin.end(JSON.stringify({ name, connections }))
	await Promise.race([once(victim.stdout, 'data'), exited.then(() => Promise.reject(new Error(`The victim of ${engine.name} ended before it had a job.`)))])
	let starts = 0
	const { promise: startedAgain, resolve } = Promise.withResolvers<number>()
	const workers = await engine.work({
		concurrency: 1,
		batch: 1,
		onJob: () => {
			starts++
			resolve(performance.now())
		},
	})
	await sleep(1500)
	const killedAt = performance.now()
	victim.kill('SIGKILL')
	await exited
	const again = await Promise.race([startedAgain, sleep(GIVES_UP_AFTER_MS, null, { ref: false })])
	while (again !== null && (await engine.open()) > 0) await sleep(5)
	await workers.stop()
	const row = { engine: engine.name, case: 're-run after SIGKILL' }
	if (starts > 1) return { ...row, seconds: null, note: `ran ${starts} times` }
	return again === null ? { ...row, seconds: null, note: `not within ${GIVES_UP_AFTER_MS / 1000} s` } : { ...row, seconds: round((again - killedAt) / 1000) }
}
