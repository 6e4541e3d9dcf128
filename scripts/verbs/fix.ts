import { writeErrorsDoc } from '../checks/errorsDoc.ts'
import { writeWranglerBase } from '../checks/wranglerBase.ts'
import { ROOT } from '../lib/root.ts'
import { run as runProgram } from '../lib/run.ts'

/** Repairs what a program can repair and says what it changed. */
export async function run(): Promise<number> {
	for (const path of writeWranglerBase(ROOT)) console.log(`${path}: shared part written`)
	if (writeErrorsDoc(ROOT)) console.log('docs/ERRORS.md: table written')
	const { status } = await runProgram('oxlint', ['--fix', '--quiet'], { cwd: ROOT, isShown: true })
	return status
}
