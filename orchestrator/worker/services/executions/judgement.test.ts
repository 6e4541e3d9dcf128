import { describe, expect, it } from 'vitest'
import { containerTask } from '../../../test/support/services.ts'
import { agentFailure, judgeValidation } from './judgement.ts'

const tree = 'a'.repeat(40)
const output = (change: object = {}) => ({ treeId: tree, agrees: true, engineError: null, commands: [], phasesMs: {}, ...change })
const command = (change: object = {}) => ({ command: 'npm test', exitCode: 0, durationMs: 1, timedOut: false, outputTail: '', ...change })

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

describe('judgeValidation', () => {
	it.each([
		['everything holds', containerTask({ output: output({ commands: [command()] }) }), undefined],
		['the engines disagree', containerTask({ output: output({ agrees: false }) }), 'PATCH_ENGINES_DISAGREE'],
		['the runner says they agree on another tree', containerTask({ output: output({ treeId: 'b'.repeat(40) }) }), 'PATCH_ENGINES_DISAGREE'],
		['a command fails', containerTask({ output: output({ commands: [command(), command({ exitCode: 1 })] }) }), 'VALIDATION_FAILED'],
		['a command runs out of time', containerTask({ output: output({ commands: [command({ exitCode: null, timedOut: true })] }) }), 'VALIDATION_FAILED'],
		['the result is not one', containerTask({ output: { fine: true } }), 'VALIDATION_FAILED'],
		['there is no result', containerTask({ output: null }), 'VALIDATION_FAILED'],
		['the task failed', containerTask({ status: 'failed', error: { code: 'RUNNER_LOST', message: 'm', retryable: true } }), 'RUNNER_LOST'],
	] as const)('%s', (_name, task, code) => {
		expect(judgeValidation(task, tree).failure?.code).toBe(code)
	})
	it('takes no evidence for a tree that is not known', () => {
		expect(judgeValidation(containerTask({ output: output() }), null).failure?.code).toBe('PATCH_ENGINES_DISAGREE')
	})
})
