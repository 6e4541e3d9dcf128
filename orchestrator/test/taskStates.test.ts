import { describe, expect, it } from 'vitest'
import { ClaimRequest, isAppError } from '@shared/contracts'
import type { ContainerTaskStatus } from '@shared/contracts'
import { nextStatus } from '@shared/container-task-queue'
import type { TaskEvent } from '@shared/container-task-queue'
import { createFixture, LEASE_MS } from '../worker/services/container-tasks/testing/fixture.ts'

const STATUSES: readonly ContainerTaskStatus[] = ['pending', 'assigned', 'running', 'completed', 'failed']
const error = { code: 'AGENT_FAILED', message: 'no', retryable: false }
const pairs = <Event extends TaskEvent>(events: readonly Event[]) => STATUSES.flatMap((status) => events.map((event) => ({ status, event })))

/** A task of a real queue that has come to `status`, what to do to it, and where it then is. */
async function bring(status: ContainerTaskStatus) {
	const { queue, submit, claim, clock } = await createFixture()
	const { taskId } = await submit({ maxAttempts: 3 })
	// A task that nobody holds knows no token; what comes with one that was made up is refused.
	const [leaseToken = 'made-up'] = status === 'pending' ? [] : (await claim()).map((task) => task.leaseToken)
	const does: Record<Exclude<TaskEvent, 'strand'> | 'lapse', () => Promise<unknown>> = {
		claim: () => queue.claim(ClaimRequest.parse({ workerName: 'pool', containerName: 'c2' }), { taskId }),
		heartbeat: () => queue.heartbeat(taskId, { leaseToken }),
		requeue: () => queue.fail(taskId, { leaseToken, error: { ...error, retryable: true } }),
		complete: () => queue.complete(taskId, { leaseToken, output: {} }),
		fail: () => queue.fail(taskId, { leaseToken, error }),
		cancel: () => queue.cancel(taskId, 'not needed'),
		lapse: () => {
			clock.now += LEASE_MS
			return queue.requeueLapsed()
		},
	}
	if (status === 'running') await does.heartbeat()
	if (status === 'completed') await does.complete()
	if (status === 'failed') await does.fail()
	const read = async () => (await queue.get(taskId)).status
	expect(await read()).toBe(status)
	return { does, read }
}

describe('the SQL of the queue and its state machine', () => {
	it.each(pairs(['claim', 'heartbeat', 'requeue', 'complete', 'fail', 'cancel']))('agree on $event in $status', async ({ status, event }) => {
		const { does, read } = await bring(status)
		const answer = await does[event]().catch((thrown: unknown) => thrown)
		if (answer instanceof Error) expect(isAppError(answer)).toBe(true)
		expect(await read()).toBe(nextStatus(status, event) ?? status)
	})

	it.each(STATUSES.map((status) => ({ status })))('agree on a lease that ran out in $status', async ({ status }) => {
		const { does, read } = await bring(status)
		await does.lapse()
		expect(await read()).toBe(nextStatus(status, 'requeue') ?? status)
	})

	it('agree on what becomes of a task when another that it waits for has failed', async () => {
		const { queue, claimOne } = await createFixture()
		const [first, second] = await queue.submitMany([{ taskType: 'command', key: 'first' }, { taskType: 'command', dependsOn: ['first'] }], { workerName: 'w' })
		const { task, leaseToken } = await claimOne()
		expect([first?.taskId, second?.status]).toEqual([task.taskId, 'pending'])
		await queue.fail(task.taskId, { leaseToken, error })
		expect((await queue.get(second?.taskId ?? '')).status).toBe(nextStatus('pending', 'strand'))
	})
})
