// A Worker that audits on a schedule: what it finds becomes one plan of container tasks, runners carry it out, and it reads what came of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskQueueClient } from '@shared/container-task-queue/client'
import type { ContainerTask, TaskPlan } from '@shared/contracts'
import { until } from './support/gate.ts'
import { startHealthAuditor } from './support/healthAuditor.ts'
import type { HealthAuditor } from './support/healthAuditor.ts'
import { sharedStack } from './support/stack.ts'

const shared = sharedStack({ runners: 2, runner: { extraArgs: ['--trust-host', '--concurrency', '2'] } })
const HOUR = Date.UTC(2026, 10, 20, 12)

describe('a scheduled health audit', () => {
	let auditor: HealthAuditor
	let plan: TaskPlan
	const taskOf = (key: string): ContainerTask => {
		const task = plan.tasks.find((each) => each.key === key)
		if (!task) throw new Error(`The plan has no task ${key}.`)
		return task
	}
	beforeAll(async () => {
		auditor = await startHealthAuditor(shared.stack)
		await auditor.audit(HOUR)
		plan = await until('the plan has ended', async () => {
			const now = await auditor.plan(HOUR)
			return now.status === 'open' ? undefined : now
		}, 60_000)
	})
	afterAll(async () => auditor?.stop())

	it('makes one plan of what it finds, a task for each Worker with an issue and a report', () => {
		expect(plan.tasks.map((task) => task.key)).toEqual(['report', 'billing', 'mail', 'images', 'reports', 'export'])
		expect(plan).toMatchObject({ status: 'failed', counts: { pending: 0, assigned: 0, running: 0, completed: 5, failed: 1 } })
		expect(plan.tasks.every(({ workerName, assignedTo }) => workerName === 'health-auditor' && assignedTo?.startsWith('local:'))).toBe(true)
	})

	it('has the results: exit code, and what was written to each stream', () => {
		expect(taskOf('billing')).toMatchObject({ status: 'completed', output: { exitCode: 0, stdout: 'repaired billing\n', stderr: '' } })
		expect(taskOf('mail')).toMatchObject({ output: { exitCode: 0, stdout: 'repaired mail\n', stderr: 'was slow\n' } })
		expect(taskOf('reports')).toMatchObject({ status: 'completed', output: { exitCode: 3, stdout: '', stderr: 'cannot repair reports\n' } })
		expect(taskOf('images')).toMatchObject({ status: 'failed', outcome: 'error', error: { code: 'CONTAINER_TASK_INVALID' } })
		expect(taskOf('export').output?.['stdout']).toMatch(/\n20000\n$/)
	})

	it('reports after all repairs have ended, though one failed', () => {
		const report = taskOf('report')
		expect(report).toMatchObject({ status: 'completed', output: { exitCode: 0, stdout: 'all looked at\n' } })
		const lastRepair = Math.max(...plan.tasks.flatMap(({ key, completedAt }) => (key === 'report' ? [] : [completedAt ?? Infinity])))
		expect(report.assignedAt).toBeGreaterThanOrEqual(lastRepair)
	})

	it('is one plan however often its hour is fired', async () => {
		await auditor.audit(HOUR)
		expect(await auditor.plan(HOUR)).toEqual(plan)
		const { items } = await shared.stack.client.containerTasks('limit=50')
		expect(items.filter(({ planId }) => planId === plan.planId)).toHaveLength(6)
	})

	it('shows the plan to its own Worker and to operators over REST, and to nobody else', async () => {
		const client = (token: string) => createTaskQueueClient({ baseURL: shared.stack.url, token, fetch })
		expect(await client(await shared.stack.mint('worker', 'auditor', 'health-auditor')).plan(plan.planId)).toEqual(plan)
		expect(await client(shared.stack.operatorToken).plan(plan.planId)).toEqual(plan)
		const stranger = client(await shared.stack.mint('worker', 'stranger', 'stranger'))
		await expect(stranger.plan(plan.planId)).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
		await expect(stranger.get(taskOf('billing').taskId)).rejects.toMatchObject({ code: 'CONTAINER_TASK_NOT_FOUND' })
	})
})
