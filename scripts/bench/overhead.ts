import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Scenario, WorkspaceId } from '@shared/contracts'
import { git, projectRoot, pushFolder, startStack } from '@shared/testing/stack'
import type { Stack } from '@shared/testing/stack'
import { ADAPTERS, ensureCLI } from 'agent-runner'
import type { InstalledCLI } from 'agent-runner'
import { parseOptions } from '../dev/options.ts'
import { median, printReport } from './report.ts'

const USAGE = 'npm run bench -- overhead [--pairs N] [--long-pairs N] [--json]'
const PROJECT = join(projectRoot, 'scripts/demo/project')
const KEY = 'bench-emulator-key'

const STEPS: Scenario['steps'] = [{ edit: { path: 'src/basket.js', old: 'sum + item.price, 0', new: 'sum + item.price * item.quantity, 0' } }, { say: 'Done.' }]
const SCENARIOS: Scenario[] = [
	// Three model calls a run: with these delays the bare CLI takes about half a second, and about thirty.
	{ name: 'short', match: 'short run', steps: STEPS, fault: { delayMs: 80 } },
	{ name: 'long', match: 'long run', steps: STEPS, fault: { delayMs: 10_000 } },
]

interface Pair {
	bareMs: number
	orderMs: number
	phasesMs: Record<string, number>
}

/** Runs orders and the bare CLI in turn, on the same files and prompt, against the same emulator. */
export async function run(args: string[]): Promise<number> {
	const options = parseOptions(args, { pairs: 'string', 'long-pairs': 'string', json: 'boolean' }, USAGE)
	if (options === null) return 2
	const isJSON = options['json'] === true
	const say = (text: string) => process.stderr.write(`${text}\n`)
	const cli = await ensureCLI('codex', { onProgress: say })
	const stateDir = mkdtempSync(join(tmpdir(), 'vibehq-bench-'))
	// A bare process on both sides: the bench is about what the system adds, not about what a wall costs.
	const stack = await startStack({ stateDir, runners: 1, runner: { isolation: 'process' }, models: { emulator: SCENARIOS, keys: { codex: KEY } } })
	try {
		const { workspaceId, clonePath } = await stack.client.createWorkspace()
		await pushFolder(PROJECT, stack.url + clonePath, stack.operatorToken)
		const runOnce = (prompt: string) => measure(stack, { cli, prompt, workspaceId })
		// The first order of a workspace clones it; the CLI run bare starts on a clone too, so it is not counted.
		const first = await runOnce('short run: fix the basket')
		say(`first order of the workspace: ${first.orderMs.toFixed(0)} ms`)
		const cases = [
			{ name: '0.5 s agent run', prompt: 'short run: fix the basket', pairs: Number(options['pairs'] ?? 10), target: 2 },
			{ name: '30 s agent run', prompt: 'long run: fix the basket', pairs: Number(options['long-pairs'] ?? 1), target: 1.05 },
		]
		const results = []
		for (const { pairs, prompt, ...rest } of cases) {
			const measured: Pair[] = []
			for (let index = 0; index < pairs; index++) {
				measured.push(await runOnce(prompt))
				say(`${rest.name} ${index + 1}/${pairs}: bare ${measured.at(-1)?.bareMs.toFixed(0)} ms, order ${measured.at(-1)?.orderMs.toFixed(0)} ms`)
			}
			if (measured.length > 0) results.push({ ...rest, measured })
		}
		report(results, isJSON)
		return 0
	} finally {
		await stack.stop()
		rmSync(stateDir, { recursive: true, force: true })
	}
}

async function measure(stack: Stack, { cli, prompt, workspaceId }: { cli: InstalledCLI; prompt: string; workspaceId: WorkspaceId }): Promise<Pair> {
	const { client } = stack
	const bareMs = await runBare(stack, { cli, prompt })
	const startedAt = performance.now()
	const created = await client.createOrder({ prompt, taskType: 'fix', workspace: { kind: 'hosted', workspaceId }, provider: 'codex' })
	const execution = await client.settled(created.executionId ?? '', { timeoutMs: 120_000 })
	const orderMs = performance.now() - startedAt
	if (execution.status !== 'completed') throw new Error(`The order failed: ${execution.error?.code}: ${execution.error?.message}`)
	return { bareMs, orderMs, phasesMs: execution.phasesMs }
}

