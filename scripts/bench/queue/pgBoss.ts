import { PgBoss } from 'pg-boss'
import { LOCK_MS } from './engine.ts'
import type { Connections, Payload, QueueEngine } from './engine.ts'

const NAME = 'bench'

export async function createPgBoss({ postgres }: Connections): Promise<QueueEngine> {
	const boss = new PgBoss({ host: postgres ?? '', user: 'bench', database: 'postgres', max: 20, useListenNotify: true, schedule: false, superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 })
	boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
	await boss.start()
	await boss.createQueue(NAME, { notify: true, expireInSeconds: LOCK_MS / 1000, retryLimit: 2 })
	return {
		name: 'pg-boss',
		hasBatches: true,
		add: (job) => boss.send(NAME, job),
		addMany: (jobs) => boss.insert(NAME, jobs.map((data) => ({ data }))),
		async work({ concurrency, batch, onJob }) {
			const options = { batchSize: batch, localConcurrency: concurrency, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 }
			await boss.work<Payload>(NAME, options, async (jobs) => void (await Promise.all(jobs.map(({ data }) => onJob(data)))))
			return { stop: () => boss.offWork(NAME, { wait: true }) }
		},
		async open() {
			const { rows } = await boss.getDb().executeSql("select count(*)::int as open from pgboss.job where name = $1 and state < 'completed'", [NAME])
			return (rows[0] as { open: number } | undefined)?.open ?? 0
		},
		close: () => boss.stop({ graceful: false }),
	}
}
