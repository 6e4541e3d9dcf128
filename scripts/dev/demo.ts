import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ProviderName } from '@shared/contracts'
import type { OrderInput } from '@shared/contracts'
import { git, projectRoot, pushFolder, startStack } from '@shared/testing/stack'
import type { Stack } from '@shared/testing/stack'
import { ensureCLI } from 'agent-runner'
import { chooseModels, defaultScenarios, readScenarios } from './environment.ts'
import { collectReport, showReport } from './demoReport.ts'
import { parseOptions } from './options.ts'

const USAGE = `npm run demo -- [--provider codex|claude|gemini|copilot] [--prompt TEXT] [--repo PATH|URL] [--scenario FILE] [--json]

Places one order and follows it: route, real CLI, patch set, landed commit, audit trail. Without --repo it works on
a small project with a failing test; without a provider key in .dev.vars a scripted model stands in for the real one.`
const PROJECT = join(projectRoot, 'scripts/demo/project')

interface Wish {
	provider: 'codex' | 'claude' | 'gemini' | 'copilot'
	prompt: string
	repo: string
	validate: string[]
	scenario: string | undefined
	isJSON: boolean
}

/** Runs the main job once, headless, and shows what came of it. */
export async function run(args: string[]): Promise<number> {
	const options = parseOptions(args, { provider: 'string', prompt: 'string', repo: 'string', scenario: 'string', json: 'boolean', help: 'boolean' }, USAGE)
	if (options === null) return 2
	if (options['help']) {
		process.stdout.write(`${USAGE}\n`)
		return 0
	}
	const wish = readWish(options)
	if (typeof wish === 'string') {
		process.stderr.write(`${wish}\n\n${USAGE}\n`)
		return 2
	}
	const say = (text: string) => (wish.isJSON ? process.stderr : process.stdout).write(`${text}\n`)
	const home = join(projectRoot, '.vibehq/demo')
	mkdirSync(home, { recursive: true })
	const stateDir = mkdtempSync(join(home, 'run-'))
	const { models, vars, banner } = chooseModels(wish.scenario === undefined ? defaultScenarios() : readScenarios(wish.scenario))
	say(`models: ${banner}`)
	say('starting orchestrator and runner ...')
	const cli = ensureCLI(wish.provider, { onProgress: (line) => say(`  ${line}`) })
	const starting = startStack({ stateDir, runners: 1, models, vars })
	const results = await Promise.allSettled([starting, cli])
	const [started, installed] = results
	const stop = async () => {
		if (started.status === 'fulfilled') await started.value.stop()
		rmSync(stateDir, { recursive: true, force: true })
	}
	const interrupted = () => void stop().then(() => process.exit(130))
	process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
	try {
		if (started.status === 'rejected') throw started.reason
		if (installed.status === 'rejected') throw installed.reason
		return await placeOrder(started.value, { wish, say, home })
	} finally {
		await stop()
	}
}

async function placeOrder(stack: Stack, { wish, say, home }: { wish: Wish; say: (text: string) => void; home: string }): Promise<number> {
	const { client } = stack
	const isURL = /^https?:\/\//.test(wish.repo)
	const { workspaceId, clonePath } = await client.createWorkspace(isURL ? wish.repo : undefined)
	if (!isURL) await pushFolder(resolve(wish.repo), stack.url + clonePath, stack.operatorToken)
	say(`workspace ${workspaceId} holds ${isURL ? wish.repo : resolve(wish.repo)}`)
	const startedAt = performance.now()
	const order: OrderInput = { prompt: wish.prompt, taskType: 'fix', workspace: { kind: 'hosted', workspaceId }, provider: wish.provider, validate: wish.validate }
	const created = await client.createOrder(order)
	if (created.executionId === null) throw new Error('The order was not executed.')
	say(`order ${created.orderId}: ${wish.prompt}`)
	say(`route: ${created.route?.provider ?? wish.provider} (${created.route?.reason ?? ''})`)
	const execution = await client.settled(created.executionId, {
		timeoutMs: 30 * 60_000,
		onChange: (view) => say(`  ${((performance.now() - startedAt) / 1000).toFixed(2).padStart(6)} s  ${view.status.padEnd(10)} ${view.phase}`),
	})
	const durationMs = Math.round(performance.now() - startedAt)
	const mirror = join(home, `${created.orderId}.git`)
	await git(['clone', '--quiet', '--bare', stack.url + clonePath, mirror], { token: stack.operatorToken })
	const report = await collectReport(stack, { created, execution, durationMs, mirror })
	if (wish.isJSON) process.stdout.write(`${JSON.stringify(report.json)}\n`)
	else showReport(report)
	return execution.status === 'completed' ? 0 : 1
}

/** The wish, or what is wrong with the flags. */
function readWish(options: Record<string, string | boolean | undefined>): Wish | string {
	const provider = ProviderName.safeParse(options['provider'] ?? 'codex')
	if (!provider.success || provider.data === 'jules' || provider.data === 'cursor') {
		return `--provider must be codex, claude, gemini or copilot, not ${String(options['provider'])}`
	}
	const isOwn = options['repo'] === undefined
	return {
		provider: provider.data,
		prompt: String(options['prompt'] ?? 'A test of the basket fails. Find out why and fix the code, not the test.'),
		repo: String(options['repo'] ?? PROJECT),
		validate: isOwn ? ['node --test'] : [],
		scenario: options['scenario'] === undefined ? undefined : String(options['scenario']),
		isJSON: options['json'] === true,
	}
}
