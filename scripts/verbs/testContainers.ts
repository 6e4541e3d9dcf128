import { join } from 'node:path'
import { ROOT } from '../lib/root.ts'
import { run as runProgram } from '../lib/run.ts'

const BUILD_MS = 2 * 60_000
const TESTS_MS = 15 * 60_000

/** The orchestrator with containers of its own, and the runner in the image by itself; both build the image, the second from what the first left. */
const SUITES = [
	{ folder: 'orchestrator', args: ['--config', 'vitest.containers.config.ts'], env: {} },
	{ folder: 'containers/agent-runner', args: ['test/isolation.e2e.test.ts'], env: { VIBEHQ_TEST_IMAGE: '1' } },
]

/** Runs the suites on real Docker. Without Docker it says so and ends well, unless REQUIRE_CONTAINERS=1 asks for them. */
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
	let failures = 0
	for (const { folder, args: own, env } of SUITES) {
		const tests = await runProgram('vitest', ['run', ...own, '--reporter=default'], { cwd: join(ROOT, folder), timeoutMs: TESTS_MS, env: { NO_COLOR: '1', ...env } })
		const lines = tests.output.split('\n').filter((line) => /^\s+([✓×↓❯]|Test Files|Tests)\s/.test(line))
		console.log(tests.status === 0 ? lines.join('\n') : tests.output)
		if (tests.status !== 0) failures++
	}
	return failures === 0 ? 0 : 1
}

async function whyNot(): Promise<string | null> {
	const info = await runProgram('docker', ['info', '--format', '{{.ServerVersion}}'], { cwd: ROOT, timeoutMs: 20_000 })
	if (info.status === 0) return null
	return `Docker cannot be used here (${info.output.trim().split('\n').at(-1) ?? 'no docker program'})`
}
