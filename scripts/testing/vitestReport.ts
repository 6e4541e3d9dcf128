import type { SuiteResult } from './totals.ts'

/** What we read of the file that vitest's JSON reporter writes. */
export interface VitestReport {
	testResults: {
		name: string
		status: string
		message?: string
		assertionResults: { fullName: string; status: string }[]
	}[]
}

/**
 * Counts a run. What fails outside a test (a file that does not load, an unhandled error, a run without tests or without a
 * report) counts as one failure with its reason, so that no run is green by accident.
 */
export function readVitestReport(report: VitestReport | undefined, outcome: { status: number; output: string }): SuiteResult {
	const files = report?.testResults ?? []
	const tests = files.flatMap((file) => file.assertionResults)
	const count = (status: string) => tests.filter((test) => test.status === status).length
	const skippedNames = tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName)
	const passed = count('passed')
	const problems = files
		.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'))
		.map((file) => `${file.name}: ${firstLine(file.message) || 'failed outside its tests'}`)
	const failedTests = count('failed')
	if (!report) problems.push('vitest wrote no report')
	else if (tests.length === 0 && problems.length === 0) problems.push('no test ran')
	else if (outcome.status !== 0 && failedTests + problems.length === 0) problems.push(`vitest ended with status ${outcome.status} although no test failed`)
	return { passed, failed: failedTests + problems.length, skipped: skippedNames.length, skippedNames, problems, output: outcome.output }
}

const firstLine = (text: string | undefined) => (text ?? '').split('\n')[0]?.trim() ?? ''
