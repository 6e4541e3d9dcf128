import type { SuiteResult } from './totals.ts'

/** Counts what `python3 -m unittest -v` printed. Without its summary the whole run is one failure. */
export function readPythonReport(outcome: { status: number; output: string }): SuiteResult {
	const { output, status } = outcome
	const ran = Number(/^Ran (\d+) tests? in /m.exec(output)?.[1] ?? Number.NaN)
	if (Number.isNaN(ran)) {
		return { passed: 0, failed: 1, skipped: 0, skippedNames: [], problems: [`python3 -m unittest gave no summary (status ${status})`], output }
	}
	const detail = /^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$/m.exec(output)?.[1] ?? ''
	const figure = (name: string) => Number(new RegExp(`(?:^|, )${name}=(\\d+)`).exec(detail)?.[1] ?? 0)
	const failed = figure('failures') + figure('errors') + figure('unexpected successes')
	const skipped = figure('skipped')
	const skippedNames = [...output.matchAll(/^(.+) \.\.\. skipped/gm)].map((match) => match[1] ?? '')
	const problems = []
	if (ran === 0) problems.push('no test ran')
	else if (status !== 0 && failed === 0) problems.push(`python3 -m unittest ended with status ${status} although no test failed`)
	return { passed: Math.max(0, ran - failed - skipped), failed: failed + problems.length, skipped, skippedNames, problems, output }
}
