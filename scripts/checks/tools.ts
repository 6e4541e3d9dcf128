import { run } from '../lib/run.ts'
import type { Check } from './check.ts'

const TIMEOUT_MS = 5 * 60_000

/** A check that is a program of its own: its exit status decides and its output tells why. */
function toolCheck(name: string, remedy: string, command: readonly [string, ...string[]]): Check {
	return {
		name,
		remedy,
		async run(root) {
			const [program, ...args] = command
			const { status, output } = await run(program, args, { cwd: root, timeoutMs: TIMEOUT_MS, env: { NO_COLOR: '1' } })
			return { problems: status === 0 ? [] : [output.trimEnd() || `${program} ended with status ${status}`] }
		},
	}
}

export const lintCheck = toolCheck('lint', '`npm run fix` repairs a part; the laws stand in CONTRIBUTING.md', ['oxlint', '--deny-warnings'])
export const typesCheck = toolCheck('types', 'run `npx tsc -p .` in the package for one package alone', ['turbo', 'run', 'typecheck', '--output-logs=errors-only', '--concurrency=2', '--continue'])
export const unusedCheck = toolCheck('unused', 'remove what nobody uses, or the export keyword; .knip.jsonc lists the entry points', ['knip', '--no-progress'])
export const boundariesCheck = toolCheck('boundaries', 'declare the dependency in package.json; turbo.json says which tag may depend on which', ['turbo', 'boundaries'])
