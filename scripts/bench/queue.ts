import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOrchestrator } from '@shared/testing/stack'
import { mintToken } from '@shared/worker-base/token'
import { parseOptions } from '../dev/options.ts'
import { measureEngine, measureReRun } from './queue/cases.ts'
import type { Row, Sizes } from './queue/cases.ts'
import { LOCK_MS } from './queue/engine.ts'
import type { Connections } from './queue/engine.ts'
import { ENGINES } from './queue/engines.ts'
import type { EngineName } from './queue/engines.ts'
import { measureOverRPC } from './queue/overRPC.ts'
import { makeReport } from './queue/queueReport.ts'
import { printReport } from './report.ts'
import { ProgramMissing } from './servers/debianProgram.ts'
import { startPostgres } from './servers/postgres.ts'
import { startRedis } from './servers/redis.ts'
import type { Server } from './servers/server.ts'

const USAGE = `npm run bench -- queue [--only NAME] [--adds N] [--jobs N] [--pick-ups N] [--json]

  --only        one of vibehq, bullmq, graphile-worker, pg-boss
  --adds        jobs added one by one (default 500)
  --jobs        jobs of each case of bulk and processing (default 2000)
  --pick-ups    how often the latency of an idle queue is measured (default 20)`

const SERVERS = { redis: startRedis, postgres: startPostgres }

/** The container task queue beside other queues: same payload, same machine, one after the other. */
export async function run(args: string[]): Promise<number> {
	const options = parseOptions(args, { only: 'string', adds: 'string', jobs: 'string', 'pick-ups': 'string', json: 'boolean' }, USAGE)
	if (options === null) return 2
	const sizes: Sizes = { adds: Number(options['adds'] ?? 500), jobs: Number(options['jobs'] ?? 2000), pickUps: Number(options['pick-ups'] ?? 20) }
	const names = (Object.keys(ENGINES) as EngineName[]).filter((name) => options['only'] === undefined || options['only'] === name)
	if (names.length === 0 || Object.values(sizes).some((size) => !Number.isSafeInteger(size) || size < 1)) {
		process.stderr.write(`${USAGE}\n`)
		return 2
	}
	const folder = mkdtempSync(join(tmpdir(), 'vibehq-queues-'))
	// PostgreSQL runs as another user, who has to pass through.
	chmodSync(folder, 0o711)
	try {
		const rows: Row[] = []
		for (const name of names) rows.push(...(await (name === 'vibehq' ? measureOurs(join(folder, name), sizes) : measurePeer(name, join(folder, name), sizes))))
		printReport(makeReport(rows), options['json'] === true)
		return 0
	} finally {
		rmSync(folder, { recursive: true, force: true })
	}
}

async function measureOurs(stateDir: string, sizes: Sizes): Promise<Row[]> {
	mkdirSync(stateDir)
	let overREST: Row[]
	const orchestrator = await startOrchestrator({ stateDir, vars: { LEASE_MS: String(LOCK_MS) } })
	try {
		const token = (kind: 'operator' | 'runner') => mintToken(orchestrator.signingKey, { kind, subject: 'bench', workerName: 'bench', ttlMs: 3_600_000 }, Date.now())
		const connections: Connections = { redis: null, postgres: null, url: orchestrator.url, submitterToken: await token('operator'), runnerToken: await token('runner') }
		overREST = await measureAll('vibehq', connections, sizes)
	} finally {
		await orchestrator.stop()
	}
	return [...overREST, ...(await measureOverRPC(stateDir, sizes))]
}

async function measurePeer(name: Exclude<EngineName, 'vibehq'>, folder: string, sizes: Sizes): Promise<Row[]> {
	const { server } = ENGINES[name]
	let started: (Server & { socket: string }) | undefined
	try {
		mkdirSync(folder)
		started = await SERVERS[server](folder)
		const connections: Connections = { redis: server === 'redis' ? started.socket : null, postgres: server === 'postgres' ? folder : null, url: '', submitterToken: '', runnerToken: '' }
		return await measureAll(name, connections, sizes)
	} catch (error) {
		if (!(error instanceof ProgramMissing)) throw error
		process.stderr.write(`${name} is skipped: ${error.message}\n`)
		return [{ engine: name, case: 'skipped', note: error.message }]
	} finally {
		await started?.stop()
	}
}

async function measureAll(name: EngineName, connections: Connections, sizes: Sizes): Promise<Row[]> {
	const engine = await ENGINES[name].create(connections)
	try {
		return [...(await measureEngine(engine, sizes)), await measureReRun(name, engine, connections)]
	} finally {
		await engine.close()
	}
}
