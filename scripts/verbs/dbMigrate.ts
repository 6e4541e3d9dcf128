import { join } from 'node:path'
import { parseSwitches } from '../lib/arguments.ts'
import { ROOT, STATE_DIRECTORY } from '../lib/root.ts'
import { run as runProgram } from '../lib/run.ts'

/** Applies the migrations to the local database that `npm start` uses, or with --remote to the deployed one. */
export async function run(args: string[]): Promise<number> {
	const asked = parseSwitches(args, ['local', 'remote'], 'npm run db:migrate -- [--local | --remote]')
	if (!asked) return 2
	const target = asked.isOn('remote') ? ['--remote'] : ['--local', '--persist-to', STATE_DIRECTORY]
	const { status } = await runProgram('wrangler', ['d1', 'migrations', 'apply', 'DB', ...target], { cwd: join(ROOT, 'orchestrator'), isShown: true })
	return status
}
