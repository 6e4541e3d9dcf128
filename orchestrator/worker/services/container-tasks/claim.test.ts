import { AppError } from '@shared/contracts'
import { describe, expect, it, vi } from 'vitest'
import { createFixture, LEASE_MS } from './testing/fixture.ts'

describe('claim', () => {
	it('takes the highest priority first, then the oldest, and leases each under its own token', async () => {
		const { queue, submit, claim, log } = await createFixture()
		const [low, oldHigh, newHigh] = [await submit(), await submit({ priority: 5 }), await submit({ priority: 5 })]
		const claimed = await claim({ max: 3 })
		expect(claimed.map((entry) => entry.task.taskId)).toEqual([oldHigh.taskId, newHigh.taskId, low.taskId])
		expect(new Set(claimed.map((entry) => entry.leaseToken)).size).toBe(3)
		expect(claimed[0]).toMatchObject({ leaseMs: LEASE_MS, leaseExpiresAt: 1_000_000 + LEASE_MS, grant: null, task: { status: 'assigned', attempt: 1, assignedTo: 'pool:c1', assignedAt: 1_000_000 } })
		expect(await queue.get(low.taskId)).toEqual(claimed[2]?.task)
		expect(await log()).toEqual(['queue.submitted', 'queue.submitted', 'queue.submitted', 'queue.claimed', 'queue.claimed', 'queue.claimed'])
		expect(await claim()).toEqual([])
	})

	it('gives each of 50 tasks to exactly one of 50 concurrent claimers', async () => {
		const { queue, claim } = await createFixture()
		await queue.submitMany(Array.from({ length: 50 }, () => ({ taskType: 'command' })), { workerName: 'w' })
		const claims = await Promise.all(Array.from({ length: 100 }, (_, index) => claim({ containerName: `c${index}` })))
		const taken = claims.flat().map((entry) => entry.task.taskId)
		expect(taken).toHaveLength(50)
		expect(new Set(taken).size).toBe(50)
	})

	it('gives one task to one of 50 concurrent claimers', async () => {
		const { submit, claim } = await createFixture()
		await submit()
		const claims = await Promise.all(Array.from({ length: 50 }, () => claim({ max: 50 })))
		expect(claims.filter((tasks) => tasks.length > 0)).toHaveLength(1)
	})

	it.each([
		{ name: 'a capability the runner lacks', input: { requires: 'claude' }, request: { capabilities: ['codex'] }, count: 0 },
		{ name: 'a capability, to a runner without any', input: { requires: 'claude' }, request: {}, count: 0 },
		{ name: 'a capability the runner has', input: { requires: 'claude' }, request: { capabilities: ['codex', 'claude'] }, count: 1 },
		{ name: 'another container', input: { containerName: 'c2' }, request: {}, count: 0 },
		{ name: 'this container', input: { containerName: 'c1' }, request: {}, count: 1 },
		{ name: 'another Worker\'s runners', input: { targetWorker: 'other' }, request: {}, count: 0 },
		{ name: 'this Worker\'s runners', input: { targetWorker: 'pool' }, request: {}, count: 1 },
		{ name: 'this container of another Worker', input: { targetWorker: 'other', containerName: 'c1' }, request: {}, count: 0 },
		{ name: 'this container of this Worker', input: { targetWorker: 'pool', containerName: 'c1', requires: 'codex' }, request: { capabilities: ['codex'] }, count: 1 },
		{ name: 'another task type', input: {}, request: { taskTypes: ['validate' as const] }, count: 0 },
		{ name: 'fifty capabilities', input: { requires: 'cap-49' }, request: { capabilities: Array.from({ length: 50 }, (_, n) => `cap-${n}`), max: 50 }, count: 1 },
	])('a task for $name: $count', async ({ input, request, count }) => {
		const { submit, claim } = await createFixture()
		await submit(input)
		expect(await claim(request)).toHaveLength(count)
	})

	it('keeps to the tasks of one Worker, or to one task, when told to', async () => {
		const { queue, submit } = await createFixture()
		const [mine, other] = [await submit(), await queue.submit({ taskType: 'command', priority: 9 }, { workerName: 'other' })]
		const request = { workerName: 'w', containerName: 'c', taskTypes: ['command' as const], capabilities: [], waitMs: 0, max: 10 }
		expect((await queue.claim(request, { owner: 'agent-factory' })).map((entry) => entry.task.taskId)).toEqual([mine.taskId])
		expect(await queue.claim(request, { owner: 'agent-factory', taskId: other.taskId })).toEqual([])
		expect((await queue.claim(request, { taskId: other.taskId })).map((entry) => entry.task.taskId)).toEqual([other.taskId])
	})

	it('takes what comes within a second of asking', async () => {
		const { submit, claim } = await createFixture()
		const waiting = claim({ waitMs: 30_000 })
		await submit()
		expect(await waiting).toHaveLength(1)
	})

	describe('that waits', () => {
		/** A claim that has looked and found nothing, and sleeps until it is woken. */
		async function waitingClaim() {
			const fixture = await createFixture({}, { sleep: () => new Promise(() => undefined) })
			const batch = vi.spyOn(fixture.db, 'batch')
			const waiting = fixture.claim({ waitMs: 30_000 })
			await vi.waitFor(() => expect(batch.mock.settledResults).toMatchObject([{ type: 'fulfilled' }]))
			await new Promise((resolve) => setTimeout(resolve, 5))
			batch.mockClear()
			return { ...fixture, batch, waiting }
		}

		it('is made in the batch that stores what it wants', async () => {
			const { submit, waiting, batch, log } = await waitingClaim()
			const { taskId } = await submit()
			expect(await waiting).toMatchObject([{ task: { taskId, status: 'assigned', attempt: 1 } }])
			expect(batch).toHaveBeenCalledTimes(1)
			expect(await log()).toEqual(['queue.submitted', 'queue.claimed'])
		})

		it('goes on waiting when that batch fails', async () => {
			const { submit, waiting, batch } = await waitingClaim()
			batch.mockRejectedValueOnce(new Error('database away'))
			await expect(submit()).rejects.toThrow('database away')
			const { taskId } = await submit()
			expect(await waiting).toMatchObject([{ task: { taskId, attempt: 1 } }])
		})

		it('is left alone by what it may not take, or may not take yet', async () => {
			const { submit, waiting, batch, queue } = await waitingClaim()
			const { taskId } = await submit({ containerName: 'another' })
			await submit({ delayMs: 60_000 })
			expect(batch.mock.calls.map(([statements]) => statements.length)).toEqual([2, 2])
			expect(await queue.get(taskId)).toMatchObject({ status: 'pending', attempt: 0 })
			const wanted = await submit()
			expect(await waiting).toMatchObject([{ task: { taskId: wanted.taskId } }])
		})
	})

	it('leaves what comes later to the next claim: whoever waited may be gone', async () => {
		const { queue, submit, claim, clock } = await createFixture()
		const waiting = claim({ waitMs: 30_000 })
		clock.now += 1000
		const { taskId } = await submit()
		expect(await waiting).toEqual([])
		expect(await queue.get(taskId)).toMatchObject({ status: 'pending', attempt: 0 })
		expect(await claim()).toHaveLength(1)
	})

	it('waits no longer than asked', async () => {
		const { claim, clock } = await createFixture()
		const start = clock.now
		expect(await claim({ waitMs: 700 })).toEqual([])
		expect(clock.now - start).toBe(700)
	})

	it('stops waiting for a claimer that is gone', async () => {
		const { queue, submit } = await createFixture()
		const gone = new AbortController()
		const waiting = queue.claim({ workerName: 'w', containerName: 'c', taskTypes: ['command'], capabilities: [], waitMs: 30_000, max: 1 }, { signal: gone.signal })
		gone.abort()
		const { taskId } = await submit()
		expect(await waiting).toEqual([])
		expect(await queue.get(taskId)).toMatchObject({ status: 'pending', attempt: 0 })
	})

	it('ends the attempt of a task that gets no grant, and tries again where that can help', async () => {
		const { submit, claim, queue, settled } = await createFixture({
			grant: async (task) => {
				if (task.priority === 1) throw new AppError('SECRET_MISSING', 'CURSOR_API_KEY is not set.')
				throw new TypeError('secret text')
			},
		})
		const [hopeless, unlucky] = [await submit({ priority: 1 }), await submit()]
		expect(await claim({ max: 2 })).toEqual([])
		expect(await queue.get(hopeless.taskId)).toMatchObject({ status: 'failed', outcome: 'error', error: { code: 'SECRET_MISSING' } })
		expect(await queue.get(unlucky.taskId)).toMatchObject({ status: 'pending', error: { code: 'INTERNAL', message: expect.not.stringContaining('secret') } })
		expect(settled).toEqual([`${hopeless.taskId} failed error`])
	})
})
