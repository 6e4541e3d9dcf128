import { availableParallelism } from 'node:os'
import { parseSwitches } from '../lib/arguments.ts'
import { listFiles } from '../lib/files.ts'
import { ROOT } from '../lib/root.ts'
import { inParallel } from '../lib/run.ts'
import { listPackages } from '../lib/workspace.ts'
import { bringInAgents, needsAgents } from '../testing/agentCLIs.ts'
import { runSuite } from '../testing/runSuite.ts'
import { findSuites, selectSuites, startsAgents } from '../testing/suite.ts'
import type { Suite } from '../testing/suite.ts'
import { sum, totalsLine } from '../testing/totals.ts'
import type { SuiteResult } from '../testing/totals.ts'

// As many as there are cores: some run two files at a time, and what starts whole systems misses its deadlines where too much waits for a core.
const WIDTH = Math.min(3, availableParallelism())

/** Roughly how long a suite takes: whole systems and real CLIs take as long as a dozen files of unit tests. */
const weightOf = ({ files }: Suite) => files.reduce((sum, file) => sum + (startsAgents(file) ? 12 : 1), 0)

/** Runs the tests; the last line is the sum over all packages. */
export async function run(args: string[]): Promise<number> {
	const asked = parseSwitches(args, ['unit'], 'npm test -- [--unit] [package or part of a file path ...]')
	if (!asked) return 2
	const suites = selectSuites(findSuites(listPackages(ROOT), listFiles(ROOT)), { filters: asked.words, isUnitOnly: asked.isOn('unit') })
	if (suites.length === 0) {
		console.error(`No package and no test file matches ${asked.words.join(', ')}.`)
		return 1
	}
	// The longest first, so that nothing long is left for the end.
	const ordered = suites.toSorted((a, b) => weightOf(b) - weightOf(a))
	const agents = ordered.some(needsAgents) ? bringInAgents((line) => console.error(`setup: ${line}`)) : undefined
	const results = await inParallel(ordered, WIDTH, async (suite) => {
		if (needsAgents(suite)) await agents
		const result = await runSuite(ROOT, suite)
		report(suite, result)
		return result
	})
	const totals = sum(results)
	for (const name of results.flatMap((result) => result.skippedNames)) console.log(`skipped: ${name}`)
	console.log(`\n${totalsLine(totals)}`)
	return totals.failed === 0 ? 0 : 1
}

function report(suite: Suite, result: SuiteResult & { durationMs: number }) {
	console.log(`${suite.name.padEnd(32)} ${totalsLine(result).padEnd(36)} ${(result.durationMs / 1000).toFixed(1)} s`)
	for (const problem of result.problems) console.log(`  ${problem}`)
	if (result.failed > 0 && result.output !== '') console.log(result.output.replace(/^/gm, '  '))
}
