import { createTaskQueueClient } from '@shared/container-task-queue/client'
import type { ClaimedTask } from '@shared/contracts'
import { LOCK_MS } from './engine.ts'
import type { Connections, Payload, QueueEngine, WorkOptions } from './engine.ts'

const taskOf = (job: Payload) => ({ taskType: 'command' as const, command: ['true'], parameters: { ...job } })
const jobOf = ({ task }: ClaimedTask) => task.parameters as unknown as Payload

/** The container task queue over its REST doors, with the client that runners may use. */
export async function createContainerTasks({ url, submitterToken, runnerToken }: Connections): Promise<QueueEngine> {
	const [client, runner] = [submitterToken, runnerToken].map((token) => createTaskQueueClient({ baseURL: url, token, fetch })) as [Client, Client]
	return {
		name: 'vibehq over REST',
		hasBatches: true,
		add: (job) => client.submit(taskOf(job)),
		addMany: (jobs) => client.submitPlan({ tasks: jobs.map(taskOf) }),
		async work(options) {
			const stopping = new AbortController()
			const loops = Promise.all(Array.from({ length: options.concurrency }, (_, index) => loop(runner, { ...options, name: `worker-${index}`, signal: stopping.signal })))
			// What fails is told by `stop`, so that whoever waits can clean up.
			loops.catch(() => undefined)
			return {
				async stop() {
					stopping.abort()
					await loops
				},
			}
		},
		async open() {
			const { counts } = await summaryOf(url, submitterToken)
			return (counts['pending'] ?? 0) + (counts['assigned'] ?? 0) + (counts['running'] ?? 0)
		},
		close: async () => undefined,
	}
}

type Client = ReturnType<typeof createTaskQueueClient>

async function loop(client: Client, { batch, onJob, name, signal }: WorkOptions & { name: string; signal: AbortSignal }): Promise<void> {
	const claimNext = { workerName: 'bench', containerName: name, taskTypes: ['command' as const], max: batch }
	let held: ClaimedTask[] = []
	while (!signal.aborted) {
		if (held.length === 0) held = await client.claim({ ...claimNext, waitMs: 1000 })
		await keptAlive(client, held, () => Promise.all(held.map((claimed) => onJob(jobOf(claimed)))))
		const [only] = held
		if (only === undefined) continue
		if (batch === 1) {
			held = (await client.complete(only.task.taskId, { leaseToken: only.leaseToken, output: { exitCode: 0 }, claimNext })).next ?? []
		} else {
			held = (await client.completeMany({ reports: held.map(({ task, leaseToken }) => ({ taskId: task.taskId, leaseToken, output: { exitCode: 0 } })), claimNext })).next
		}
	}
}

/** Does the work, with a heartbeat for each task at a third of its lease. */
async function keptAlive(client: Client, held: readonly ClaimedTask[], work: () => Promise<unknown>): Promise<void> {
	const beat = () => held.forEach(({ task, leaseToken }) => void client.heartbeat(task.taskId, { leaseToken }).catch(() => undefined))
	const timer = setInterval(beat, (held[0]?.leaseMs ?? LOCK_MS) / 3)
	try {
		await work()
	} finally {
		clearInterval(timer)
	}
}

async function summaryOf(url: string, token: string): Promise<{ counts: Record<string, number> }> {
	const answer = await fetch(`${url}/api/task-queue`, { headers: { authorization: `Bearer ${token}` } })
	if (!answer.ok) throw new Error(`The summary of the queue was refused with ${answer.status}.`)
	return (await answer.json()) as { counts: Record<string, number> }
}
