import { join } from 'node:path'
import { startOrchestrator } from '@shared/testing/stack'
import { median, percentile } from '../report.ts'
import { BULK, perSecond, PROCESS_CASES } from './cases.ts'
import type { Row, Sizes } from './cases.ts'

const ENGINE = 'vibehq over RPC'
/** Calls of the same way that need no queue: what no queue behind it can beat. */
export const FLOORS = [
	{ engine: 'an RPC call that does nothing', kind: 'nothing' },
	{ engine: 'an RPC call with one statement in D1', kind: 'oneStatement' },
]

/** The same cases by a Worker with a binding, which on the platform is the same thread; time is taken from outside, with the call that starts it. */
export async function measureOverRPC(stateDir: string, { adds, jobs, pickUps }: Sizes): Promise<Row[]> {
	const caller = await startCaller(stateDir)
	const rows: Row[] = []
	const measure = async (of: { case: string; jobs: number; engine?: string }, path: string) => {
		const startedAt = performance.now()
		const answer = await caller.call(path)
		const row = { engine: ENGINE, ...of, perSecond: perSecond(of.jobs, performance.now() - startedAt) }
		rows.push(row)
		process.stderr.write(`${row.engine}: ${row.case}: ${row.perSecond}/s\n`)
		return answer
	}
	try {
		await measure({ case: 'add one by one', jobs: adds }, `/add?count=${adds}`)
		await caller.call('/process?concurrency=16&batch=1')
		for (const { case: name, concurrency, batch } of PROCESS_CASES) {
			const fill = `/bulk?count=${jobs}&batch=${BULK}`
			await (concurrency === 1 && batch === 1 ? measure({ case: `add in bulk, ${BULK} a call`, jobs }, fill) : caller.call(fill))
			const done = await measure({ case: name, jobs }, `/process?concurrency=${concurrency}&batch=${batch}`)
			if (done !== jobs) throw new Error(`Over RPC ${String(done)} of ${jobs} tasks were completed.`)
		}
		for (const { case: name, concurrency } of PROCESS_CASES.filter(({ batch }) => batch === 1)) {
			for (const { engine, kind } of FLOORS) await measure({ case: name, jobs, engine }, `/floor?count=${jobs}&concurrency=${concurrency}&kind=${kind}`)
		}
		const latencies = (await caller.call(`/pickUps?count=${pickUps}`)) as number[]
		rows.push({ engine: ENGINE, case: 'pick up when idle', jobs: pickUps, p50Ms: median(latencies), p99Ms: percentile(latencies, 99) })
		return rows
	} finally {
		await caller.stop()
	}
}

async function startCaller(stateDir: string) {
	const { url, stop } = await startOrchestrator({ stateDir, front: join(import.meta.dirname, 'caller/wrangler.jsonc') })
	const call = async (path: string): Promise<unknown> => {
		const answer = await fetch(`${url}${path}`)
		const text = await answer.text()
		if (!answer.ok) throw new Error(`The calling Worker answered ${answer.status}: ${text.slice(0, 500)}`)
		return JSON.parse(text)
	}
	return { call, stop }
}
