// What dies, gets lost, comes twice or too late: the work goes on, lands once, and the log says what happened.
import { dirname } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ClaimedTask, ContainerTask } from '@shared/contracts'
import { RequestRefused } from '@shared/testing/stack'
import { query } from './support/books.ts'
import { guardSecrets } from './support/canary.ts'
import { derivedConfig } from './support/derivedConfig.ts'
import { createGate, until } from './support/gate.ts'
import { moveBranch } from './support/hostedRepository.ts'
import { processesWith } from './support/processes.ts'
import { startQueueSender } from './support/queueSender.ts'
import { outputWith, runnerByHand } from './support/runnerByHand.ts'
import { linesOf, place, sharedStack, tempFolder } from './support/stack.ts'
import type { SettledOrder, Stack } from './support/stack.ts'

const LEASE_MS = 2000
const STEP = { write: { path: 'done.txt', content: 'done\n' } }
const LANDED = { 'README.md': 'hello\n', 'done.txt': 'done\n' }

const counts = (settled: SettledOrder, ...operations: string[]) => operations.map((operation) => linesOf(settled.log, operation).length)

/** One landing, one commit on the base, and the tree that the agent wrote. */
async function expectOneLanding(settled: SettledOrder, tree: Record<string, string> = LANDED): Promise<void> {
	expect(settled.execution).toMatchObject({ status: 'completed', error: null, attempt: 1 })
	expect(settled.executions).toHaveLength(1)
	expect(counts(settled, 'patch-set.landed', 'patch.landed', 'execution.completed')).toEqual([1, 1, 1])
	const landed = await settled.clone()
	expect(await landed.git('rev-list', '--count', `${settled.base.commit}..HEAD`)).toBe('1')
	expect(await landed.tree()).toEqual(tree)
}

describe('runners that come and go', () => {
	const shared = sharedStack({ runners: 0, vars: { LEASE_MS: String(LEASE_MS) } })
	guardSecrets(shared)

	describe('a lease that lapsed', () => {
		let settled: SettledOrder
		let first: ClaimedTask
		let second: ClaimedTask
		let answers: ContainerTask[]
		let refusal: unknown

		beforeAll(async () => {
			const { stack } = shared
			const placed = await place(stack, { provider: 'codex', scenario: {} })
			const [one, two] = [await runnerByHand(stack, 'hand-1'), await runnerByHand(stack, 'hand-2')]
			first = await one.claim()
			second = await two.claim()
			answers = [
				await two.complete(second, await outputWith(second, 'of the second\n')),
				await two.complete(second, await outputWith(second, 'of the second\n')),
				await two.complete(second, await outputWith(second, 'changed my mind\n')),
			]
			refusal = await one.complete(first, await outputWith(first, 'of the first\n')).catch((error: unknown) => error)
			await Promise.all(['runner-1', 'runner-2', 'runner-3'].map((name) => stack.addRunner(name)))
			settled = await placed.settled()
		})

		it('goes to the next runner that asks', () => {
			expect(second.task).toMatchObject({ taskId: first.task.taskId, attempt: 2, assignedTo: 'local:hand-2' })
			expect(second.leaseToken).not.toBe(first.leaseToken)
			expect(linesOf(settled.log, 'queue.lapsed')).toHaveLength(1)
		})

		it('is completed once; the same report again gets the same answer', () => {
			expect(answers[0]).toMatchObject({ status: 'completed', attempt: 2 })
			expect(answers[1]).toEqual(answers[0])
			expect(answers[2]).toEqual(answers[0])
			expect(linesOf(settled.log, 'queue.completed').filter((line) => line.details['taskId'] === first.task.taskId)).toHaveLength(1)
			expect(counts(settled, 'patch-set.stored')).toEqual([1])
		})

		it('refuses the late report, and keeps it', async () => {
			expect(refusal).toBeInstanceOf(RequestRefused)
			expect(refusal).toMatchObject({ status: 409, body: { code: 'LEASE_LOST', retryable: false, details: { status: 'completed' } } })
			const rows = query<{ kind: string; reason: string; body: string }>(shared.stack, 'SELECT * FROM container_task_evidence WHERE task_id = ?', first.task.taskId)
			expect(rows).toMatchObject([{ kind: 'complete', reason: 'LEASE_LOST' }])
			expect(rows[0]?.body).toContain('of the first')
			expect(counts(settled, 'queue.report-refused')).toEqual([1])
		})

		it('lands what the holder of the lease handed in', async () => {
			await expectOneLanding(settled, { 'README.md': 'hello\n', 'done.txt': 'of the second\n' })
		})
	})

	describe.concurrent('while an agent works', () => {
		it('another runner does the work again when its runner is killed', async () => {
			const { stack } = shared
			const gate = createGate(stack, 'kill')
			const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, STEP] } })
			const before = await gate.reached(placed)
			const victim = stack.runners.find(({ name }) => name === before.runner) ?? expect.unreachable(`there is no ${before.runner}`)
			victim.kill()
			const after = await gate.reached(placed, before)
			expect(after.runner).not.toBe(before.runner)
			// Without a wall around it the agent outlives its runner; what it still does reaches nobody.
			before.open()
			await until('no process of the killed runner is left', () => (processesWith(dirname(before.folder)).length === 0 ? true : undefined), 20_000)
			after.open()
			const settled = await placed.settled()
			await expectOneLanding(settled)
			const claims = linesOf(settled.log, 'queue.claimed').map(({ details }) => [details['taskType'], details['attempt'], details['assignedTo']])
			expect(claims.slice(0, 2)).toEqual([
				['agent-run', 1, `local:${before.runner}`],
				['agent-run', 2, `local:${after.runner}`],
			])
			expect(linesOf(settled.log, 'queue.lapsed')).toMatchObject([{ level: 'warn', details: { attempt: 1 } }])
			await stack.addRunner(before.runner)
		})

		it('a branch that moved meanwhile keeps what somebody else did, and gets the work on top', async () => {
			const { stack } = shared
			const gate = createGate(stack, 'agent')
			const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, STEP] } })
			const waiting = await gate.reached(placed)
			const moved = await moveBranch(stack, placed.base, `factory/${placed.orderId}`)
			waiting.open()
			await expectOnTopOf(moved, await placed.settled(), { candidates: 1 })
		})

		it('the same holds for a branch that moves while the candidate is validated: the next candidate is validated anew', async () => {
			const { stack } = shared
			const gate = createGate(stack, 'validation')
			const placed = await place(stack, { provider: 'codex', validate: [gate.shell], scenario: { steps: [STEP] } })
			const first = await gate.reached(placed)
			const moved = await moveBranch(stack, placed.base, `factory/${placed.orderId}`)
			first.open()
			const second = await gate.reached(placed, first)
			second.open()
			await expectOnTopOf(moved, await placed.settled(), { candidates: 2 })
		})

		it('a message that comes twice starts nothing twice', async () => {
			const { stack } = shared
			const sender = await startQueueSender(stack)
			try {
				const gate = createGate(stack, 'duplicate')
				const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, STEP] } })
				const waiting = await gate.reached(placed)
				const message = { task_id: placed.taskId, execution_id: placed.executionId, provider: 'codex', factory: 'local', cli_command: ['codex'], env_vars: [] }
				await sender.send(message)
				await until('the repeated message is logged', async () => (linesOf(await stack.client.log(placed.executionId), 'queue.duplicate').length > 0 ? true : undefined), 20_000)
				waiting.open()
				const settled = await placed.settled()
				await expectOneLanding(settled)
				expect(counts(settled, 'queue.duplicate', 'workspace.ready', 'execution.dispatched')).toEqual([1, 1, 1])
			} finally {
				await sender.stop()
			}
		})
	})

	/** Landed on `moved`, which somebody else put on the branch, after so many candidates of which each was validated. */
	async function expectOnTopOf(moved: string, settled: SettledOrder, { candidates }: { candidates: number }): Promise<void> {
		expect(settled.execution).toMatchObject({ status: 'completed', error: null, attempt: 1 })
		expect(settled.executions).toHaveLength(1)
		expect(counts(settled, 'patch.candidate', 'patch-set.validated', 'patch-set.landed')).toEqual([candidates, candidates, 1])
		const landed = await settled.clone()
		expect(await landed.git('rev-parse', 'HEAD~1')).toBe(moved)
		expect(await landed.git('rev-parse', 'HEAD')).toBe(settled.execution.landedCommit)
		expect(await landed.tree()).toEqual(LANDED)
	}
})

