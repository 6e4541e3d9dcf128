import { describe, expect, it } from 'vitest'
import { readPythonReport } from './pythonReport.ts'
import { sum, totalsLine } from './totals.ts'
import { readVitestReport } from './vitestReport.ts'

const file = (status: string, tests: string[], message?: string) => ({
	name: 'a.test.ts',
	status,
	...(message === undefined ? {} : { message }),
	assertionResults: tests.map((each, index) => ({ fullName: `test ${index}`, status: each })),
})
const vitest = (testResults: ReturnType<typeof file>[] | undefined, status: number) =>
	readVitestReport(testResults && { testResults }, { status, output: 'text' })

describe('readVitestReport', () => {
	it('counts tests', () => {
		expect(vitest([file('failed', ['passed', 'failed', 'skipped']), file('passed', ['passed', 'todo'])], 1)).toMatchObject({
			passed: 2, failed: 1, skipped: 2, skippedNames: ['test 2', 'test 1'], problems: [],
		})
	})

	it('counts a file that does not load as one failure', () => {
		expect(vitest([file('failed', [], 'Cannot find module x\n at y'), file('passed', ['passed'])], 1)).toMatchObject({
			passed: 1, failed: 1, problems: ['a.test.ts: Cannot find module x'],
		})
	})

	it('counts an unhandled error, a run without tests and a missing report as one failure each', () => {
		expect(vitest([file('passed', ['passed'])], 1)).toMatchObject({ passed: 1, failed: 1 })
		expect(vitest([], 0)).toMatchObject({ passed: 0, failed: 1, problems: ['no test ran'] })
		expect(vitest(undefined, 0)).toMatchObject({ failed: 1, problems: ['vitest wrote no report'] })
	})
})

const python = (output: string, status: number) => readPythonReport({ output, status })

describe('readPythonReport', () => {
	it('counts tests', () => {
		expect(python('test_a (t) ... ok\n\nRan 7 tests in 0.1s\n\nOK\n', 0)).toMatchObject({ passed: 7, failed: 0, skipped: 0 })
		expect(python('Ran 1 test in 0.1s\n\nOK (skipped=1)\n', 0)).toMatchObject({ passed: 0, failed: 0, skipped: 1 })
		expect(python('test_b (t.T) ... skipped \'x\'\nRan 9 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=1)\n', 1)).toMatchObject({
			passed: 5, failed: 3, skipped: 1, skippedNames: ['test_b (t.T)'],
		})
	})

	it('counts a run without a summary, without tests or with a bad status as a failure', () => {
		expect(python('could not run python3', 127)).toMatchObject({ passed: 0, failed: 1 })
		expect(python('Ran 0 tests in 0.0s\n\nNO TESTS RAN\n', 5)).toMatchObject({ passed: 0, failed: 1, problems: ['no test ran'] })
		expect(python('Ran 3 tests in 0.0s\n\nOK\n', 1)).toMatchObject({ passed: 3, failed: 1 })
	})
})

describe('totals', () => {
	it('adds up and prints the closing line', () => {
		const total = sum([{ passed: 2, failed: 0, skipped: 1 }, { passed: 3, failed: 1, skipped: 0 }])
		expect(totalsLine(total)).toBe('5 passed, 1 failed, 1 skipped')
		expect(totalsLine(sum([]))).toBe('0 passed, 0 failed')
	})
})
