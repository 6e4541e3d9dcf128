import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { ExecutionView, LogEntry, OrderCreated, OrderInput, OrderView, ProviderStatus, Scenario, ScenarioStep, WorkspaceView } from '@shared/contracts'
import { git, startStack } from '@shared/testing/stack'
import type { JulesScenario } from '@shared/testing/jules'
import type { Stack, StackOptions } from '@shared/testing/stack'
import { cloneRef } from './clone.ts'
import type { Clone } from './clone.ts'

export type { Stack } from '@shared/testing/stack'

export type SharedStackOptions = Partial<Omit<StackOptions, 'stateDir'>>

/** Starts one stack for all tests of a file, on state of its own, and stops it after them. `stack` is there once the tests run. */
export function sharedStack(options: SharedStackOptions = {}): { readonly stack: Stack } {
	let stack: Stack | undefined
	let stateDir: string | undefined
	beforeAll(async () => {
		stateDir = mkdtempSync(join(tmpdir(), 'vibehq-e2e-'))
		stack = await startStack({
			stateDir,
			runners: 2,
			models: { emulator: [], keys: freshKeys() },
			// The same everywhere, whatever walls a machine has; those are tested where they are built, in the runner.
			runner: { isolation: 'process', ...options.runner },
			...withoutRunner(options),
			vars: { LEASE_MS: '8000', POLL_MS: '1000', ...options.vars },
		})
	})
	afterAll(async () => {
		await stack?.stop()
		if (stateDir !== undefined) rmSync(stateDir, { recursive: true, force: true })
	})
	return {
		get stack() {
			if (stack === undefined) throw new Error('The stack is there only while tests and hooks run.')
			return stack
		},
	}
}

const withoutRunner = ({ runner: _merged, ...rest }: SharedStackOptions) => rest

/** What placing an order needs of a stack. */
export type OrderingStack = Pick<Stack, 'client' | 'url' | 'operatorToken' | 'stateDir' | 'emulator' | 'jules'>

/** Keys that are like no other, so that they can be looked for. */
const freshKeys = () => Object.fromEntries(['codex', 'claude', 'gemini', 'copilot'].map((provider) => [provider, `key-of-${provider}-${randomBytes(16).toString('hex')}`]))

/** What a base commit holds: contents by path, or a function that writes them into a folder. */
export type Files = Record<string, string | Uint8Array> | ((folder: string) => void)

export interface Base {
	workspace: WorkspaceView
	commit: string
	/** Address for `git clone`; `stack.operatorToken` opens it. */
	url: string
}

/** A hosted workspace whose `main` holds these files. */
export async function makeWorkspace(stack: OrderingStack, files: Files = { 'README.md': 'hello\n' }): Promise<Base> {
	const workspace = await stack.client.createWorkspace()
	const url = `${stack.url}${workspace.clonePath}`
	const folder = tempFolder(stack)
	if (typeof files === 'function') files(folder)
	else for (const [path, content] of Object.entries(files)) writeInto(folder, path, content)
	await git(['init', '--quiet', '--initial-branch=main'], { cwd: folder })
	await git(['add', '--all', '--force'], { cwd: folder })
	await git(['commit', '--quiet', '--allow-empty', '--message', `Start ${workspace.workspaceId}`], { cwd: folder })
	await git(['push', '--quiet', '--force', url, 'HEAD:refs/heads/main'], { cwd: folder, token: stack.operatorToken })
	return { workspace, url, commit: (await git(['rev-parse', 'HEAD'], { cwd: folder })).trim() }
}

export function writeInto(folder: string, path: string, content: string | Uint8Array): void {
	mkdirSync(dirname(join(folder, path)), { recursive: true })
	writeFileSync(join(folder, path), content)
}

/** Goes away with the state of the stack. */
export const tempFolder = (stack: OrderingStack) => mkdtempSync(join(stack.stateDir, 'folder-'))

/** What the scripted model does; name and match are filled in. Without `provider` it holds for all. The first that fits is played. */
export type Script = Omit<Scenario, 'name' | 'match' | 'steps'> & { steps?: ScenarioStep[] }

export interface OrderSpec extends Omit<OrderInput, 'prompt' | 'workspace'> {
	prompt?: string
	/** The base; a workspace that exists already, or the files of a new one. */
	base?: Base
	files?: Files
	scenario: Script | Script[]
	/** What Jules does, where the stack has one. */
	jules?: Partial<JulesScenario['jules']>
}

export interface PlacedOrder {
	/** Stands in the prompt and nowhere else: what the scenarios are matched by. */
	token: string
	base: Base
	orderId: OrderCreated['orderId']
	taskId: OrderCreated['taskId']
	/** The first execution. */
	executionId: NonNullable<OrderCreated['executionId']>
	created: OrderCreated
	/** Waits until the last execution of the order has ended. */
	settled: (timeoutMs?: number) => Promise<SettledOrder>
}

