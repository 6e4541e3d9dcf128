import { describe, expect, it } from 'vitest'
import { createTestServices, ORDER, ORIGIN } from '../../../test/support/services.ts'
import { changeExecution } from '../../database/repositories/executions.ts'
import { handOver } from './handover.ts'

const SET = 'PST-0000000000000007'
const DOWN = { code: 'PROVIDER_ERROR', message: 'down' }

async function failed({ patchSetId = SET as string | null, diffOf = async () => '+half\n', prompt = ORDER.prompt as string } = {}) {
	const services = createTestServices({ diffOf })
	const { executionId } = await services.orders.create({ ...ORDER, prompt }, ORIGIN)
	await services.db.run(changeExecution({ executionId: executionId ?? '', at: Date.now(), change: { base_commit: 'b'.repeat(40), ...(patchSetId === null ? {} : { patch_data: patchSetId }) } }))
	return { ...services, execution: await services.executions.mustFind(executionId ?? '') }
}

describe('what an agent had made before it failed', () => {
	it('goes to the one that takes over, who says so', async () => {
		const { settlement, executions, execution } = await failed()
		const { nextExecutionId } = await settlement.fail(execution.executionId, DOWN)
		const next = await executions.mustFind(nextExecutionId ?? '')
		expect(next.input.prompt).toMatch(/^Fix the adder\n\n# What another agent had begun\n\nclaude worked on this task .* on commit b{40}; .*```diff\n\+half\n```$/s)
		expect(next.route.reason).toContain(`claude failed with PROVIDER_ERROR and left ${SET}, which is handed over; `)
	})

	it('goes on to the one after that, when the next leaves nothing', async () => {
		const { settlement, executions, execution, db } = await failed()
		const second = (await settlement.fail(execution.executionId, DOWN)).nextExecutionId ?? ''
		const third = (await settlement.fail(second, DOWN)).nextExecutionId ?? ''
		expect((await executions.mustFind(third)).input.prompt).toBe((await executions.mustFind(second)).input.prompt)
		expect((await executions.mustFind(third)).route.reason).not.toContain('handed over')
		await db.run(changeExecution({ executionId: third, at: Date.now(), change: { patch_data: SET } }))
		const { prompt } = await handOver(await executions.mustFind(third), ORDER.prompt, async () => '+newer\n')
		expect(prompt).toContain('+newer')
		expect(prompt).not.toContain('+half')
	})

	it('is left out when there is nothing, when it cannot be read, and when the task leaves no room', async () => {
		const nothing = await failed({ patchSetId: null })
		expect(await handOver(nothing.execution, 'Do it', () => expect.unreachable('nothing to read'))).toEqual({ prompt: ORDER.prompt, patchSetId: null })
		const { execution } = await failed()
		expect(await handOver(execution, 'Do it', async () => Promise.reject(new Error('gone')))).toEqual({ prompt: ORDER.prompt, patchSetId: null })
		expect(await handOver(execution, 'x'.repeat(99_900), async () => '+half\n')).toEqual({ prompt: ORDER.prompt, patchSetId: null })
	})

	it('is cut where it is long, and its fence cannot be closed by what is in it', async () => {
		const { execution } = await failed()
		const { prompt } = await handOver(execution, 'Do it', async () => `+\`\`\`\`\n${'+x\n'.repeat(50_000)}`)
		expect(prompt.length).toBeLessThan(32_000)
		expect(prompt).toMatch(/\n`````diff\n\+````\n/)
		expect(prompt).toMatch(/\n`````\n\(cut\)$/)
		expect((await handOver(execution, 'x'.repeat(95_000), async () => '+y\n'.repeat(50_000))).prompt.length).toBeLessThanOrEqual(100_000)
	})
})
