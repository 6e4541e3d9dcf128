import { Queue, Worker } from 'bullmq'
import { LOCK_MS } from './engine.ts'
import type { Connections, Payload, QueueEngine } from './engine.ts'

const NAME = 'bench'

export async function createBullMQ({ redis }: Connections): Promise<QueueEngine> {
	const connection = { path: redis ?? '', maxRetriesPerRequest: null }
	const queue = new Queue<Payload>(NAME, { connection, defaultJobOptions: { removeOnComplete: true } })
	await queue.waitUntilReady()
	return {
		name: 'BullMQ (fsync always)',
		hasBatches: false,
		add: (job) => queue.add('job', job),
		addMany: (jobs) => queue.addBulk(jobs.map((data) => ({ name: 'job', data }))),
		async work({ concurrency, onJob }) {
			const worker = new Worker<Payload>(NAME, async ({ data }) => onJob(data), { connection, concurrency, lockDuration: LOCK_MS, stalledInterval: 1000 })
			worker.on('error', (error) => process.stderr.write(`BullMQ: ${error.message}\n`))
			await worker.waitUntilReady()
			return { stop: () => worker.close() }
		},
		async open() {
			const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized')
			return Object.values(counts).reduce((sum, count) => sum + count, 0)
		},
		close: () => queue.close(),
	}
}
