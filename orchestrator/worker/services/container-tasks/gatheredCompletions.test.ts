import { describe, expect, it } from 'vitest'
import type { ClaimedTask } from '@shared/contracts'
import type { TaskInput } from '@shared/container-task-queue'
import { sql } from '../../database/client.ts'
import { createFixture, LEASE_MS } from './testing/fixture.ts'
import type { TaskListener } from './taskListener.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'

/** A queue that waits in real time, whose batches are counted, and of which several containers hold a task each. */
async function createCrowd(inputs: Partial<TaskInput>[], { holders = 4, collect }: { holders?: number; collect?: TaskListener['collect'] } = {}) {
	const { db } = await createFixture()
	const batches: number[] = []
	const counted: typeof db = { ...db, batch: (statements) => (batches.push(statements.length), db.batch(statements)) }
	const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
	const fixture = await createFixture(collect ? { collect } : {}, { db: counted, sleep })
	const { queue, claim } = fixture
	const submit = (given: Partial<TaskInput>[], workerName = 'w') => queue.submitMany(given.map((input) => ({ taskType: 'command', command: ['true'], ...input })), { workerName })
	await submit(Array.from({ length: holders }, () => ({})))
	const held: ClaimedTask[] = []
	for (let n = 0; n < holders; n++) held.push(...(await claim({ containerName: `c${n}` })))
	await submit(inputs)
	const nextOf = (n: number, owner?: string) => ({ request: { workerName: 'pool', containerName: `c${n}`, taskTypes: ['command' as const], capabilities: [], max: 1 }, scope: owner === undefined ? {} : { owner } })
	const complete = (n: number, owner?: string) => queue.complete(held[n]?.task.taskId ?? '', { leaseToken: held[n]?.leaseToken, output: { by: n }, next: nextOf(n, owner) })
	/** The first goes by itself, and the others come while it is under way. */
	const completeAtOnce = async (calls: (() => ReturnType<typeof complete>)[]) => {
		batches.length = 0
		return Promise.allSettled(calls.map((call) => call()))
	}
	return { ...fixture, submit, held, batches, complete, completeAtOnce }
}

const valuesOf = <T>(settled: readonly PromiseSettledResult<T>[]) => settled.map((each) => (each.status === 'fulfilled' ? each.value : expect.unreachable(String(each.reason))))
const taken = (answers: { next?: ClaimedTask[] | undefined }[]) => answers.map(({ next }) => next?.map(({ task }) => task.assignedTo))

