import { env } from 'cloudflare:workers'
import { AppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { createFixture, LEASE_MS } from './testing/fixture.ts'

const failure = { code: 'AGENT_FAILED', message: 'exit 1', retryable: true }

describe('complete', () => {
	it('stores the output, closes the task and tells the listener', async () => {
		const { submit, claimOne, queue, clock, settled, log } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		clock.now += 5
		const task = await queue.complete(taskId, { leaseToken, output: { exitCode: 0 } })
		expect(task).toMatchObject({ status: 'completed', outcome: null, output: { exitCode: 0 }, error: null, startedAt: 1_000_000, completedAt: 1_000_005, leaseExpiresAt: null, assignedTo: 'pool:c1' })
		expect(await queue.get(taskId)).toEqual(task)
		expect(settled).toEqual([`${taskId} completed -`])
		expect(await log()).toEqual(['queue.submitted', 'queue.claimed', 'queue.completed'])
	})

	it('answers the same report again with the stored task, even at the same time', async () => {
		const { submit, claimOne, queue, settled, evidence } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const answers = await Promise.all(Array.from({ length: 10 }, () => queue.complete(taskId, { leaseToken, output: { n: 1 } })))
		expect(new Set(answers.map((task) => JSON.stringify(task))).size).toBe(1)
		expect(await queue.complete(taskId, { leaseToken, output: { n: 2 } })).toMatchObject({ output: { n: 1 } })
		expect(settled).toHaveLength(1)
		expect(await evidence()).toEqual([])
	})

	it('keeps a late report as evidence, once, and does not apply it', async () => {
		const { submit, claimOne, queue, clock, evidence, log } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken: late } = await claimOne()
		clock.now += LEASE_MS
		const { leaseToken } = await claimOne()
		const refused = { code: 'LEASE_LOST', details: { evidenceId: expect.any(String), status: 'assigned' } }
		await expect(queue.complete(taskId, { leaseToken: late, output: { from: 'late' } })).rejects.toMatchObject(refused)
		await expect(queue.complete(taskId, { leaseToken: late, output: { from: 'late' } })).rejects.toMatchObject(refused)
		expect(await queue.get(taskId)).toMatchObject({ status: 'assigned', output: null })
		expect(await evidence()).toEqual([expect.objectContaining({ task_id: taskId, kind: 'complete', reason: 'LEASE_LOST', body: '{"output":{"from":"late"}}', object_key: null })])
		expect((await evidence())[0]?.lease_token_hash).not.toContain(late)
		expect(await queue.complete(taskId, { leaseToken, output: { from: 'holder' } })).toMatchObject({ output: { from: 'holder' } })
		expect((await log()).filter((operation) => operation === 'queue.report-refused')).toHaveLength(1)
	})

	it('refuses a lease that ran out even when nobody took the task over', async () => {
		const { submit, claimOne, queue, clock, evidence } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		clock.now += LEASE_MS
		await expect(queue.complete(taskId, { leaseToken, output: {} })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(await evidence()).toHaveLength(1)
	})

	it.each([
		{ name: 'no token, leased', closed: false, token: undefined, code: 'LEASE_REQUIRED' },
		{ name: 'no token, closed', closed: true, token: undefined, code: 'CONTAINER_TASK_CLOSED' },
		{ name: 'a made-up token', closed: false, token: 'lease_x', code: 'LEASE_LOST' },
		{ name: 'a made-up token, closed', closed: true, token: 'lease_x', code: 'LEASE_LOST' },
	])('refuses $name with $code', async ({ closed, token, code }) => {
		const { submit, claimOne, queue } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		if (closed) await queue.complete(taskId, { leaseToken, output: {} })
		await expect(queue.complete(taskId, { leaseToken: token, output: {} })).rejects.toMatchObject({ code })
	})

	it('refuses an unknown task, and a task of another Worker in the same words', async () => {
		const { submit, claimOne, queue } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const refused = { code: 'CONTAINER_TASK_NOT_FOUND' }
		await expect(queue.complete(taskId, { leaseToken, output: {} }, 'other')).rejects.toMatchObject(refused)
		await expect(queue.get(taskId, 'other')).rejects.toMatchObject(refused)
		await expect(queue.cancel(taskId, 'x', 'other')).rejects.toMatchObject(refused)
		await expect(queue.heartbeat(taskId, { leaseToken }, 'other')).rejects.toMatchObject(refused)
		await expect(queue.get('CTK-0', undefined)).rejects.toMatchObject(refused)
		expect((await queue.list({}, 'other')).items).toEqual([])
	})

	it('puts a big output into the bucket and reads it back', async () => {
		const { submit, claimOne, queue, db } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const output = { text: 'é'.repeat(1_500_000) }
		expect((await queue.complete(taskId, { leaseToken, output })).output).toEqual(output)
		expect((await queue.get(taskId)).output).toEqual(output)
		expect((await queue.complete(taskId, { leaseToken, output: {} })).output).toEqual(output)
		expect(await db.first(sql.selectFrom('container_tasks').select(['output', 'output_key']).where('task_id', '=', taskId))).toEqual({ output: null, output_key: `container-tasks/${taskId}/1.json` })
		await env.OUTPUTS.delete(`container-tasks/${taskId}/1.json`)
		expect((await queue.get(taskId)).output).toBeNull()
	})

	it('puts big evidence into the bucket', async () => {
		const { submit, queue, evidence } = await createFixture()
		const { taskId } = await submit()
		await expect(queue.fail(taskId, { leaseToken: 'lease_x', error: failure, output: { text: 'x'.repeat(600_000) } })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		const [kept] = await evidence()
		expect(kept?.body).toBeNull()
		expect(await queue.evidence(taskId)).toEqual([expect.objectContaining({ kind: 'fail', reason: 'LEASE_LOST', body: expect.objectContaining({ error: failure }) })])
		await expect(queue.evidence(taskId, 'somebody-else')).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		expect(await (await env.OUTPUTS.get(kept?.object_key ?? ''))?.json()).toMatchObject({ error: failure, output: { text: expect.stringContaining('xxx') } })
	})
})

describe('what the listener collects', () => {
	const line = (operation: string) => appendLog({ source: 'test', operation, workerName: 'w', at: 1 })

	it('is stored with the task, in one batch', async () => {
		const { submit, claimOne, queue, log } = await createFixture({
			collect: async (_task, { patchSet: _patchSet, ...output }) => ({ output, statements: [line('patch.stored')] }),
		})
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		expect((await queue.complete(taskId, { leaseToken, output: { patchSet: 'big', n: 1 } })).output).toEqual({ n: 1 })
		expect(await log()).toContain('patch.stored')
	})

	it('is not stored when the lease is lost while it collects', async () => {
		const fixture = await createFixture({
			collect: async (_task, output) => {
				fixture.clock.now += LEASE_MS
				await fixture.claimOne()
				return { output, statements: [line('patch.stored')] }
			},
		})
		const { taskId } = await fixture.submit()
		const { leaseToken } = await fixture.claimOne()
		await expect(fixture.queue.complete(taskId, { leaseToken, output: { n: 1 } })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(await fixture.log()).not.toContain('patch.stored')
		expect(await fixture.log()).not.toContain('queue.completed')
		expect(await fixture.queue.get(taskId)).toMatchObject({ status: 'assigned', attempt: 2, output: null })
		expect(await fixture.evidence()).toHaveLength(1)
	})

	it('fails the report whole when one of its statements fails, and the lease stays', async () => {
		const bad = sql.insertInto('workspaces').values({ id: 'same', kind: 'hosted', repository: 'r', default_branch: 'main', worker_name: 'w' })
		const { submit, claimOne, queue } = await createFixture({ collect: async (_task, output) => ({ output, statements: [bad, bad] }) })
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		await expect(queue.complete(taskId, { leaseToken, output: {} })).rejects.toThrow(/UNIQUE/)
		expect(await queue.get(taskId)).toMatchObject({ status: 'assigned' })
	})

	it('may refuse a report: it is kept as evidence and the lease stays', async () => {
		const { submit, claimOne, queue, evidence } = await createFixture({
			collect: async () => {
				throw new AppError('PATCH_INVALID', 'no such base')
			},
		})
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		await expect(queue.complete(taskId, { leaseToken, output: { n: 1 } })).rejects.toMatchObject({ code: 'PATCH_INVALID' })
		expect(await evidence()).toEqual([expect.objectContaining({ reason: 'PATCH_INVALID', body: '{"output":{"n":1}}' })])
		expect(await queue.fail(taskId, { leaseToken, error: { ...failure, retryable: false }, output: { n: 1 } })).toMatchObject({ status: 'failed', output: { n: 1 } })
	})

	it('does not hear what it threw after the end', async () => {
		const { submit, claimOne, queue, log } = await createFixture({
			settled: async () => {
				throw new Error('nobody home')
			},
		})
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		expect(await queue.complete(taskId, { leaseToken, output: {} })).toMatchObject({ status: 'completed' })
		expect(await log()).toContain('queue.listener-failed')
	})
})

describe('fail', () => {
	it('gives a retryable failure back to the queue after the wait it asked for', async () => {
		const { submit, claimOne, claim, queue, clock, settled } = await createFixture()
		const { taskId } = await submit()
		const { leaseToken } = await claimOne()
		const error = { ...failure, retryAfterMs: 4_000 }
		const task = await queue.fail(taskId, { leaseToken, error, output: { partial: true } })
		expect(task).toMatchObject({ status: 'pending', outcome: null, error, output: { partial: true }, completedAt: null })
		expect(await queue.fail(taskId, { leaseToken, error })).toEqual(task)
		clock.now += 3_999
		expect(await claim()).toEqual([])
		clock.now += 1
		expect(await claimOne()).toMatchObject({ task: { attempt: 2 } })
		expect(settled).toEqual([])
	})

	it.each([
		{ name: 'that no retry helps', error: { ...failure, retryable: false }, maxAttempts: 3 },
		{ name: 'of the last attempt', error: failure, maxAttempts: 1 },
	])('closes a task with a failure $name', async ({ error, maxAttempts }) => {
		const { submit, claimOne, queue, settled } = await createFixture()
		const { taskId } = await submit({ maxAttempts })
		const { leaseToken } = await claimOne()
		const task = await queue.fail(taskId, { leaseToken, error })
		expect(task).toMatchObject({ status: 'failed', outcome: 'error', error, output: null })
		expect(await queue.fail(taskId, { leaseToken, error })).toEqual(task)
		await expect(queue.complete(taskId, { leaseToken, output: {} })).rejects.toMatchObject({ code: 'LEASE_LOST' })
		expect(settled).toEqual([`${taskId} failed error`])
	})
})
