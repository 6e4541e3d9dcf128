// A Worker that uses the task queue as Workers do: by its binding. It is told over HTTP what to do, and answers when it is done.
import type { ClaimedTask, ContainerTaskQueueRpc } from '@shared/contracts'
import type { Floor } from './Floor.ts'

export { Floor } from './Floor.ts'

interface Env {
	ORCHESTRATOR_TASK_QUEUE: ContainerTaskQueueRpc
	FLOOR: Floor
}

type Queue = Env['ORCHESTRATOR_TASK_QUEUE']
interface Given {
	count: number
	concurrency: number
	batch: number
	kind: string
}

const task = (number: number) => ({ taskType: 'command' as const, command: ['true'], parameters: { number, text: 'x'.repeat(200) } })

const ACTIONS: Record<string, (queue: Queue, given: Given, floor: Floor) => Promise<unknown>> = {
	async add(queue, { count }) {
		for (let number = 0; number < count; number++) await queue.submitTask(task(number))
	},
	async bulk(queue, { count, batch }) {
		for (let from = 0; from < count; from += batch) await queue.submitTasks(Array.from({ length: Math.min(batch, count - from) }, (_, index) => task(from + index)))
	},
	/** Answers how many it completed. */
	async process(queue, { concurrency, batch }) {
		const done = await Promise.all(Array.from({ length: concurrency }, (_, index) => processAll(queue, `worker-${index}`, batch)))
		return done.reduce((sum, count) => sum + count, 0)
	},
	/** As many calls as `process` with one task a call, to what does next to nothing. */
	async floor(_queue, { count, concurrency, kind }, floor) {
		let left = count
		async function callAll() {
			for (; left > 0; left--) await (kind === 'nothing' ? floor.nothing(task(left)) : floor.oneStatement(task(left)))
		}
		await Promise.all(Array.from({ length: concurrency }, callAll))
	},
	/** Answers how many ms each task waited for a claim that waited for it. */
	async pickUps(queue, { count }) {
		const latencies: number[] = []
		for (let number = 0; number < count; number++) {
			const claimed = claimWaiting(queue)
			await new Promise((resolve) => setTimeout(resolve, 1200))
			const addedAt = performance.now()
			await queue.submitTask(task(number))
			const { task: picked, leaseToken } = await claimed
			latencies.push(performance.now() - addedAt)
			await queue.completeTask(picked.taskId, { exitCode: 0 }, { leaseToken })
		}
		return latencies
	},
}

/** Until nothing is left. */
async function processAll(queue: Queue, containerName: string, batch: number): Promise<number> {
	const claimNext = { workerName: 'bench', containerName, taskTypes: ['command' as const], max: batch }
	let done = 0
	let held: readonly ClaimedTask[] = await queue.claimTasks(claimNext)
	while (held.length > 0) {
		done += held.length
		const [only] = held
		if (batch === 1 && only) held = (await queue.completeTask(only.task.taskId, { exitCode: 0 }, { leaseToken: only.leaseToken, claimNext })).next ?? []
		else held = (await queue.completeTasks(held.map((each) => ({ taskId: each.task.taskId, leaseToken: each.leaseToken, output: { exitCode: 0 } })), { claimNext })).next
	}
	return done
}

async function claimWaiting(queue: Queue): Promise<ClaimedTask> {
	for (;;) {
		const [claimed] = await queue.claimTasks({ workerName: 'bench', containerName: 'waiter', taskTypes: ['command'], waitMs: 1000 })
		if (claimed) return claimed
	}
}

export default {
	async fetch(request: Request, env: Env): Promise<Response> {
		const { pathname, searchParams } = new URL(request.url)
		const action = ACTIONS[pathname.slice(1)]
		if (!action) return Response.json({ ok: true })
		const number = (name: string) => Number(searchParams.get(name) ?? 1)
		const given = { count: number('count'), concurrency: number('concurrency'), batch: number('batch'), kind: searchParams.get('kind') ?? '' }
		return Response.json((await action(env.ORCHESTRATOR_TASK_QUEUE, given, env.FLOOR)) ?? null)
	},
}
