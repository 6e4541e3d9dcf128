import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmulator, type RunningEmulator } from '@shared/testing/emulator'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CLI_NAMES, ensureCLI, type CLIName } from './cliCache.ts'
import { runTrial, type Trial, type TrialResult } from './cliCacheTrial.ts'

// The pinned CLIs themselves, unchanged, against the model emulator. They are downloaded once into the user's cache.

const INSTALL_TIMEOUT_MS = 900_000
const RUN_TIMEOUT_MS = 120_000

const SCENARIOS = [
	{ name: 'recovers', match: 'recover', fault: { status: 500, times: 1 }, steps: [{ write: { path: 'late.txt', content: 'late\n' } }, { say: 'Late.' }] },
	{
		name: 'fix-add',
		match: 'fix.*add',
		steps: [
			{ say: 'First the sign.' },
			{ edit: { path: 'src/add.js', old: 'a - b', new: 'a + b' } },
			{ write: { path: 'notes/NOTES.md', content: 'fixed add\n' } },
			{ write: { path: 'README.md', content: '# rewritten\n' } },
			{ write: { path: 'no-newline.txt', content: 'x' } },
			{ shell: 'cat src/add.js > seen.txt' },
			{ say: 'Fixed add.' },
		],
	},
]

describe.each(CLI_NAMES)('%s', (name) => {
	let emulator: RunningEmulator
	let workDir: string

	beforeAll(async () => {
		await ensureCLI(name)
		emulator = await startEmulator({ scenarios: SCENARIOS })
	}, INSTALL_TIMEOUT_MS)
	afterAll(() => emulator?.close())
	beforeEach(async () => {
		workDir = await repository()
		emulator.requests.length = 0
		emulator.setScenarios(SCENARIOS)
		return () => rm(workDir, { recursive: true, force: true })
	})

	const run = (prompt: string): Promise<TrialResult> => runAgainst(emulator.url, { name, prompt, workDir })

	it('edits, writes, runs a command and says so', { timeout: RUN_TIMEOUT_MS }, async () => {
		const result = await run('Please fix the add function')
		expect(result.exitCode, result.stderr).toBe(0)
		expect(await readFile(join(workDir, 'src/add.js'), 'utf8')).toBe('export function add(a, b) {\n\treturn a + b\n}\n')
		expect(await readFile(join(workDir, 'notes/NOTES.md'), 'utf8')).toBe('fixed add\n')
		expect(await readFile(join(workDir, 'README.md'), 'utf8')).toBe('# rewritten\n')
		expect(await readFile(join(workDir, 'no-newline.txt'), 'utf8')).toBe('x')
		expect(await readFile(join(workDir, 'seen.txt'), 'utf8')).toContain('a + b')
		expect(changedFiles(workDir)).toEqual(['README.md', 'no-newline.txt', 'notes/NOTES.md', 'seen.txt', 'src/add.js'])
		expect(finalText(name, result.stdout)).toBe('Fixed add. [model emulator]')
		expect(emulator.requests.filter(({ wire }) => wire).every(({ provider, scenario }) => provider === name && scenario === 'fix-add')).toBe(true)
	})

	it('changes nothing when no scenario matches', { timeout: RUN_TIMEOUT_MS }, async () => {
		const result = await run('Please water the plants')
		expect(result.exitCode, result.stderr).toBe(0)
		expect(changedFiles(workDir)).toEqual([])
		expect(finalText(name, result.stdout)).toContain('No scenario matches this prompt')
	})

	it('gets over one server error', { timeout: RUN_TIMEOUT_MS }, async () => {
		const result = await run('Please recover')
		expect(result.exitCode, result.stderr).toBe(0)
		expect(changedFiles(workDir)).toEqual(['late.txt'])
		expect(emulator.requests.filter(({ wire }) => wire).map(({ status }) => status)).toEqual([500, 200, 200])
	})
})