export interface SettledOrder extends PlacedOrder {
	/** All executions of the order, in the order they were tried. */
	executions: [ExecutionView, ...ExecutionView[]]
	/** The last of them, and its log. */
	execution: ExecutionView
	log: LogEntry[]
	order: OrderView
	/** Clones the branch of the order, or another ref, through the git gateway. */
	clone: (ref?: string) => Promise<Clone>
}

/** Places an order for a scripted agent, without waiting for it. */
export async function place(stack: OrderingStack, spec: OrderSpec): Promise<PlacedOrder> {
	const { prompt = 'Change the project', base: known, files, scenario, jules, ...input } = spec
	const token = `token-${randomBytes(6).toString('hex')}`
	script(stack, token, scenario)
	if (jules !== undefined) stack.jules?.addScenarios([{ name: token, match: token, provider: 'jules', jules }])
	const base = known ?? (await makeWorkspace(stack, files))
	const created = await stack.client.createOrder({ ...input, prompt: `${prompt} (${token})`, workspace: { kind: 'hosted', workspaceId: base.workspace.workspaceId } })
	const { executionId } = created
	if (executionId === null) throw new Error('The order was placed without an execution; tests that want that call the client.')
	const placed = { token, base, created, orderId: created.orderId, taskId: created.taskId, executionId }
	const settled = async (timeoutMs = 150_000): Promise<SettledOrder> => {
		await stack.client.settled(executionId, { timeoutMs })
		const executions = await executionsFrom(stack, executionId)
		const execution = executions.at(-1) ?? executions[0]
		const [log, order] = await Promise.all([stack.client.log(execution.executionId), stack.client.order(created.orderId)])
		const clone = (ref = order.branch) => cloneRef({ url: base.url, ref, token: stack.operatorToken, folder: tempFolder(stack) })
		return { ...placed, settled, executions, execution, log, order, clone }
	}
	return { ...placed, settled }
}

/** Places an order for a scripted agent and waits until it has ended, well or not. */
export async function order(stack: OrderingStack, spec: OrderSpec): Promise<SettledOrder> {
	return (await place(stack, spec)).settled()
}

/**
 * Places all these orders at once before the tests of this describe, so that they run side by side; the answer waits for one of
 * them. Orders with the same `files` share a workspace. A test's first order is as slow as the slowest one that shares the runners with it.
 */
export function placedOrders<Name extends string>(shared: { readonly stack: Stack }, specs: Record<Name, OrderSpec>): (name: Name) => Promise<SettledOrder> {
	const placed = new Map<string, PlacedOrder>()
	const ended = new Map<string, Promise<SettledOrder>>()
	beforeAll(async () => {
		// The workspaces first: then all are routed before the first of them fails and changes the health of its provider.
		const bases = new Map<Files | undefined, Promise<Base>>()
		const withBase = await Promise.all(
			Object.entries<OrderSpec>(specs).map(async ([name, spec]) => {
				const base = spec.base ?? bases.get(spec.files) ?? makeWorkspace(shared.stack, spec.files)
				if (spec.base === undefined) bases.set(spec.files, Promise.resolve(base))
				return [name, { ...spec, base: await base }] as const
			}),
		)
		await Promise.all(withBase.map(async ([name, spec]) => placed.set(name, await place(shared.stack, spec))))
	})
	return (name) => {
		const order = placed.get(name)
		if (order === undefined) throw new Error(`The order "${name}" is placed before the tests of its describe, not earlier.`)
		const known = ended.get(name) ?? order.settled()
		ended.set(name, known)
		return known
	}
}

/** Teaches the emulator what to do with prompts that hold the token. */
export function script(stack: OrderingStack, token: string, scripts: Script | Script[]): void {
	if (stack.emulator === null) throw new Error('This stack has no emulator.')
	stack.emulator.addScenarios([scripts].flat().map((each, index) => ({ steps: [], ...each, name: `${token}-${index}`, match: token })))
}

/** An execution and those that took over from it. */
async function executionsFrom(stack: OrderingStack, executionId: string): Promise<[ExecutionView, ...ExecutionView[]]> {
	const first = await stack.client.execution(executionId)
	return first.nextExecutionId === null ? [first] : [first, ...(await executionsFrom(stack, first.nextExecutionId))]
}

export const providerStatus = (stack: Stack, provider: string) => stack.client.call<ProviderStatus>('GET', `/api/ai-providers/${provider}`)

/** Closes circuits and forgets rate limits, so that one group of tests does not decide the routes of the next. */
export async function resetProviders(stack: Stack): Promise<void> {
	await Promise.all(['codex', 'claude', 'gemini', 'copilot'].map((name) => stack.client.call('POST', `/api/ai-providers/${name}/reset`)))
}

/** The lines of one operation. */
export const linesOf = (log: LogEntry[], operation: string) => log.filter((line) => line.operation === operation)
