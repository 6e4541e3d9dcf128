import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { sql } from '../../database/client.ts'
import { callsOfExecutionQuery, gatewayExecutionQuery, holdBudget } from '../../database/repositories/gatewayCalls.ts'
import { executionLogQuery } from '../../database/repositories/operationLogs.ts'
import { callsOf, createTestGateway, db, executionRow, executionToken, seedExecution } from './testing/gatewayHarness.ts'

const MESSAGES = 'claude/v1/messages'
const COST = 50_000
/** Costs 50,000 micro-USD. */
const answer = () => Response.json({ type: 'message', model: 'claude-sonnet-5', usage: { input_tokens: 25_000, output_tokens: 0 } })

describe('a budget', () => {
	it('holds the expected cost while a call is in flight, and gives it back', async () => {
		const id = await seedExecution({ budgetMicroUsd: COST, model: 'claude-sonnet-5' })
		const gateway = createTestGateway({ upstream: answer })
		const response = await gateway.call(MESSAGES, { token: await executionToken(id), body: 'x'.repeat(20_000) })
		expect(await executionRow(id)).toMatchObject({ cost_micro_usd: 0, held_micro_usd: 20_000 })
		await response.text()
		await gateway.settled()
		expect(await executionRow(id)).toMatchObject({ cost_micro_usd: COST, held_micro_usd: 0 })
	})

	it('that is used up ends the execution, with the reason for the CLI, the heartbeat and the log', async () => {
		const id = await seedExecution({ budgetMicroUsd: 2 * COST, model: 'claude-sonnet-5' })
		const token = await executionToken(id)
		const gateway = createTestGateway({ upstream: answer })
		for (let n = 0; n < 2; n++) {
			const response = await gateway.call(MESSAGES, { token })
			expect(response.status).toBe(200)
			await response.text()
			await gateway.settled()
		}
		const response = await gateway.call(MESSAGES, { token })
		expect([response.status, await response.json()]).toEqual([
			402,
			{ type: 'error', error: { type: 'billing_error', message: 'BUDGET_EXCEEDED: The budget of 0.1000 USD is used up: 0.1000 USD spent.' } },
		])
		expect(await executionRow(id)).toMatchObject({ cost_micro_usd: 2 * COST, held_micro_usd: 0, cancel_reason: expect.stringMatching(/^BUDGET_EXCEEDED: /) })
		expect((await gateway.call(MESSAGES, { token })).status).toBe(402)
		expect(gateway.sent).toHaveLength(2)
		expect(await db.all(executionLogQuery(id, 0, 10))).toEqual([expect.objectContaining({ operation: 'budget.stop', level: 'warn' })])
	})
})

describe('calls side by side', () => {
	it('cannot all pass the same check: each holds its share until it is settled', async () => {
		const id = await seedExecution({ budgetMicroUsd: 60_000, model: 'claude-sonnet-5' })
		const token = await executionToken(id)
		const release = Promise.withResolvers<void>()
		const gateway = createTestGateway({
			upstream: async () => {
				await release.promise
				return answer()
			},
		})
		// Each is expected to cost 20,000 (5,000 tokens in, 1,000 out), so three of twenty fit.
		const calls = Array.from({ length: 20 }, () => gateway.call(MESSAGES, { token, body: 'x'.repeat(20_000) }))
		const first = await Promise.race(calls)
		expect([first.status, first.headers.get('retry-after')]).toEqual([429, '5'])
		release.resolve()
		const statuses = await Promise.all(calls.map(async (call) => {
			const response = await call
			await response.text()
			return response.status
		}))
		await gateway.settled()
		expect(statuses.filter((status) => status === 200)).toHaveLength(3)
		expect(await executionRow(id)).toMatchObject({ cost_micro_usd: 3 * COST, held_micro_usd: 0, model_calls: 3, cancel_reason: null })
	})

	it('go on when a hold is released', async () => {
		const id = await seedExecution({ budgetMicroUsd: COST + 1, model: 'claude-sonnet-5' })
		const token = await executionToken(id)
		const body = 'x'.repeat(120_000)
		const waiting = Promise.withResolvers<void>()
		const gateway = createTestGateway({
			upstream: () => Response.json({ type: 'message', model: 'claude-sonnet-5', usage: { input_tokens: 1, output_tokens: 1 } }),
			sleep: async () => waiting.resolve(),
		})
		const first = await gateway.call(MESSAGES, { token, body })
		const second = gateway.call(MESSAGES, { token, body })
		await waiting.promise
		await first.text()
		expect((await second).status).toBe(200)
		await (await second).text()
		await gateway.settled()
		expect(await callsOf(id)).toHaveLength(2)
	})
})

it('cannot be kept with a model of unknown price: the call after that one is refused', async () => {
	const id = await seedExecution({ budgetMicroUsd: 1_000_000 })
	const token = await executionToken(id)
	const gateway = createTestGateway({ upstream: () => Response.json({ type: 'message', model: 'claude-unheard-of', usage: { input_tokens: 1, output_tokens: 1 } }) })
	await (await gateway.call(MESSAGES, { token })).text()
	await gateway.settled()
	const response = await gateway.call(MESSAGES, { token })
	expect([response.status, await response.text()]).toEqual([402, expect.stringContaining('MODEL_UNPRICED')])
	expect(await executionRow(id)).toMatchObject({ cancel_reason: expect.stringMatching(/^MODEL_UNPRICED: /), held_micro_usd: 0 })
})

it('does not matter to an execution without one', async () => {
	const id = await seedExecution({ costMicroUsd: 10 ** 9, unpricedCalls: 4 })
	const gateway = createTestGateway({ upstream: answer })
	await (await gateway.call(MESSAGES, { token: await executionToken(id) })).text()
	await gateway.settled()
	expect(await executionRow(id)).toMatchObject({ cost_micro_usd: 10 ** 9 + COST, held_micro_usd: 0 })
})

it('releases what it held when the provider fails', async () => {
	const id = await seedExecution({ budgetMicroUsd: COST })
	const gateway = createTestGateway({ upstream: () => Promise.reject(new Error('down')) })
	await gateway.call(MESSAGES, { token: await executionToken(id) })
	await gateway.settled()
	expect(await executionRow(id)).toMatchObject({ held_micro_usd: 0, cost_micro_usd: 0, model_calls: 1 })
})

it('is kept and read by indexes', async () => {
	const queries = [gatewayExecutionQuery('EXE-1'), holdBudget({ executionId: 'EXE-1', microUsd: 1, at: 1 }), callsOfExecutionQuery('EXE-1', 10), sql.selectFrom('gateway_calls').select('id').where('execution_id', '=', 'x')]
	for (const query of queries) {
		const { sql: text, parameters } = query.compile()
		const { results } = await env.DB.prepare(`explain query plan ${text}`).bind(...parameters).all<{ detail: string }>()
		expect(results.map((row) => row.detail).join()).toMatch(/USING (COVERING )?INDEX/)
	}
})
