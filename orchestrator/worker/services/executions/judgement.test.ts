import { describe, expect, it } from 'vitest'
import { containerTask } from '../../../test/support/services.ts'
import { agentFailure } from './judgement.ts'

describe('agentFailure', () => {
	it.each([
		['a completed run', containerTask(), null, undefined],
		['a cancel outranks success', containerTask(), 'enough', 'EXECUTION_CANCELLED'],
		['a budget has its own code', containerTask({ status: 'failed' }), 'BUDGET_EXCEEDED: used up', 'BUDGET_EXCEEDED'],
		['the runner\'s word', containerTask({ status: 'failed', error: { code: 'NO_CHANGES', message: 'm', retryable: false } }), null, 'NO_CHANGES'],
		['time', containerTask({ status: 'failed', outcome: 'timeout' }), null, 'AGENT_TIMEOUT'],
		['no word at all', containerTask({ status: 'failed' }), null, 'AGENT_FAILED'],
	] as const)('%s', (_name, task, reason, code) => {
		expect(agentFailure(task, reason, 0)?.code).toBe(code)
	})
	it('keeps how long the provider wants to be left alone', () => {
		const task = containerTask({ status: 'failed', error: { code: 'PROVIDER_RATE_LIMITED', message: 'm', retryable: false, retryAfterMs: 500 } })
		expect(agentFailure(task, null, 1000)?.retryAt).toBe(1500)
	})
})
