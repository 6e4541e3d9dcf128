import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { inParallel, run } from '../lib/run.ts'
import { readPythonReport } from './pythonReport.ts'
import type { Suite } from './suite.ts'
import { sum } from './totals.ts'
import type { SuiteResult } from './totals.ts'
import { readVitestReport } from './vitestReport.ts'
import type { VitestReport } from './vitestReport.ts'

const TIMEOUT_MS = 15 * 60_000

/** Runs the tests of one package to their end; a failure is in the result, never thrown. */
export async function runSuite(root: string, suite: Suite): Promise<SuiteResult & { durationMs: number }> {
	if (suite.files.length === 0) {
		return { passed: 0, failed: 1, skipped: 0, skippedNames: [], problems: ['the package has no test file'], output: '', durationMs: 0 }
	}
	return suite.kind === 'python' ? runPython(root, suite) : runVitest(root, suite)
}

async function runVitest(root: string, suite: Suite) {
	const folder = mkdtempSync(join(tmpdir(), 'vibehq-test-'))
	const reportFile = join(folder, 'report.json')
	try {
		const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...(suite.isWhole ? [] : suite.files)]
		const outcome = await run('vitest', args, { cwd: join(root, suite.directory), timeoutMs: TIMEOUT_MS, env: { NO_COLOR: '1' } })
		return { ...readVitestReport(readReport(reportFile), outcome), durationMs: outcome.durationMs }
	} finally {
		rmSync(folder, { recursive: true, force: true })
	}
}

function readReport(path: string): VitestReport | undefined {
	try {
		return JSON.parse(readFileSync(path, 'utf8'))
	} catch {
		return undefined
	}
}

/** Test files import their helpers from the folder they stand in, and the program from the folder of the suite. */
async function runPython(root: string, suite: Suite) {
	const home = join(root, suite.directory)
	const byFolder = Map.groupBy(suite.files, (file) => dirname(file))
	const results = await inParallel([...byFolder], 1, async ([folder, files]) => {
		const args = ['-m', 'unittest', '-v', ...files.map((file) => basename(file))]
		const outcome = await run('python3', args, { cwd: join(home, folder), timeoutMs: TIMEOUT_MS, env: { PYTHONPATH: home, PYTHONDONTWRITEBYTECODE: '1' } })
		return { ...readPythonReport(outcome), durationMs: outcome.durationMs }
	})
	return {
		...sum(results),
		skippedNames: results.flatMap(({ skippedNames }) => skippedNames),
		problems: results.flatMap(({ problems }) => problems),
		output: results.map(({ output }) => output).join('\n'),
		durationMs: results.reduce((total, { durationMs }) => total + durationMs, 0),
	}
}
