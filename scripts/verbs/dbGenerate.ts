import { join } from 'node:path'
import { migrationsCheck } from '../checks/migrations.ts'
import { ROOT } from '../lib/root.ts'
import { run as runProgram } from '../lib/run.ts'

/** Writes the migration that brings the database to the schema, then refuses one that would lose data. */
export async function run(args: string[]): Promise<number> {
	const { status } = await runProgram('drizzle-kit', ['generate', ...args], { cwd: join(ROOT, 'orchestrator'), isShown: true })
	if (status !== 0) return status
	const { problems } = await migrationsCheck.run(ROOT)
	for (const problem of problems) console.error(problem)
	if (problems.length > 0) console.error(`\nDo not commit this migration: ${migrationsCheck.remedy}.`)
	return problems.length === 0 ? 0 : 1
}
