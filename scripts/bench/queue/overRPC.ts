import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, projectRoot, startProcess, tailOf, wranglerEnv, wranglerProgram } from '@shared/testing/stack'
import { median, percentile } from '../report.ts'
import { BULK, perSecond, PROCESS_CASES } from './cases.ts'
import type { Row, Sizes } from './cases.ts'

const ENGINE = 'vibehq over RPC'

/** The same cases by a Worker with a binding; time is taken from outside, with the call that starts it. */
export async function measureOverRPC(stateDir: string, { adds, jobs, pickUps }: Sizes): Promise<Row[]> {
	const caller = await startCaller(stateDir)
	const rows: Row[] = []
	const measure = async (name: string, count: number, path: string) => {
		const startedAt = performance.now()
		const answer = await caller.call(path)
		const rate = perSecond(count, performance.now() - startedAt)
		rows.push({ engine: ENGINE, case: name, jobs: count, perSecond: rate })
		process.stderr.write(`${ENGINE}: ${name}: ${rate}/s\n`)
		return answer
	}
	try {
		await measure('add one by one', adds, `/add?count=${adds}`)
		await caller.call('/process?concurrency=16&batch=1')
		for (const { case: name, concurrency, batch } of PROCESS_CASES) {
			const fill = `/bulk?count=${jobs}&batch=${BULK}`
			await (concurrency === 1 && batch === 1 ? measure(`add in bulk, ${BULK} a call`, jobs, fill) : caller.call(fill))
			const done = await measure(name, jobs, `/process?concurrency=${concurrency}&batch=${batch}`)
			if (done !== jobs) throw new Error(`Over RPC ${String(done)} of ${jobs} tasks were completed.`)
		}
		const latencies = (await caller.call(`/pickUps?count=${pickUps}`)) as number[]
		rows.push({ engine: ENGINE, case: 'pick up when idle', jobs: pickUps, p50Ms: median(latencies), p99Ms: percentile(latencies, 99) })
		return rows
	} finally {
		await caller.stop()
	}
}

async function startCaller(stateDir: string) {
	const [port, inspectorPort] = [await freePort(), await freePort()]
	const url = `http://127.0.0.1:${port}`
	const logFile = join(stateDir, 'logs/queue-caller.log')
	const args = [
		wranglerProgram, 'dev', '-c', join(import.meta.dirname, 'caller/wrangler.jsonc'), '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(inspectorPort),
		'--persist-to', join(stateDir, 'queue-caller'), '--show-interactive-dev-session=false', '--local',
	]
	const managed = startProcess({ name: 'queue-caller', command: process.execPath, args, cwd: projectRoot, env: wranglerEnv(stateDir), logFile })
	const call = async (path: string): Promise<unknown> => {
		const answer = await fetch(`${url}${path}`)
		const text = await answer.text()
		if (!answer.ok) throw new Error(`The calling Worker answered ${answer.status}: ${text.slice(0, 500)}`)
		return JSON.parse(text)
	}
	for (const deadline = Date.now() + 60_000; Date.now() < deadline && !managed.hasExited(); await sleep(50)) {
		if (await call('/').then(() => true, () => false)) return { call, stop: () => managed.stop() }
	}
	await managed.stop()
	throw new Error(`The calling Worker did not start:\n${tailOf(logFile)}`)
}
