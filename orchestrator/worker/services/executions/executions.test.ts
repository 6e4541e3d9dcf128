import { isAppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createTestServices, ORDER, ORIGIN } from '../../../test/support/services.ts'

async function codeOf(work: () => Promise<unknown>): Promise<string> {
	try {
		await work()
	} catch (error) {
		return isAppError(error) ? error.code : String(error)
	}
	return 'nothing was refused'
}

async function started(options: Parameters<typeof createTestServices>[0] = {}, change: object = {}) {
	const services = createTestServices(options)
	const created = await services.orders.create({ ...ORDER, ...change }, ORIGIN)
	const executionId = created.executionId ?? ''
	return { ...services, ...created, executionId }
}

describe('executions', () => {
	it('allows one live execution of a task, however many ask at once', async () => {
		const { orders, executions } = createTestServices()
		const { taskId } = await orders.create({ ...ORDER, execute: false }, ORIGIN)
		const results = await Promise.allSettled(Array.from({ length: 8 }, () => executions.execute(taskId, undefined, ORIGIN)))
		expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
		expect(await codeOf(() => executions.execute(taskId, undefined, ORIGIN))).toBe('TASK_BUSY')
	})

	it('assigns without starting, and keeps every decision as history', async () => {
		const { orders, executions, sent } = createTestServices()
		const { taskId } = await orders.create({ ...ORDER, execute: false }, ORIGIN)
		const route = await executions.assign(taskId, 'claude', ORIGIN)
		expect(route).toMatchObject({ provider: 'claude', mode: 'manual', chain: [] })
		await executions.execute(taskId, undefined, ORIGIN)
		const history = await executions.assignmentHistory(taskId)
		expect(history.map((assignment) => assignment.status)).toEqual(['assigned', 'executing'])
		expect(sent).toHaveLength(1)
	})

	it('refuses a provider that has no key, naming the secret', async () => {
		const { orders, executions } = createTestServices({ keys: ['CODEX_API_KEY'] })
		const { taskId } = await orders.create({ ...ORDER, execute: false }, ORIGIN)
		await expect(executions.execute(taskId, 'claude', ORIGIN)).rejects.toThrow(/CLAUDE_API_KEY/)
		expect(await codeOf(() => executions.execute('TSK-1', undefined, ORIGIN))).toBe('TASK_NOT_FOUND')
	})

	it('cancels once, keeps the first reason, and refuses to cancel what has ended', async () => {
		const { executions, settlement, executionId, interrupted } = await started()
		await executions.cancel(executionId, 'enough', ORIGIN)
		await executions.cancel(executionId, 'really', ORIGIN)
		expect(interrupted).toEqual([executionId, executionId])
		expect((await executions.mustFind(executionId)).cancelReason).toBe('enough')
		await settlement.fail(executionId, { code: 'EXECUTION_CANCELLED', message: 'enough' })
		expect(await executions.get(executionId)).toMatchObject({ status: 'cancelled', nextExecutionId: null })
		expect(await codeOf(() => executions.cancel(executionId, 'again', ORIGIN))).toBe('EXECUTION_NOT_ACTIVE')
	})
})

describe('settlement', () => {
	it('completes execution, task and order together, once', async () => {
		const { executions, settlement, orders, executionId, orderId } = await started()
		await settlement.complete(executionId, 'c'.repeat(40))
		await settlement.fail(executionId, { code: 'INTERNAL', message: 'late' })
		expect(await executions.get(executionId)).toMatchObject({ status: 'completed', phase: 'settled', landedCommit: 'c'.repeat(40), error: null })
		expect(await orders.get(orderId)).toMatchObject({ status: 'completed', commit: 'c'.repeat(40), tasks: [{ status: 'completed' }] })
	})

	it('falls back to the next provider of the chain, and never to one that was tried', async () => {
		const { executions, settlement, orders, executionId, orderId, sent } = await started({ keys: ['CODEX_API_KEY', 'CLAUDE_API_KEY'] })
		const first = await executions.get(executionId)
		const { nextExecutionId } = await settlement.fail(executionId, { code: 'PROVIDER_ERROR', message: 'down' })
		const next = await executions.get(nextExecutionId ?? '')
		expect(next).toMatchObject({ status: 'queued', attempt: 2, route: { mode: 'fallback', reason: expect.stringContaining('PROVIDER_ERROR') } })
		expect(next.provider).not.toBe(first.provider)
		expect(sent.map((message) => message.execution_id)).toEqual([executionId, nextExecutionId])
		expect(await orders.get(orderId)).toMatchObject({ status: 'open', tasks: [{ status: 'running', executionId: nextExecutionId }] })
		expect(await settlement.fail(nextExecutionId ?? '', { code: 'NO_CHANGES', message: 'nothing' })).toEqual({ nextExecutionId: null })
		expect(await orders.get(orderId)).toMatchObject({ status: 'failed', tasks: [{ status: 'failed', error: { code: 'NO_CHANGES' } }] })
	})

	it('says the same thing when a step that fell back is run again', async () => {
		const { settlement, executionId, sent } = await started()
		const once = await settlement.fail(executionId, { code: 'PROVIDER_ERROR', message: 'down' })
		expect(await settlement.fail(executionId, { code: 'PROVIDER_ERROR', message: 'down' })).toEqual(once)
		expect(sent).toHaveLength(2)
	})

	it.each([
		['a provider that was named', { provider: 'codex' }, 'PROVIDER_ERROR'],
		['a refused patch', {}, 'PATCH_POLICY'],
		['a budget', {}, 'BUDGET_EXCEEDED'],
		['failed commands', {}, 'VALIDATION_FAILED'],
	])('does not fall back from %s', async (_name, change, code) => {
		const { settlement, orders, executionId, orderId } = await started({}, change)
		expect(await settlement.fail(executionId, { code, message: 'no' })).toEqual({ nextExecutionId: null })
		expect((await orders.get(orderId)).status).toBe('failed')
	})

	it('tells a person about a failure that no other provider can mend', async () => {
		const { settlement, executionId, taskId, db } = await started()
		await settlement.fail(executionId, { code: 'PATCH_STALE', message: 'the branch moved' })
		const { sql } = await import('../../database/client.ts')
		expect(await db.all(sql.selectFrom('followups').selectAll().where('task_uuid', '=', taskId))).toEqual([expect.objectContaining({ type: 'review', status: 'open', note: expect.stringContaining('PATCH_STALE') })])
	})
})

describe('waiting for an execution', () => {
	it('answers when the phase changes, and at once when it has', async () => {
		const { executions, settlement, executionId } = await started()
		expect(await executions.get(executionId, { waitMs: 20_000, seenPhase: 'dispatch' })).toMatchObject({ phase: 'queued' })
		const waiting = executions.get(executionId, { waitMs: 20_000, seenPhase: 'queued' })
		await settlement.complete(executionId, 'c'.repeat(40))
		expect(await waiting).toMatchObject({ phase: 'settled', status: 'completed' })
		expect(await executions.get(executionId, { waitMs: 20_000, seenPhase: 'settled' })).toMatchObject({ phase: 'settled' })
	})
	it('waits no longer than asked', async () => {
		const { executions, executionId } = await started()
		expect(await executions.get(executionId, { waitMs: 50, seenPhase: 'queued' })).toMatchObject({ phase: 'queued' })
	})
})