describe('an orchestrator that dies', () => {
	const shared = sharedStack({ runners: 1, vars: { LEASE_MS: '30000', SWEEP_IDLE_MS: '1' } })
	guardSecrets(shared)

	it('goes on where it was; the agent never notices', async () => {
		const { stack } = shared
		const gate = createGate(stack, 'restart')
		const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, STEP] } })
		const waiting = await gate.reached(placed)
		// The first of them is the CLI itself; it starts others that come and go.
		const [agent] = processesWith(dirname(waiting.folder), 'codex')
		await stack.restartOrchestrator()
		const [survivor] = processesWith(dirname(waiting.folder), 'codex')
		waiting.open()
		expect(agent).toBeDefined()
		expect(survivor).toBe(agent)
		const settled = await placed.settled()
		await expectOneLanding(settled)
		expect(counts(settled, 'agent.session', 'queue.lapsed', 'workspace.ready', 'execution.dispatched')).toEqual([1, 0, 1, 1])
		expect(linesOf(settled.log, 'queue.claimed').map(({ details }) => details['attempt'])).toEqual([1, 1])
	})

	it('is told again of an order whose queue message died with it', async () => {
		const { stack } = shared
		// Without a consumer a message waits in the queue, and is gone with the process.
		await stack.restartOrchestrator({ config: withoutConsumers(stack) })
		const placed = await place(stack, { provider: 'codex', scenario: { steps: [STEP] } })
		await stack.restartOrchestrator()
		expect((await stack.client.execution(placed.executionId)).status).toBe('queued')
		expect(await stack.client.sweep()).toBe(true)
		const settled = await placed.settled()
		await expectOneLanding(settled)
		expect(linesOf(settled.log, 'sweeper.requeued')).toMatchObject([{ level: 'warn', details: { why: 'no Workflow instance exists: its queue message was lost' } }])
	})
})

const withoutConsumers = (stack: Stack): string => derivedConfig(tempFolder(stack), (config) => delete config.queues.consumers)
