import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CLIName, InstalledCLI } from './cliCache.ts'

/** Test support: runs one real CLI headless against a model URL, in a home of its own, with the least settings that work. */

export interface Trial {
	name: CLIName
	installed: InstalledCLI
	/** Base URL of the model API, without a version folder and without a slash at the end. */
	url: string
	prompt: string
	workDir: string
	/** A new directory; it is removed afterwards. */
	homeDir: string
	/** Absent: one that gets the classic tools of the CLI. */
	model?: string
	/** The API to speak, for the one CLI that speaks several. Absent: chat completions. */
	wire?: 'chat' | 'responses' | 'messages'
}

export interface TrialResult {
	exitCode: number | null
	/** The JSONL that the CLI printed. */
	stdout: string
	stderr: string
	/** The usage file, of the one CLI that writes such a file. */
	usageJSON: string | undefined
}

export async function runTrial(trial: Trial): Promise<TrialResult> {
	const { installed, homeDir } = trial
	const temporaryDir = join(homeDir, 'tmp')
	await mkdir(temporaryDir, { recursive: true })
	await prepare(trial)
	const { args, env } = commandLine(trial)
	const base = { PATH: process.env['PATH'] ?? '', HOME: homeDir, TMPDIR: temporaryDir, LANG: 'C.UTF-8' }
	const child = spawn(installed.bin, [...installed.argvPrefix, ...args], {
		cwd: trial.workDir,
		env: { ...base, ...installed.env, ...env },
		stdio: ['pipe', 'pipe', 'pipe'],
	})
	let stdout = ''
	let stderr = ''
	child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
	child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
	child.stdin.end(trial.prompt)
	const { promise, resolve, reject } = Promise.withResolvers<number | null>()
	child.once('error', reject)
	child.once('close', resolve)
	const exitCode = await promise
	const usageJSON = await readFile(usageFile(trial), 'utf8').catch(() => undefined)
	await rm(homeDir, { recursive: true, force: true })
	return { exitCode, stdout, stderr, usageJSON }
}

async function prepare({ name, homeDir }: Trial): Promise<void> {
	if (name === 'codex') await mkdir(join(homeDir, 'codex'))
	if (name !== 'gemini') return
	const settings = {
		security: { auth: { selectedType: 'gemini-api-key' }, environmentVariableRedaction: { enabled: true } },
		privacy: { usageStatisticsEnabled: false },
		general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, maxAttempts: 2, retryFetchErrors: false },
		hooksConfig: { enabled: false },
	}
	await mkdir(join(homeDir, '.gemini'))
	await writeFile(join(homeDir, '.gemini/settings.json'), JSON.stringify(settings))
}

function commandLine(trial: Trial): { args: string[]; env: Record<string, string> } {
	switch (trial.name) {
		case 'codex':
			return codex(trial)
		case 'claude':
			return claude(trial)
		case 'gemini':
			return gemini(trial)
		case 'copilot':
			return copilot(trial)
	}
}

function codex({ url, homeDir, model = 'gpt-5.5' }: Trial): { args: string[]; env: Record<string, string> } {
	const provider = `{name="proxy",base_url="${url}/v1",env_key="CODEX_API_KEY",wire_api="responses",request_max_retries=1,stream_max_retries=1}`
	return {
		args: [
			...['exec', '--json', '--dangerously-bypass-approvals-and-sandbox', '--skip-git-repo-check', '--ephemeral', '-m', model],
			...['--disable', 'plugins', '-c', 'analytics.enabled=false', '-c', 'check_for_update_on_startup=false'],
			...['-c', 'model_provider=proxy', '-c', `model_providers.proxy=${provider}`, '-'],
		],
		env: { CODEX_HOME: join(homeDir, 'codex'), CODEX_API_KEY: 'test-key' },
	}
}

function claude({ url }: Trial): { args: string[]; env: Record<string, string> } {
	return {
		args: [
			...['-p', '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions', '--setting-sources', 'user'],
			...['--strict-mcp-config', '--no-session-persistence', '--model', 'claude-sonnet-5', '--max-turns', '40'],
		],
		env: {
			// Root may skip permissions only where it says that it is in a sandbox.
			IS_SANDBOX: '1',
			ANTHROPIC_API_KEY: 'test-key',
			ANTHROPIC_BASE_URL: url,
			CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
			CLAUDE_CODE_MAX_RETRIES: '2',
			API_TIMEOUT_MS: '120000',
			CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '120000',
		},
	}
}

function gemini({ url }: Trial): { args: string[]; env: Record<string, string> } {
	return {
		args: ['--approval-mode', 'yolo', '--skip-trust', '--allowed-mcp-server-names', 'none', '-o', 'stream-json', '-m', 'gemini-3.8-flash'],
		env: { GEMINI_API_KEY: 'test-key', GOOGLE_GEMINI_BASE_URL: url },
	}
}

function copilot(trial: Trial): { args: string[]; env: Record<string, string> } {
	const isAnthropic = trial.wire === 'messages'
	return {
		args: ['--allow-all', '--no-ask-user', '--no-color', '--output-format', 'json', '--usage-output-file', usageFile(trial), '--disable-builtin-mcps'],
		env: {
			COPILOT_OFFLINE: 'true',
			COPILOT_PROVIDER_BASE_URL: isAnthropic ? trial.url : `${trial.url}/v1`,
			COPILOT_PROVIDER_TYPE: isAnthropic ? 'anthropic' : 'openai',
			...(trial.wire === 'responses' ? { COPILOT_PROVIDER_WIRE_API: 'responses' } : {}),
			COPILOT_PROVIDER_API_KEY: 'test-key',
			COPILOT_MODEL: trial.model ?? 'claude-sonnet-5',
		},
	}
}

function usageFile({ homeDir }: Trial): string {
	return join(homeDir, 'usage.json')
}
