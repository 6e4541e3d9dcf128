import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { projectRoot, runnerProgram } from './paths.ts'
import { startProcess } from './processes.ts'
import type { ManagedProcess } from './processes.ts'

export interface RunnerOptions {
	name: string
	orchestratorURL: string
	/** Goes in through standard input: an environment can be read by every process of the same user. */
	token: string
	stateDir: string
	isolation?: 'auto' | 'bubblewrap' | 'docker' | 'process'
	extraArgs?: string[]
	/** Set when a pool starts it. */
	pool?: { workerName: string; containerName: string; healthPort: number }
}

/** Starts a runner as a process, the same program that a container runs. */
export function startRunnerProcess(options: RunnerOptions): ManagedProcess {
	const { name, stateDir, pool } = options
	mkdirSync(join(stateDir, 'logs'), { recursive: true })
	const args = [
		runnerProgram, '--orchestrator-url', options.orchestratorURL, '--token-stdin', '--worker-name', pool?.workerName ?? 'local', '--container-name', pool?.containerName ?? name,
		'--isolation', options.isolation ?? 'auto', '--cache-dir', join(stateDir, 'runners', name), ...(pool ? ['--pool', 'member'] : []), ...(options.extraArgs ?? []),
	]
	const { PATH, HOME, LANG, TMPDIR, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, DOCKER_HOST, VIBEHQ_AGENT_IMAGE } = process.env
	const env = { PATH, HOME, LANG, TMPDIR, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, DOCKER_HOST, VIBEHQ_AGENT_IMAGE, VIBEHQ_CLI_CACHE: cliCache(), ...(pool ? { HEALTH_PORT: String(pool.healthPort) } : {}) }
	const logFile = join(stateDir, 'logs', `${name}.log`)
	return startProcess({ name, command: process.execPath, args, cwd: projectRoot, env, logFile, input: options.token })
}

/** The pinned CLIs are shared by all runners of a user; they are installed once. */
const cliCache = () => process.env['VIBEHQ_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vibehq')
