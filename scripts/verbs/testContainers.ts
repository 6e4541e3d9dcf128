import { join } from 'node:path'
import { ROOT } from '../lib/root.ts'
import { run as runProgram } from '../lib/run.ts'

const BUILD_MS = 2 * 60_000
const TESTS_MS = 15 * 60_000

/** Runs the suite on real Docker. Without Docker it says so and ends well, unless REQUIRE_CONTAINERS=1 asks for it. */
export async function run(args: string[]): Promise<number> {
	if (args.length > 0) {
		console.error('npm run test:containers takes no arguments; REQUIRE_CONTAINERS=1 fails where Docker cannot be had.')
		return 2
	}
	const reason = await whyNot()
	if (reason !== null) {
		const isRequired = process.env['REQUIRE_CONTAINERS'] === '1'
		console.log(`The tests in real containers did not run: ${reason}.${isRequired ? ' REQUIRE_CONTAINERS=1 asks for them.' : ''}`)
		return isRequired ? 1 : 0
	}
	const built = await runProgram('node', ['containers/agent-runner/build.ts'], { cwd: ROOT, timeoutMs: BUILD_MS })
	if (built.status !== 0) {
		console.error(`The runner could not be bundled.\n${built.output}`)
		return 1
	}
	console.log('Building the image and starting containers; the first time takes some minutes.')
	const tests = await runProgram('vitest', ['run', '--config', 'vitest.containers.config.ts', '--reporter=default'], { cwd: join(ROOT, 'orchestrator'), timeoutMs: TESTS_MS, env: { NO_COLOR: '1' } })
	const lines = tests.output.split('\n').filter((line) => /^\s+([✓×↓❯]|Test Files|Tests)\s/.test(line))
	console.log(tests.status === 0 ? lines.join('\n') : tests.output)
	return tests.status === 0 ? 0 : 1
}

async function whyNot(): Promise<string | null> {
	const info = await runProgram('docker', ['info', '--format', '{{.ServerVersion}}'], { cwd: ROOT, timeoutMs: 20_000 })
	if (info.status === 0) return null
	return `Docker cannot be used here (${info.output.trim().split('\n').at(-1) ?? 'no docker program'})`
}
