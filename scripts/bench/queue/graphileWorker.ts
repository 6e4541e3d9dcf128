import { consoleLogFactory, Logger, makeWorkerUtils, run } from 'graphile-worker'
import type { Connections, Payload, QueueEngine } from './engine.ts'

export async function createGraphileWorker({ postgres }: Connections): Promise<QueueEngine> {
	const connectionString = `postgres://bench@localhost/postgres?host=${encodeURIComponent(postgres ?? '')}`
	const logger = new Logger((scope) => (level, message, meta) => (level === 'error' ? consoleLogFactory(scope)(level, message, meta) : undefined))
	const utils = await makeWorkerUtils({ connectionString, logger })
	await utils.migrate()
	return {
		name: 'graphile-worker',
		hasBatches: true,
		add: (job) => utils.addJob('job', job),
		addMany: (jobs) => utils.addJobs(jobs.map((payload) => ({ identifier: 'job', payload }))),
		async work({ concurrency, batch, onJob }) {
			const batching = batch === 1 ? {} : { localQueue: { size: Math.max(batch, concurrency + 1) }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
			const preset = { worker: { connectionString, concurrentJobs: concurrency, maxPoolSize: concurrency + 2, ...batching } }
			const runner = await run({ preset, logger, noHandleSignals: true, taskList: { job: async (payload) => onJob(payload as Payload) } })
			return { stop: () => runner.stop() }
		},
		open: () =>
			utils.withPgClient(async (client) => {
				const { rows } = await client.query<{ open: number }>('select count(*)::int as open from graphile_worker._private_jobs')
				return rows[0]?.open ?? 0
			}),
		close: async () => void (await utils.release()),
	}
}
