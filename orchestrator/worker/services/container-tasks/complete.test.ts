import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { createRedactor } from './redact.ts'
import { createFixture, LEASE_MS } from './testing/fixture.ts'

const request = { workerName: 'pool', containerName: 'c1', taskTypes: ['command' as const], capabilities: [], max: 1 }
const next = { request, scope: {} }

/** A queue on a D1 that answers a read only after something else happened. */
async function slowFixture() {
	const { db } = await createFixture()
	let meanwhile = async (): Promise<void> => undefined
	const answer = async <Answer>(rows: Promise<Answer>): Promise<Answer> => {
		const read = await rows
		const happens = meanwhile
		meanwhile = async () => undefined
		await happens()
		return read
	}
	const slow: typeof db = { ...db, first: (query) => answer(db.first(query)), all: (query) => answer(db.all(query)) }
	const fixture = await createFixture({}, { db: slow })
	return { ...fixture, onceRead: (happens: () => Promise<void>) => void (meanwhile = happens) }
}

describe('complete and claim in one call', () => {
	it('stores the result and takes the next task', async () => {
		const { submit, claimOne, queue, log } = await createFixture()
		const [first, second] = [await submit(), await submit()]
		const { leaseToken } = await claimOne()
		const answer = await queue.complete(first.taskId, { leaseToken, output: { n: 1 }, next })
		expect(answer).toMatchObject({ status: 'completed', output: { n: 1 }, next: [{ task: { taskId: second.taskId, assignedTo: 'pool:c1' } }] })
		expect(await log()).toEqual(['queue.submitted', 'queue.submitted', 'queue.claimed', 'queue.completed', 'queue.claimed'])
		expect(await queue.complete(first.taskId, { leaseToken, output: { n: 1 }, next })).toMatchObject({ status: 'completed', next: [] })
	})

	it('takes what the result has just set free', async () => {
		const { submit, claimOne, queue } = await createFixture({}, { maxRunning: 1 })
		const first = await submit()
		const second = await submit({ dependsOn: [first.taskId] })
		const { leaseToken } = await claimOne()
		expect((await queue.complete(first.taskId, { leaseToken, output: {}, next })).next).toMatchObject([{ task: { taskId: second.taskId } }])
	})

	it('claims nothing when the lease is lost', async () => {
		const { submit, claimOne, queue, clock } = await createFixture()
		const first = await submit()
		const second = await submit({ priority: -1 })
		const { leaseToken } = await claimOne()
		clock.now += LEASE_MS
		await expect(queue.complete(first.taskId, { leaseToken, output: {}, next })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(await queue.get(second.taskId)).toMatchObject({ status: 'pending', attempt: 0 })
	})

	it('does not trust what this isolate knew when it handed the task out', async () => {
		const { db, submit, claim, queue, clock, evidence } = await createFixture()
		await submit()
		await submit()
		const [first, second] = await claim({ max: 2 })
		if (!first || !second) throw new Error('nothing to claim')
		await db.run(sql.updateTable('container_tasks').set({ lease_token: 'of another isolate' }))
		await expect(queue.complete(first.task.taskId, { leaseToken: first.leaseToken, output: {}, next })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		const { results } = await queue.completeMany([{ taskId: second.task.taskId, leaseToken: second.leaseToken, output: {} }], {})
		expect(results).toMatchObject([{ task: null, error: { code: 'LEASE_LOST' } }])
		expect(await evidence()).toHaveLength(2)
		clock.now += 1
		expect(await queue.get(first.task.taskId)).toMatchObject({ status: 'assigned', output: null })
	})

	it('takes a result under a lease that was lengthened since the task was handed out, and shows it to its owner only', async () => {
		const { submit, claimOne, queue, clock } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		clock.now += LEASE_MS - 1
		await queue.heartbeat(taskId, { leaseToken })
		clock.now += 2
		await expect(queue.complete(taskId, { leaseToken, output: {} }, 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		expect(await queue.complete(taskId, { leaseToken, output: { n: 1 } })).toMatchObject({ status: 'completed', output: { n: 1 } })
	})

	it('takes a result whose lease is lengthened while the task is read', async () => {
		const { submit, claimOne, queue, clock, onceRead } = await slowFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		clock.now += LEASE_MS - 2
		await queue.heartbeat(taskId, { leaseToken })
		clock.now += LEASE_MS - 1
		onceRead(async () => {
			await queue.heartbeat(taskId, { leaseToken })
			clock.now += 2
		})
		expect(await queue.complete(taskId, { leaseToken, output: { n: 1 } })).toMatchObject({ status: 'completed', output: { n: 1 } })
	})

	it('does not hold a result to what this isolate knew when other tasks were slow to read', async () => {
		const { submit, claimOne, queue, clock, onceRead } = await slowFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		clock.now += LEASE_MS - 1
		await queue.heartbeat(taskId, { leaseToken })
		onceRead(async () => void (clock.now += 2))
		const { results } = await queue.completeMany([{ taskId: 'CTK-0', leaseToken, output: {} }, { taskId, leaseToken, output: { n: 1 } }], {})
		expect(results).toMatchObject([{ error: { code: 'CONTAINER_TASK_NOT_FOUND' } }, { error: null, task: { status: 'completed', output: { n: 1 } } }])
	})

	it('reads nothing first where it handed the task out itself', async () => {
		const calls: string[] = []
		const { db } = await createFixture()
		const counted = { ...db, first: (...args: Parameters<typeof db.first>) => (calls.push('first'), db.first(...args)), batch: (...args: Parameters<typeof db.batch>) => (calls.push('batch'), db.batch(...args)) } as typeof db
		const { submit, claimOne, queue } = await createFixture({}, { db: counted })
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		calls.length = 0
		await expect(queue.complete(taskId, { leaseToken, output: {} }, 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		expect(calls).toEqual(['first'])
		await submit()
		const again = await claimOne()
		calls.length = 0
		await queue.complete(again.task.taskId, { leaseToken: again.leaseToken, output: {}, next })
		expect(calls).toEqual(['batch'])
	})

	it('clears away a lapsed lease on the way', async () => {
		const { submit, claimOne, queue, clock } = await createFixture()
		const [lapses, done] = [await submit({ priority: 1 }), await submit()]
		await claimOne()
		clock.now += LEASE_MS - 1
		const { leaseToken } = await claimOne()
		clock.now += 1
		expect((await queue.complete(done.taskId, { leaseToken, output: {}, next })).next).toMatchObject([{ task: { taskId: lapses.taskId, attempt: 2 } }])
	})
})

describe('complete many', () => {
	it('stores each result for itself, and claims', async () => {
		const { submit, claim, queue, settled, evidence } = await createFixture()
		for (let n = 0; n < 6; n++) await submit()
		const [a, b, c] = await claim({ max: 3 })
		if (!a || !b || !c) throw new Error('nothing to claim')
		await queue.complete(b.task.taskId, { leaseToken: b.leaseToken, output: { from: 'before' } })
		const report = (claimed: typeof a, leaseToken = claimed.leaseToken) => ({ taskId: claimed.task.taskId as string, leaseToken, output: { from: 'many' } })
		const reports = [report(a), report(b), report(c, 'lease_x'), { ...report(a), taskId: 'CTK-0' }, report(c), report(a)]
		const { results, next: taken } = await queue.completeMany(reports, { next: { ...next, request: { ...request, max: 2 } } })
		expect(results.map((result) => result.error?.code ?? result.task?.output?.['from'])).toEqual(['many', 'before', 'LEASE_LOST', 'CONTAINER_TASK_NOT_FOUND', 'many', 'many'])
		expect(results.map(({ taskId }) => taskId)).toEqual(reports.map(({ taskId }) => taskId))
		expect(taken).toHaveLength(2)
		expect(settled).toHaveLength(3)
		expect(await evidence()).toHaveLength(1)
	})

	it('does not take the reports of others', async () => {
		const { submit, claimOne, queue } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const { results, next: taken } = await queue.completeMany([{ taskId, leaseToken, output: {} }], { owner: 'other' })
		expect([results[0]?.error?.code, taken]).toEqual(['CONTAINER_TASK_NOT_FOUND', []])
		expect(await queue.get(taskId)).toMatchObject({ status: 'assigned' })
	})

	it('stores fifty at once', async () => {
		const { queue, claim } = await createFixture()
		await queue.submitMany(Array.from({ length: 50 }, () => ({ taskType: 'command' })), { workerName: 'w' })
		const claimed = await claim({ max: 50 })
		const { results } = await queue.completeMany(claimed.map(({ task, leaseToken }) => ({ taskId: task.taskId, leaseToken, output: { id: task.taskId } })), {})
		expect(results.every(({ taskId, task }) => task?.output?.['id'] === taskId)).toBe(true)
		expect((await queue.summary()).counts).toEqual({ pending: 0, assigned: 0, running: 0, completed: 50, failed: 0 })
	})

	it('stores with each what came with it: long outputs, progress, what the listener collected', async () => {
		const collected = (taskId: string) => appendLog({ source: 'test', operation: `collected ${taskId}`, workerName: 'w', at: 1 })
		const { submit, queue, claim, log, settled } = await createFixture({ collect: async (task, output) => ({ output, statements: [collected(task.taskId)] }) })
		const tasks = [await submit(), await submit(), await submit(), await submit()]
		const last = await submit({ dependsOn: tasks.map(({ taskId }) => taskId) })
		const claimed = await claim({ max: 4 })
		const text = 'long "'.repeat(30_000)
		const reports = claimed.map(({ task, leaseToken }, n) => ({ taskId: task.taskId, leaseToken, output: { n, text }, progress: [{ at: n, kind: 'message' as const, text: `did ${n}` }] }))
		const { results, next: taken } = await queue.completeMany(reports, { next })
		expect(results.map((result) => result.task?.output)).toEqual(reports.map(({ output }) => output))
		for (const { taskId, output } of reports) expect(await queue.get(taskId)).toMatchObject({ status: 'completed', output, completedAt: 1_000_000, leaseExpiresAt: null, error: null })
		expect(taken).toMatchObject([{ task: { taskId: last.taskId } }])
		const lines = await log()
		expect(lines.filter((operation) => operation === 'queue.completed')).toHaveLength(4)
		expect(lines.filter((operation) => operation === 'agent.message')).toHaveLength(4)
		expect(lines.filter((operation) => operation.startsWith('collected'))).toEqual(tasks.map(({ taskId }) => `collected ${taskId}`))
		expect(settled).toHaveLength(4)
		expect((await queue.summary()).workers).toMatchObject([{ workerName: 'agent-factory', running: 1 }])
	})

	it('stores the others when the lease of one is lost in this moment', async () => {
		const fixture = await createFixture({
			collect: async (_task, output) => {
				if (output['who'] === 'second') await fixture.queue.complete(first.task.taskId, { leaseToken: first.leaseToken, output: { who: 'faster' } })
				return { output, statements: [] }
			},
		})
		const { submit, claimOne, queue, log, settled } = fixture
		await submit()
		await submit()
		const [first, second] = [await claimOne(), await claimOne()]
		const { results } = await queue.completeMany([{ ...first, taskId: first.task.taskId, output: { who: 'first' } }, { ...second, taskId: second.task.taskId, output: { who: 'second' } }], {})
		expect(results.map(({ task }) => task?.output?.['who'])).toEqual(['faster', 'second'])
		expect((await log()).filter((operation) => operation === 'queue.completed')).toHaveLength(2)
		expect(settled).toHaveLength(2)
	})
})

describe('the output of a command', () => {
	const run = async (output: Record<string, unknown>, more = {}) => {
		const fixture = await createFixture({}, more)
		const { taskId } = await fixture.submit()
		const { leaseToken } = await fixture.claimOne()
		return { ...fixture, taskId, leaseToken, complete: () => fixture.queue.complete(taskId, { leaseToken, output }) }
	}

	it('keeps exit code and the ends of both streams, and the whole of a long one apart', async () => {
		const stdout = `begin${'x'.repeat(300_000)}end`
		const { complete, queue, taskId } = await run({ exitCode: 3, stdout, stderr: 'short', timedOut: false })
		const { output } = await complete()
		expect(output).toMatchObject({ exitCode: 3, stderr: 'short', timedOut: false, stdoutChars: stdout.length, stdoutKey: `container-tasks/${taskId}/1-stdout.txt` })
		expect(output?.['stdout']).toBe(stdout.slice(-64 * 1024))
		expect((await queue.get(taskId)).output).toEqual(output)
		expect((await queue.list()).items[0]?.output).toEqual(output)
		expect(await queue.stream(taskId, 'stdout')).toBe(stdout)
		expect(await queue.stream(taskId, 'stderr')).toBe('short')
		await expect(queue.stream(taskId, 'stdout', 'other')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		await env.OUTPUTS.delete(`container-tasks/${taskId}/1-stdout.txt`)
		await expect(queue.stream(taskId, 'stdout')).rejects.toMatchObject({ code: 'NOT_FOUND' })
	})

	it('cannot point at the streams of another task', async () => {
		await env.OUTPUTS.put('container-tasks/CTK-1/1-stdout.txt', 'theirs')
		const { complete, queue, taskId } = await run({ exitCode: 0, stdoutKey: 'container-tasks/CTK-1/1-stdout.txt' })
		expect((await complete()).output).toEqual({ exitCode: 0 })
		await expect(queue.stream(taskId, 'stdout')).rejects.toMatchObject({ code: 'NOT_FOUND' })
	})

	it.each([{ exitCode: 'zero' }, { exitCode: 1.5 }, { stdout: 7 }, { stderr: null }])('is refused as %j, and kept as evidence', async (output) => {
		const { complete, queue, taskId, leaseToken, evidence } = await run(output)
		await expect(complete()).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		expect(await evidence()).toHaveLength(1)
		expect(await queue.fail(taskId, { leaseToken, error: { code: 'X', message: 'x', retryable: false }, output })).toMatchObject({ status: 'failed', output })
	})

	it('holds no secret that is known, nor do errors, progress and evidence', async () => {
		const secret = 'key-of-codex-0123456789'
		const redact = createRedactor(() => [secret, 'short'])
		const { complete, queue, taskId, leaseToken, db, submit, claimOne, evidence } = await run({ exitCode: 0, stdout: `${'y'.repeat(70_000)} ${secret} short`, nested: [{ [secret]: secret }] }, { redact })
		await queue.heartbeat(taskId, { leaseToken, progress: [{ at: 1, kind: 'tool', text: `curl -H ${secret}` }] })
		await complete()
		expect(await queue.stream(taskId, 'stdout')).toMatch(/ \[redacted\] short$/)
		const other = await submit()
		const lease = await claimOne()
		await expect(queue.complete(other.taskId, { leaseToken: 'lease_x', output: { said: secret, patchSet: { block: secret } } })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(await evidence()).toMatchObject([{ body: `{"output":{"said":"[redacted]","patchSet":{"block":"${secret}"}}}` }])
		await queue.fail(other.taskId, { leaseToken: lease.leaseToken, error: { code: 'X', message: `no ${secret}`, retryable: true } })
		await queue.cancel(other.taskId, `because of ${encodeURIComponent(secret)}`)
		const { sql } = await import('../../database/client.ts')
		for (const table of ['container_tasks', 'operation_logs'] as const) expect(JSON.stringify(await db.all(sql.selectFrom(table).selectAll()))).not.toContain(secret)
	})
})