describe('completions that come at the same time', () => {
	it('are stored in one batch, and each takes a task under a lease that only it knows', async () => {
		const { complete, completeAtOnce, batches, queue, log } = await createCrowd([{}, {}, {}, {}, {}])
		const answers = valuesOf(await completeAtOnce([0, 1, 2, 3].map((n) => () => complete(n))))
		expect(batches).toEqual([9, 10])
		expect(answers.map(({ status, output }) => [status, output])).toEqual([0, 1, 2, 3].map((n) => ['completed', { by: n }]))
		expect(taken(answers)).toEqual([['pool:c0'], ['pool:c1'], ['pool:c2'], ['pool:c3']])
		const leases = answers.flatMap(({ next = [] }) => next.map(({ leaseToken }) => leaseToken.split('.')))
		expect(new Set(leases.map(([base]) => base)).size).toBe(4)
		expect(new Set(leases.map(([, id]) => id)).size).toBe(4)
		for (const { next = [] } of answers) {
			for (const { task, leaseToken } of next) expect(await queue.complete(task.taskId, { leaseToken, output: {} })).toMatchObject({ status: 'completed', attempt: 1 })
		}
		expect((await log()).filter((operation) => operation === 'queue.claimed')).toHaveLength(8)
		expect(await queue.summary()).toMatchObject({ counts: { pending: 1, completed: 8 }, workers: [{ workerName: 'w', running: 0 }] })
	})

	it('share what there is in the order in which they came', async () => {
		const { complete, completeAtOnce } = await createCrowd([{}, {}])
		expect(taken(valuesOf(await completeAtOnce([0, 3, 2, 1].map((n) => () => complete(n)))))).toEqual([['pool:c0'], ['pool:c3'], [], []])
	})

	it('take no more of a Worker than may run', async () => {
		const { complete, completeAtOnce, queue } = await createCrowd([{}, {}, {}, {}])
		await queue.setMaxRunning('w', 3)
		expect(taken(valuesOf(await completeAtOnce([0, 1, 2, 3].map((n) => () => complete(n))))).filter((each) => each?.length === 1)).toHaveLength(3)
	})

	it('leave to a container what is meant for it', async () => {
		const { complete, completeAtOnce } = await createCrowd([{}, {}, {}, { containerName: 'c2', priority: 5 }, { containerName: 'c9', priority: 5 }])
		const answers = valuesOf(await completeAtOnce([0, 1, 2, 3].map((n) => () => complete(n))))
		expect(taken(answers)).toEqual([['pool:c0'], ['pool:c1'], ['pool:c2'], ['pool:c3']])
		expect(answers.map(({ next }) => next?.[0]?.task.containerName)).toEqual([null, null, 'c2', null])
	})

	it('stand each for itself when one of them has lost its lease', async () => {
		const { complete, completeAtOnce, db, evidence, queue, held } = await createCrowd([{}, {}, {}, {}])
		await db.run(sql.updateTable('container_tasks').set({ lease_token: 'of another' }).where('task_id', '=', held[2]?.task.taskId ?? ''))
		const settled = await completeAtOnce([0, 1, 2, 3].map((n) => () => complete(n)))
		expect(settled.map((each) => (each.status === 'fulfilled' ? each.value.next?.length : (each.reason as { code: string }).code))).toEqual([1, 1, 'LEASE_LOST', 1])
		expect(await evidence()).toHaveLength(1)
		expect((await queue.summary()).counts).toMatchObject({ completed: 3, pending: 1 })
	})

	it('are stored once where the same one comes several times', async () => {
		const { complete, completeAtOnce, log } = await createCrowd([{}, {}, {}, {}, {}, {}])
		const answers = valuesOf(await completeAtOnce([0, 1, 1, 1, 2].map((n) => () => complete(n))))
		expect(answers.map(({ output }) => output)).toEqual([0, 1, 1, 1, 2].map((n) => ({ by: n })))
		expect((await log()).filter((operation) => operation === 'queue.completed')).toHaveLength(3)
	})

	it('take a task whose lease has just lapsed', async () => {
		const { complete, completeAtOnce, clock, queue, held } = await createCrowd([])
		clock.now += LEASE_MS - 1
		for (const { task, leaseToken } of held.slice(0, 3)) await queue.heartbeat(task.taskId, { leaseToken })
		clock.now += 1
		const answers = valuesOf(await completeAtOnce([0, 1, 2].map((n) => () => complete(n))))
		expect(taken(answers).flat()).toHaveLength(1)
		expect(await queue.get(held[3]?.task.taskId ?? '')).toMatchObject({ status: 'assigned', attempt: 2 })
	})

	it('are stored one by one where they bring more than their own row', async () => {
		const collect: TaskListener['collect'] = async (_task, output) => ({ output, statements: output['by'] === 1 ? [appendLog({ source: 'test', operation: 'collected', workerName: 'w', at: 1 })] : [] })
		const { complete, completeAtOnce, batches, log } = await createCrowd([{}, {}, {}, {}], { collect })
		expect(taken(valuesOf(await completeAtOnce([0, 1, 2, 3].map((n) => () => complete(n))))).flat()).toHaveLength(4)
		expect(batches.toSorted((a, b) => a - b)).toEqual([9, 10, 10])
		expect((await log()).filter((operation) => operation === 'collected')).toHaveLength(1)
	})

	it('keep apart what runners of different Workers may take', async () => {
		const { complete, completeAtOnce, submit, batches } = await createCrowd([], { holders: 5 })
		await submit([{}, {}], 'other')
		const answers = valuesOf(await completeAtOnce([() => complete(0), () => complete(1), () => complete(2, 'w'), () => complete(3), () => complete(4, 'w')]))
		expect(batches).toEqual([9, 10, 10])
		expect(answers.map(({ next }) => next?.length)).toEqual([1, 1, 0, 0, 0])
	})
})
