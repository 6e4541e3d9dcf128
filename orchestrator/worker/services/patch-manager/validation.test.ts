import { describe, expect, it } from 'vitest'
import { containerTask } from '../../../test/support/services.ts'
import { judgeValidation } from './validation.ts'

const tree = 'a'.repeat(40)
const output = (change: object = {}) => ({ treeId: tree, baseTree: tree, agrees: true, engineError: null, commands: [], phasesMs: {}, ...change })
const command = (change: object = {}) => ({ command: 'npm test', exitCode: 0, durationMs: 1, timedOut: false, outputTail: '', base: null, verdict: 'passed', newFailures: [], ...change })

describe('judgeValidation', () => {
	it.each([
		['everything holds', containerTask({ output: output({ commands: [command()] }) }), undefined],
		['the engines disagree', containerTask({ output: output({ agrees: false }) }), 'PATCH_ENGINES_DISAGREE'],
		['the runner says they agree on another tree', containerTask({ output: output({ treeId: 'b'.repeat(40) }) }), 'PATCH_ENGINES_DISAGREE'],
		['a command fails', containerTask({ output: output({ commands: [command(), command({ exitCode: 1, verdict: 'new-failure' })] }) }), 'VALIDATION_FAILED'],
		['a command runs out of time', containerTask({ output: output({ commands: [command({ exitCode: null, timedOut: true, verdict: 'new-failure' })] }) }), 'VALIDATION_FAILED'],
		['the result is not one', containerTask({ output: { fine: true } }), 'VALIDATION_FAILED'],
		['there is no result', containerTask({ output: null }), 'VALIDATION_FAILED'],
		['the task failed', containerTask({ status: 'failed', error: { code: 'RUNNER_LOST', message: 'm', retryable: true } }), 'RUNNER_LOST'],
	] as const)('%s', (_name, task, code) => {
		expect(judgeValidation(task, tree).failure?.code).toBe(code)
	})
	it('takes no evidence for a tree that is not known', () => {
		expect(judgeValidation(containerTask({ output: output() }), '').failure?.code).toBe('PATCH_ENGINES_DISAGREE')
	})
	it('counts only what is new', () => {
		const base = { exitCode: 1, durationMs: 1, timedOut: false, outputTail: '' }
		const old = command({ exitCode: 1, verdict: 'pre-existing', base })
		const unclear = command({ command: 'make', exitCode: 2, verdict: 'inconclusive', base })
		expect(judgeValidation(containerTask({ output: output({ commands: [old] }) }), tree)).toMatchObject({ failure: null, inconclusive: [] })
		expect(judgeValidation(containerTask({ output: output({ commands: [old, unclear] }) }), tree)).toMatchObject({ failure: null, inconclusive: ['make'] })
		const fresh = command({ exitCode: 1, verdict: 'new-failure', base, newFailures: ['not ok - adds'] })
		expect(judgeValidation(containerTask({ output: output({ commands: [unclear, fresh] }) }), tree).failure?.message).toContain('not ok - adds')
	})
})
