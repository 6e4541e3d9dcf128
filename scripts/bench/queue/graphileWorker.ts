import { consoleLogFactory, Logger, makeWorkerUtils, run } from 'graphile-worker'
import { Pool } from 'pg'
import type { Connections, Payload, QueueEngine } from './engine.ts'

export async function createGraphileWorker({ postgres }: Connections): Promise<QueueEngine> {
	const connectionString = `postgres://bench@localhost/postgres?host=${encodeURIComponent(postgres ?? '')}`
	// Of our own, because those that it makes are not closed when it says so, and throw when the server stops.
	const openPool = (max: number) => {
		const pool = new Pool({ connectionString, max })
		const ignore = () => undefined
		return pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))
	}
	const logger = new Logger((scope) => (level, message, meta) => (level === 'error' ? consoleLogFactory(scope)(level, message, meta) : undefined))
	const pgPool = openPool(4)
	const utils = await makeWorkerUtils({ pgPool, logger })
	await utils.migrate()
	return {
		name: 'graphile-worker',
		hasBatches: true,
		add: (job) => utils.addJob('job', job),
		addMany: (jobs) => utils.addJobs(jobs.map((payload) => ({ identifier: 'job', payload }))),
		async work({ concurrency, batch, onJob }) {
			const batching = batch === 1 ? {} : { localQueue: { size: Math.max(batch, concurrency + 1) }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
			const own = openPool(concurrency + 2)
			const runner = await run({ pgPool: own, preset: { worker: { concurrentJobs: concurrency, ...batching } }, logger, noHandleSignals: true, taskList: { job: async (payload) => onJob(payload as Payload) } })
			return {
				async stop() {
					await runner.stop()
					await own.end()
				},
			}
		},
		open: () =>
			utils.withPgClient(async (client) => {
				const { rows } = await client.query<{ open: number }>('select count(*)::int as open from graphile_worker._private_jobs')
				return rows[0]?.open ?? 0
			}),
		async close() {
			await utils.release()
			await pgPool.end()
		},
	}
}
