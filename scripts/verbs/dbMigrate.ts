import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, STATE_DIRECTORY } from '../lib/root.ts'
import { run as runProgram } from '../lib/run.ts'

/** Applies the migrations to the local database that `npm start` uses, or with --remote to the deployed one. */
export async function run(args: string[]): Promise<number> {
	const { values } = parseArgs({ args, options: { remote: { type: 'boolean', default: false }, local: { type: 'boolean', default: true } } })
	const target = values.remote ? ['--remote'] : ['--local', '--persist-to', STATE_DIRECTORY]
	const { status } = await runProgram('wrangler', ['d1', 'migrations', 'apply', 'DB', ...target], { cwd: join(ROOT, 'orchestrator'), isShown: true })
	return status
}
