import { env } from 'cloudflare:workers'
import { ClaimRequest } from '@shared/contracts'
import type { ClaimedTask } from '@shared/contracts'
import type { TaskInput } from '@shared/container-task-queue'
import type { z } from 'zod'
import { createDatabase, sql } from '../../../database/client.ts'
import { createIds } from '../../ids.ts'
import { createOutputStore } from '../outputStore.ts'
import type { TaskListener } from '../taskListener.ts'
import type { TaskQueueDeps } from '../context.ts'
import { createTaskQueue } from '../taskQueue.ts'

export const LEASE_MS = 30_000
export const origin = { workerName: 'agent-factory' }

/** A queue on the test's D1 and R2 with a clock that only the test moves. `listener` replaces what a test looks at. */
export async function createFixture(listener: Partial<TaskListener> = {}, more: Partial<TaskQueueDeps> = {}) {
	const db = createDatabase(env.DB)
	await db.batch([sql.deleteFrom('container_tasks'), sql.deleteFrom('container_task_evidence'), sql.deleteFrom('container_task_dependencies'), sql.deleteFrom('container_task_plans'), sql.deleteFrom('container_task_shares'), sql.deleteFrom('operation_logs')])
	const clock = { now: 1_000_000 }
	const settled: string[] = []
	const queue = createTaskQueue({
		db,
		now: () => clock.now,
		ids: createIds((length) => crypto.getRandomValues(new Uint8Array(length))),
		leaseMs: LEASE_MS,
		outputs: createOutputStore(env.OUTPUTS),
		sleep: async (ms) => {
			clock.now += ms
		},
		listener: {
			grant: async () => null,
			shouldCancel: async () => null,
			collect: async (_task, output) => ({ output, statements: [] }),
			settled: async (task) => {
				settled.push(`${task.taskId} ${task.status} ${task.outcome ?? '-'}`)
			},
			...listener,
		},
		...more,
	})
	const claim = (request: Partial<z.input<typeof ClaimRequest>> = {}) => queue.claim(ClaimRequest.parse({ workerName: 'pool', containerName: 'c1', ...request }))
	return {
		db,
		clock,
		queue,
		settled,
		submit: (input: Partial<TaskInput> = {}) => queue.submit({ taskType: 'command', command: ['true'], ...input }, origin),
		claim,
		async claimOne(): Promise<ClaimedTask> {
			const [task] = await claim()
			if (!task) throw new Error('nothing to claim')
			return task
		},
		/** Operations of the log, oldest first. */
		async log(): Promise<string[]> {
			return (await db.all(sql.selectFrom('operation_logs').select('operation').orderBy('id'))).map((line) => line.operation)
		},
		evidence: () => db.all(sql.selectFrom('container_task_evidence').selectAll().orderBy('id')),
	}
}
