import { rm } from 'node:fs/promises'
import { runProgram } from '../program.ts'
import { toolPath } from '../toolPath.ts'

/** Removes a directory with all in it. Package managers leave directories that not even their owner may write to. */
export async function removeTree(path: string): Promise<void> {
	const options = { recursive: true, force: true, maxRetries: 3 }
	try {
		await rm(path, options)
	} catch {
		await runProgram({ bin: 'chmod', args: ['-R', 'u+rwX', '--', path], env: { PATH: toolPath() }, timeoutMs: 60_000 })
		await rm(path, options)
	}
}
