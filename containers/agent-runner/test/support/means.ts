import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { projectRoot } from '@shared/testing/stack'
import { canBubblewrap } from '../../src/isolation/bubblewrap.ts'

const run = promisify(execFile)

export const IMAGE = process.env['VIBEHQ_AGENT_IMAGE'] ?? 'vibehq/factory-base:latest'

/** Runs docker and answers what it printed. */
export async function docker(...args: string[]): Promise<string> {
	const { stdout } = await run('docker', args, { cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 })
	return stdout.trim()
}

/** Why the image cannot be used here; null when it can. It is built (minutes, a gigabyte) only where VIBEHQ_TEST_IMAGE=1 asks for it, as `npm run test:containers` does. */
export async function whyNoImage(): Promise<string | null> {
	if (!(await works('docker', 'info'))) return 'no Docker daemon answers'
	if (process.env['VIBEHQ_TEST_IMAGE'] === '1') {
		await bundle()
		await docker('build', '-f', 'containers/factory-base.Dockerfile', '-t', IMAGE, '.')
	}
	return (await works('docker', 'image', 'inspect', IMAGE)) ? null : `there is no image ${IMAGE}: npm run test:containers builds it and tests this`
}

export async function whyNoBubblewrap(): Promise<string | null> {
	return (await canBubblewrap()) ? null : 'bwrap is missing or may not make namespaces'
}

/** Writes the runner of this checkout as the one file that the image has. Returns its path. */
export async function bundle(): Promise<string> {
	await run(process.execPath, [join(projectRoot, 'containers/agent-runner/build.ts')])
	return join(projectRoot, 'containers/agent-runner/dist/runner.mjs')
}

async function works(command: string, ...args: string[]): Promise<boolean> {
	return await run(command, args).then(() => true, () => false)
}