/** The CLI with the arguments and settings of an order, started by hand on a checkout: no queue, no gateway, no landing. */
async function runBare(stack: Stack, { cli, prompt }: { cli: InstalledCLI; prompt: string }): Promise<number> {
	const root = mkdtempSync(join(tmpdir(), 'vibehq-bare-'))
	const dirs = { root, work: join(root, 'work'), home: join(root, 'home'), tmp: join(root, 'tmp') }
	for (const dir of [dirs.home, dirs.tmp]) mkdirSync(dir)
	try {
		await git(['clone', '--quiet', '--local', await templateRepository(), dirs.work])
		const gateway = { url: `${stack.emulator?.url ?? ''}/p/codex`, token: KEY }
		const command = ADAPTERS.codex.command({ prompt, model: 'gpt-5.5', gateway, secretEnv: {}, dirs, isRoot: process.getuid?.() === 0 })
		for (const [path, content] of Object.entries(command.files)) {
			mkdirSync(dirname(join(dirs.home, path)), { recursive: true })
			writeFileSync(join(dirs.home, path), content)
		}
		const env = { PATH: process.env['PATH'], HOME: dirs.home, TMPDIR: dirs.tmp, ...cli.env, ...command.env }
		const startedAt = performance.now()
		const code = await new Promise<number | null>((resolve, reject) => {
			const child = spawn(cli.bin, [...cli.argvPrefix, ...command.args], { cwd: dirs.work, env, stdio: ['pipe', 'ignore', 'ignore'] })
			child.once('error', reject).once('exit', resolve)
			child.stdin.end(command.stdin)
		})
		const ms = performance.now() - startedAt
		const changed = await git(['status', '--porcelain'], { cwd: dirs.work })
		if (code !== 0 || !changed.includes('src/basket.js')) throw new Error(`The bare run ended with ${code} and changed: ${changed || 'nothing'}`)
		return ms
	} finally {
		rmSync(root, { recursive: true, force: true })
	}
}

let template: string | undefined

async function templateRepository(): Promise<string> {
	if (template === undefined) {
		template = mkdtempSync(join(tmpdir(), 'vibehq-template-'))
		await git(['init', '--quiet', '--bare', '--initial-branch=main', template])
		await pushFolder(PROJECT, template, '')
		process.once('exit', () => rmSync(template ?? '', { recursive: true, force: true }))
	}
	return template
}

function report(results: { name: string; target: number; measured: Pair[] }[], isJSON: boolean): void {
	const rows = results.flatMap(({ name, measured }) => {
		const phases = [...new Set(measured.flatMap((pair) => Object.keys(pair.phasesMs)))]
		return [
			{ engine: 'bare CLI', case: name, medianMs: Math.round(median(measured.map((pair) => pair.bareMs))), runs: measured.length },
			{ engine: 'order', case: name, medianMs: Math.round(median(measured.map((pair) => pair.orderMs))), runs: measured.length },
			...phases.map((phase) => ({ engine: 'order', case: `${name}: ${phase}`, medianMs: Math.round(median(measured.map((pair) => pair.phasesMs[phase] ?? 0))), runs: measured.length })),
		]
	})
	const ratios = Object.fromEntries(results.map(({ name, measured }) => [`order/bare CLI ${name}`, median(measured.map((pair) => pair.orderMs / pair.bareMs))]))
	const targets = results.map(({ name, target }) => {
		const value = ratios[`order/bare CLI ${name}`] ?? Number.NaN
		return { name: `order/bare CLI ${name}`, target, value, met: value <= target }
	})
	printReport({ bench: 'overhead', rows, ratios, targets }, isJSON)
}
