import type { Check } from '../checks/check.ts'
import { errorsDocCheck } from '../checks/errorsDoc.ts'
import { layoutCheck } from '../checks/layout.ts'
import { migrationsCheck } from '../checks/migrations.ts'
import { boundariesCheck, lintCheck, typesCheck, unusedCheck } from '../checks/tools.ts'
import { workersCheck } from '../checks/workers.ts'
import { wranglerBaseCheck } from '../checks/wranglerBase.ts'
import { ROOT } from '../lib/root.ts'
import { inParallel } from '../lib/run.ts'

const CHECKS: Check[] = [typesCheck, lintCheck, layoutCheck, boundariesCheck, wranglerBaseCheck, errorsDocCheck, migrationsCheck, unusedCheck, workersCheck]

/** Runs the checks, one line each; the names given run alone. */
export async function run(args: string[]): Promise<number> {
	const unknown = args.filter((name) => !CHECKS.some((check) => check.name === name))
	if (unknown.length > 0) {
		console.error(`There is no check "${unknown.join('", "')}". The checks: ${CHECKS.map(({ name }) => name).join(', ')}.`)
		return 2
	}
	const asked = CHECKS.filter(({ name }) => args.length === 0 || args.includes(name))
	const results = await inParallel(asked, 2, runCheck)
	const failed = asked.filter((_, index) => !results[index]).map(({ name }) => name)
	console.log(failed.length === 0 ? `\nall ${asked.length} checks pass` : `\n${failed.length} of ${asked.length} checks fail: ${failed.join(', ')}`)
	return failed.length === 0 ? 0 : 1
}

async function runCheck(check: Check): Promise<boolean> {
	const startedAt = performance.now()
	const { problems, note } = await check.run(ROOT).catch((error: unknown) => ({ problems: [`the check itself failed: ${String(error)}`], note: undefined }))
	const isGood = problems.length === 0
	const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
	const lines = [`${isGood ? 'ok  ' : 'FAIL'} ${check.name.padEnd(14)} ${seconds.padStart(5)} s  ${isGood ? (note ?? '') : `${check.remedy}`}`.trimEnd()]
	console.log([...lines, ...problems.map((problem) => problem.replace(/^/gm, '     '))].join('\n'))
	return isGood
}
