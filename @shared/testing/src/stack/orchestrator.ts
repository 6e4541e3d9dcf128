import { createHash, randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './freePort.ts'
import { orchestratorConfig, projectRoot, wranglerProgram } from './paths.ts'
import { startProcess } from './processes.ts'
import type { ManagedProcess } from './processes.ts'

export interface OrchestratorOptions {
	/** Everything that lives longer than the process: D1, R2, repositories, Workflows, logs, the signing key. */
	stateDir: string
	port?: number
	/** Path of another wrangler configuration than the project's own. */
	config?: string
	/** The configuration of a Worker that gets the requests in its place, in the same workerd, and reaches it by bindings. It answers `/health`, too. */
	front?: string
	/** Vars and secrets beside the signing key. Written to a file that only the owner can read, never to arguments. */
	vars?: Record<string, string>
}

export interface RunningOrchestrator {
	url: string
	port: number
	signingKey: string
	process: ManagedProcess
	stop: () => Promise<void>
}

const ATTEMPTS = 3

/** Starts the orchestrator under `wrangler dev` (real workerd, D1, R2, Queues, Workflows, git) and waits until it answers. */
export async function startOrchestrator(options: OrchestratorOptions): Promise<RunningOrchestrator> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await startOnce(options)
		} catch (error) {
			// A port that was free when it was chosen may be somebody else's by the time wrangler listens.
			if (options.port !== undefined || attempt === ATTEMPTS || !String(error).includes('Address already in use')) throw error
		}
	}
}

async function startOnce(options: OrchestratorOptions): Promise<RunningOrchestrator> {
	const { stateDir } = options
	mkdirSync(join(stateDir, 'logs'), { recursive: true })
	const signingKey = ownSigningKey(stateDir)
	const envFile = join(stateDir, 'orchestrator.env')
	const vars = { ENVIRONMENT: 'development', ...options.vars, TOKEN_SIGNING_KEY: signingKey }
	writeFileSync(envFile, Object.entries(vars).map(([name, value]) => `${name}='${value}'\n`).join(''), { mode: 0o600 })
	const env = wranglerEnv(stateDir)
	await migrate(stateDir, env)
	const port = options.port ?? (await freePort())
	const args = [
		wranglerProgram, 'dev', ...(options.front === undefined ? [] : ['-c', options.front]), '-c', options.config ?? orchestratorConfig, '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort()),
		'--persist-to', join(stateDir, 'wrangler'), '--env-file', envFile, '--show-interactive-dev-session=false', '--log-level', 'info', '--local',
	]
	const logFile = join(stateDir, 'logs/orchestrator.log')
	const managed = startProcess({ name: 'orchestrator', command: process.execPath, args, cwd: projectRoot, env, logFile })
	const url = `http://127.0.0.1:${port}`
	await waitUntilHealthy(url, managed, logFile)
	return { url, port, signingKey, process: managed, stop: () => managed.stop() }
}

/** The environment of a wrangler that keeps to itself: own registry of dev processes, no telemetry, no look-ups outside, and no collector of traces, which costs each request a third of its time. */
export function wranglerEnv(stateDir: string): NodeJS.ProcessEnv {
	return { ...process.env, WRANGLER_REGISTRY_PATH: join(stateDir, 'registry'), WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', X_LOCAL_OBSERVABILITY: 'false', X_LOCAL_EXPLORER: 'false', CI: '1', NO_COLOR: '1' }
}

function ownSigningKey(stateDir: string): string {
	const file = join(stateDir, 'signing-key')
	if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600 })
	return readFileSync(file, 'utf8')
}

/**
 * Applies the D1 migrations once per content of the migrations folder. A new state starts from a copy of an empty, migrated one,
 * because wrangler takes two seconds to make it.
 */
async function migrate(stateDir: string, env: NodeJS.ProcessEnv): Promise<void> {
	const mark = migrationsMark()
	const stamp = join(stateDir, 'migrated')
	if (existsSync(stamp) && readFileSync(stamp, 'utf8') === mark) return
	const target = join(stateDir, 'wrangler')
	const template = join(projectRoot, '.vibehq/cache/migrated', mark)
	if (!existsSync(target) && existsSync(template)) {
		cpSync(template, target, { recursive: true })
	} else {
		const isNew = !existsSync(target)
		await applyMigrations({ target, logFile: join(stateDir, 'logs/migrations.log'), env })
		if (isNew) keepTemplate(target, template)
	}
	writeFileSync(stamp, mark)
}

function migrationsMark(): string {
	const folder = join(projectRoot, 'migrations')
	const files = readdirSync(folder).filter((file) => file.endsWith('.sql')).sort()
	const hash = createHash('sha256')
	for (const file of files) hash.update(file).update(readFileSync(join(folder, file)))
	return hash.digest('hex').slice(0, 32)
}

async function applyMigrations({ target, logFile, env }: { target: string; logFile: string; env: NodeJS.ProcessEnv }): Promise<void> {
	const args = [wranglerProgram, 'd1', 'migrations', 'apply', 'vibehq', '--local', '-c', orchestratorConfig, '--persist-to', target]
	const managed = startProcess({ name: 'migrations', command: process.execPath, args, cwd: projectRoot, env, logFile })
	if ((await managed.exited) !== 0) throw new Error(`The database migrations failed:\n${tailOf(logFile)}`)
}

/** Whole or not at all, because others may look for it at the same time. */
function keepTemplate(source: string, template: string): void {
	const staging = `${template}.${process.pid}`
	mkdirSync(dirname(template), { recursive: true })
	cpSync(source, staging, { recursive: true })
	try {
		renameSync(staging, template)
	} catch {
		// Somebody else was faster; theirs is the same.
		rmSync(staging, { recursive: true, force: true })
	}
}

async function waitUntilHealthy(url: string, managed: ManagedProcess, logFile: string): Promise<void> {
	const deadline = Date.now() + 60_000
	while (Date.now() < deadline) {
		if (managed.hasExited()) break
		try {
			const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) })
			if (answer.ok) return
		} catch {
			// Not listening yet.
		}
		await sleep(50)
	}
	await managed.stop()
	throw new Error(`The orchestrator did not start. Its log (${logFile}) ends with:\n${tailOf(logFile)}`)
}

export function tailOf(file: string): string {
	return existsSync(file) ? readFileSync(file, 'utf8').slice(-4000) : '(no log)'
}
