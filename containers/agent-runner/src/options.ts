import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AppError } from '@shared/contracts'
import { AGENT_NAMES, isAgentName } from './adapters/index.ts'
import type { AgentName } from './adapters/index.ts'
import { defaultCacheDir } from './cliCache.ts'
import type { IsolationKind } from './isolation/isolation.ts'

export interface RunnerOptions {
	orchestratorURL: string
	runnerToken: string
	workerName: string
	containerName: string
	concurrency: number
	isolation: IsolationKind | 'auto'
	/** The owner of this host allows agents to run without confinement. */
	isTrusted: boolean
	/** Mirrors of workspaces and the directories of runs. */
	cacheDir: string
	/** Root of the cache of pinned CLIs. */
	cliCacheDir: string
	providers: readonly AgentName[]
	/** Stop after one task. */
	isOnce: boolean
	image: string
	/** Where `GET /health` is answered; null for nowhere. */
	healthPort: number | null
	/** `external`: it joins the pool of its token by itself; `member`: the pool started it; null: no pool knows of it. */
	pool: PoolRole | null
	/** What isolated programs must not see; a directory ends with a slash. */
	hidden: readonly string[]
	/** What of that they need nevertheless. */
	shown: readonly string[]
}

export type PoolRole = (typeof POOL_ROLES)[number]
const POOL_ROLES = ['external', 'member'] as const

export const USAGE = `usage: main.ts --orchestrator-url URL --token-file FILE | --token-stdin
       [--worker-name NAME] [--container-name NAME] [--concurrency 1] [--providers codex,claude,gemini,copilot,cursor]
       [--isolation auto|container|docker|bubblewrap|process] [--trust-host] [--cache-dir DIR] [--once]
       [--pool external|member]
environment: ORCHESTRATOR_URL ORCHESTRATOR_TOKEN WORKER_NAME CONTAINER_NAME HEALTH_PORT
             VIBEHQ_POOL VIBEHQ_CACHE VIBEHQ_CLI_CACHE VIBEHQ_AGENT_IMAGE`

const KINDS = ['auto', 'container', 'docker', 'bubblewrap', 'process'] as const

type Env = Record<string, string | undefined>

/** @throws AppError INVALID_INPUT with what is wrong with the command line */
export async function readOptions(argv: readonly string[], env: Env, readStdin: () => Promise<string>): Promise<RunnerOptions> {
	const values = parse(argv)
	const tokenFile = values['token-file']
	const runnerToken = (values['token-stdin'] ? await readStdin() : tokenFile ? await readToken(tokenFile) : (env['ORCHESTRATOR_TOKEN'] ?? '')).trim()
	if (runnerToken === '') throw invalid('There is no runner token. Use --token-file, --token-stdin or ORCHESTRATOR_TOKEN.')
	const cacheDir = resolve(values['cache-dir'] ?? defaultCacheDir(env))
	const isolation = KINDS.find((kind) => kind === (values.isolation ?? 'auto'))
	if (!isolation) throw invalid(`--isolation must be one of ${KINDS.join(', ')}.`)
	const root = projectRoot()
	return {
		orchestratorURL: readURL(values['orchestrator-url'] ?? env['ORCHESTRATOR_URL']),
		runnerToken,
		workerName: readName(values['worker-name'] ?? env['WORKER_NAME'] ?? 'local'),
		containerName: readName(values['container-name'] ?? env['CONTAINER_NAME'] ?? `${hostname()}-${process.pid}`.replaceAll(/[^\w.:-]/g, '-').slice(0, 100)),
		concurrency: readConcurrency(values.concurrency ?? '1'),
		isolation,
		isTrusted: values['trust-host'] ?? false,
		cacheDir,
		cliCacheDir: env['VIBEHQ_CLI_CACHE'] ?? cacheDir,
		providers: readProviders(values.providers),
		isOnce: values.once ?? false,
		image: env['VIBEHQ_AGENT_IMAGE'] ?? 'vibehq/factory-base:latest',
		pool: readPool(values.pool ?? env['VIBEHQ_POOL']),
		healthPort: env['HEALTH_PORT'] ? readPort(env['HEALTH_PORT']) : null,
		hidden: [`${cacheDir}/`, ...(root ? [`${root}/`] : []), ...(tokenFile ? [resolve(tokenFile)] : [])],
		// The pinned Node that this very program may be running on.
		shown: root ? [join(root, '.vibehq/toolchain')] : [],
	}
}

function parse(argv: readonly string[]) {
	const text = { type: 'string' } as const
	const flag = { type: 'boolean' } as const
	try {
		return parseArgs({
			args: [...argv],
			options: {
				'orchestrator-url': text,
				'token-file': text,
				'token-stdin': flag,
				'worker-name': text,
				'container-name': text,
				concurrency: text,
				isolation: text,
				'trust-host': flag,
				'cache-dir': text,
				providers: text,
				once: flag,
				pool: text,
			},
		}).values
	} catch (error) {
		throw invalid(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
	}
}

async function readToken(file: string): Promise<string> {
	return await readFile(file, 'utf8').catch((error: unknown) => {
		throw invalid(`The token file cannot be read: ${error instanceof Error ? error.message : String(error)}`)
	})
}

function readURL(text: string | undefined): string {
	const url = text === undefined ? null : URL.parse(text)
	if (url && /^https?:$/.test(url.protocol) && url.username === '') return url.href.replace(/\/+$/, '')
	throw invalid('--orchestrator-url (or ORCHESTRATOR_URL) must be the http or https address of the orchestrator.')
}

function readName(name: string): string {
	if (/^[\w.:-]{1,100}$/.test(name)) return name
	throw invalid(`"${name}" cannot be a worker or container name: letters, digits, "_", ".", ":" and "-" only, at most 100.`)
}

function readConcurrency(text: string): number {
	const count = Number(text)
	if (Number.isInteger(count) && count >= 1 && count <= 50) return count
	throw invalid('--concurrency must be a whole number from 1 to 50.')
}

function readPort(text: string): number {
	const port = Number(text)
	if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
	throw invalid('HEALTH_PORT must be a port number.')
}

function readPool(text: string | undefined): PoolRole | null {
	if (text === undefined || text === '') return null
	const role = POOL_ROLES.find((each) => each === text)
	if (role) return role
	throw invalid(`--pool must be one of ${POOL_ROLES.join(', ')}.`)
}

function readProviders(text: string | undefined): readonly AgentName[] {
	if (text === undefined) return AGENT_NAMES
	const names = text.split(',').map((name) => name.trim()).filter(Boolean)
	const agents = names.filter(isAgentName)
	if (agents.length === names.length) return agents
	throw invalid(`--providers knows ${AGENT_NAMES.join(', ')}.`)
}

/** The checkout that this program runs from: it may hold local secrets. Null for the bundle. */
export function projectRoot(): string | null {
	for (let here = dirname(fileURLToPath(import.meta.url)); here !== dirname(here); here = dirname(here)) {
		if (existsSync(join(here, 'pnpm-workspace.yaml'))) return here
	}
	return null
}

function invalid(message: string): AppError {
	return new AppError('INVALID_INPUT', message)
}