// The same CLI talks otherwise to other models: a patch tool instead of an edit tool, tools called from a script, another API.
describe('other models and APIs', () => {
	it.each([
		{ name: 'codex', model: 'gpt-6-sol', usedTool: 'exec', usedWire: 'responses' },
		{ name: 'codex', model: 'model-unknown-to-it', usedTool: 'exec_command', usedWire: 'responses' },
		{ name: 'copilot', model: 'gpt-5.5', usedTool: 'apply_patch', usedWire: 'chat' },
		{ name: 'copilot', model: 'gpt-5.5', wire: 'responses', usedTool: 'apply_patch', usedWire: 'responses' },
		{ name: 'copilot', model: 'claude-sonnet-5', wire: 'messages', usedTool: 'edit', usedWire: 'messages' },
	] as const)('$name with $model over $usedWire', { timeout: INSTALL_TIMEOUT_MS }, async ({ usedTool, usedWire, ...variant }) => {
		const emulator = await startEmulator({ scenarios: SCENARIOS })
		const workDir = await repository()
		const result = await runAgainst(emulator.url, { ...variant, prompt: 'Please fix the add function', workDir })
		await emulator.close()
		expect(result.exitCode, result.stderr).toBe(0)
		expect(finalText(variant.name, result.stdout)).toBe('Fixed add. [model emulator]')
		expect(changedFiles(workDir)).toEqual(['README.md', 'no-newline.txt', 'notes/NOTES.md', 'seen.txt', 'src/add.js'])
		expect(emulator.requests.every(({ wire }) => wire === usedWire)).toBe(true)
		expect(emulator.requests.map(({ reply }) => reply?.call?.name)).toContain(usedTool)
		await rm(workDir, { recursive: true })
	})
})

type Run = Pick<Trial, 'name' | 'prompt' | 'workDir' | 'model' | 'wire'>

async function runAgainst(url: string, run: Run): Promise<TrialResult> {
	const homeDir = await mkdtemp(join(tmpdir(), `trial-${run.name}-`))
	return await runTrial({ ...run, installed: await ensureCLI(run.name), url: `${url}/p/${run.name}`, homeDir })
}

async function repository(): Promise<string> {
	const dir = await mkdtemp(join(tmpdir(), 'repository-'))
	await writeFile(join(dir, 'README.md'), '# add\n')
	git(dir, 'init', '--quiet', '--initial-branch=main')
	execFileSync('mkdir', [join(dir, 'src')])
	await writeFile(join(dir, 'src/add.js'), 'export function add(a, b) {\n\treturn a - b\n}\n')
	git(dir, 'add', '--all')
	git(dir, '-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message=start')
	return dir
}

function changedFiles(dir: string): string[] {
	const status = git(dir, 'status', '--porcelain', '--untracked-files=all', '--no-renames')
	return status.split('\n').filter(Boolean).map((line) => line.slice(3)).sort()
}

function git(dir: string, ...args: string[]): string {
	return execFileSync('git', args, { cwd: dir, encoding: 'utf8' })
}

const Event = z.looseObject({
	type: z.string(),
	role: z.string().optional(),
	content: z.string().optional(),
	result: z.unknown().optional(),
	item: z.looseObject({ type: z.string(), text: z.string().optional() }).optional(),
	data: z.looseObject({ content: z.unknown().optional() }).optional(),
})

/** The words that each CLI reports last. */
function finalText(name: CLIName, stdout: string): unknown {
	const events = stdout.split('\n').filter(Boolean).map((line) => Event.parse(JSON.parse(line)))
	switch (name) {
		case 'codex':
			return events.findLast(({ item }) => item?.type === 'agent_message')?.item?.text
		case 'claude':
			return events.findLast(({ type }) => type === 'result')?.result
		case 'copilot':
			return events.findLast(({ type }) => type === 'assistant.message')?.data?.content
		case 'gemini': {
			const lastTool = events.findLastIndex(({ type }) => type === 'tool_result')
			const words = events.slice(lastTool + 1).filter(({ type, role }) => type === 'message' && role === 'assistant')
			return words.map(({ content }) => content).join('')
		}
	}
}
