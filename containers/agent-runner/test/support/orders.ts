import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ExecutionView, LogEntry, ScenarioStep } from '@shared/contracts'
import { git, pushFolder } from '@shared/testing/stack'
import type { Stack } from '@shared/testing/stack'

export interface Landed {
	execution: ExecutionView
	log: LogEntry[]
	/** What the branch of the order holds, by path. */
	files: Record<string, string>
}

export interface OrderSpec {
	provider: 'codex' | 'claude'
	files: Record<string, string>
	steps: ScenarioStep[]
	validate?: string[]
}

/** Places an order for a scripted agent and waits until it has ended; one that does not land is an error that says why. */
export async function land(stack: Stack, { provider, files, steps, validate }: OrderSpec): Promise<Landed> {
	const token = `token-${randomBytes(6).toString('hex')}`
	stack.emulator?.addScenarios([{ name: token, match: token, steps }])
	const folder = mkdtempSync(join(stack.stateDir, 'base-'))
	for (const [path, content] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, path)), { recursive: true })
		writeFileSync(join(folder, path), content)
	}
	const workspace = await stack.client.createWorkspace()
	const url = `${stack.url}${workspace.clonePath}`
	await pushFolder(folder, url, stack.operatorToken)
	const { executionId, orderId } = await stack.client.createOrder({
		prompt: `Change the project (${token})`,
		provider,
		workspace: { kind: 'hosted', workspaceId: workspace.workspaceId },
		...(validate ? { validate } : {}),
	})
	if (executionId === null) throw new Error('The order has no execution.')
	const execution = await stack.client.settled(executionId)
	if (execution.status !== 'completed') throw new Error(`The order of ${provider} ended as ${execution.status}: ${JSON.stringify(execution.error)}`)
	const { branch } = await stack.client.order(orderId)
	const clone = mkdtempSync(join(stack.stateDir, 'clone-'))
	await git(['clone', '--quiet', '--branch', branch, url, clone], { token: stack.operatorToken })
	return { execution, log: await stack.client.log(executionId), files: readTree(clone) }
}

function readTree(folder: string): Record<string, string> {
	const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
	const paths = entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).filter((path) => !path.startsWith('.git/'))
	return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}
