// The whole system on one machine, with real parts: wrangler's workerd, git, runners as processes, and the model
// emulator as the only stand-in. `npm start`, `npm run demo`, the benches and the end-to-end tests all start this.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '@shared/contracts'
import { mintToken } from '@shared/worker-base/token'
import { startEmulator } from '../emulator/index.ts'
import { createFakeJules } from '../jules/index.ts'
import { createClient } from './client.ts'
import { startOrchestrator } from './orchestrator.ts'
import type { OrchestratorOptions } from './orchestrator.ts'
import { startLocalPool } from './pool.ts'
import type { LocalPoolSettings } from './pool.ts'
import { startRunnerProcess } from './runner.ts'
import type { RunnerOptions } from './runner.ts'

export { createClient, RequestRefused } from './client.ts'
export type { Client } from './client.ts'
export { freePort } from './freePort.ts'
export { git, pushFolder } from './git.ts'
export { openLiveSocket } from './liveSocket.ts'
export { createLoudTask } from './loudTask.ts'
export { startOrchestrator, tailOf, wranglerEnv } from './orchestrator.ts'
export { agentFactoryConfig, orchestratorConfig, projectRoot, wranglerProgram } from './paths.ts'
export { startProcess } from './processes.ts'
export type { ManagedProcess } from './processes.ts'

const DAY_MS = 86_400_000

export interface StackOptions {
	stateDir: string
	port?: number
	/** How many runners; 0 lets a test start its own. */
	runners?: number
	runner?: Partial<Pick<RunnerOptions, 'isolation' | 'extraArgs'>>
	/** Plays these scenarios, except for providers with a base URL of their own; `real` uses the providers' own services with the keys in `vars`. */
	models: { emulator: Scenario[]; keys?: Record<string, string>; baseURLs?: Record<string, string> } | 'real'
	vars?: Record<string, string>
	/** Runners that come and go with the work, instead of a fixed number. */
	pool?: LocalPoolSettings
	/** Whether a stand-in for Jules is started beside it. It goes on while the orchestrator is restarted. */
	jules?: boolean
}

const EMULATED = { codex: 'CODEX_API_KEY', claude: 'CLAUDE_API_KEY', gemini: 'GEMINI_API_KEY', copilot: 'COPILOT_GITHUB_TOKEN' } as const

/** Starts orchestrator, emulator and runners; `stop` leaves no process behind. */
export async function startStack(options: StackOptions) {
	const { stateDir } = options
	mkdirSync(stateDir, { recursive: true })
	const { models } = options
	const keys = models === 'real' ? {} : (models.keys ?? Object.fromEntries(Object.entries(EMULATED).map(([provider]) => [provider, `emulator-key-of-${provider}`])))
	const emulator = models === 'real' ? null : await startEmulator({ scenarios: models.emulator, apiKeys: keys })
	const julesKey = `key-of-jules-${randomBytes(16).toString('hex')}`
	const jules = options.jules ? await createFakeJules({ apiKeys: [julesKey], scenarios: [] }) : null
	const julesVars = jules === null ? {} : { JULES_API_KEY: julesKey }
	const baseURLs = { ...(models === 'real' ? {} : models.baseURLs), ...(jules === null ? {} : { jules: jules.url }) }
	const emulated = emulator === null ? {} : emulatedModels(emulator.url, keys, baseURLs)
	const pool = options.pool === undefined ? null : await startLocalPool({ stateDir, settings: options.pool, ...(options.runner === undefined ? {} : { runner: options.runner }) })
	const orchestratorOptions = { stateDir, vars: { ...emulated, ...julesVars, ...pool?.vars, ...options.vars }, ...(options.port === undefined ? {} : { port: options.port }) }
	let orchestrator = await startOrchestrator(orchestratorOptions).catch(async (error: unknown) => {
		await Promise.all([emulator?.close(), jules?.close(), pool?.close()])
		throw error
	})
	const secrets: string[] = [...Object.values(keys), ...Object.values(julesVars), orchestrator.signingKey, ...(pool ? [pool.token] : [])]
	pool?.open(orchestrator.url, (token) => secrets.push(token))
	const mint = async (kind: 'operator' | 'runner' | 'worker', subject: string, workerName = 'local') => {
		const token = await mintToken(orchestrator.signingKey, { kind, subject, workerName, ttlMs: DAY_MS }, Date.now())
		secrets.push(token)
		return token
	}
	const operatorToken = await mint('operator', 'local-operator')

	const startRunner = async (name: string, extra: Partial<RunnerOptions> = {}) =>
		startRunnerProcess({ name, orchestratorURL: orchestrator.url, token: await mint('runner', name), stateDir, ...options.runner, ...extra })
	const runners = await Promise.all(Array.from({ length: options.runners ?? (pool ? 0 : 1) }, (_, index) => startRunner(`runner-${index + 1}`)))

	return {
		stateDir,
		emulator,
		/** Null unless it was asked for. */
		jules,
		operatorToken,
		client: createClient(orchestrator.url, operatorToken),
		url: orchestrator.url,
		runners,
		/** The runners of the pool, when there is one. */
		pool,
		mint,
		signingKey: orchestrator.signingKey,
		/** Every credential that was made for this stack so far, for tests that look for them where they must not be. */
		secrets,
		/** Starts one more runner; the caller stops it, or `stop` does. */
		async addRunner(name: string, extra: Partial<RunnerOptions> = {}) {
			const runner = await startRunner(name, extra)
			runners.push(runner)
			return runner
		},
		/** Stops the orchestrator as a crash would, and starts it again on the same port and state, with its own or another configuration. */
		async restartOrchestrator({ config }: Pick<OrchestratorOptions, 'config'> = {}) {
			await orchestrator.process.killAndWait()
			orchestrator = await startOrchestrator({ ...orchestratorOptions, port: orchestrator.port, ...(config === undefined ? {} : { config }) })
		},
		logFile: (name: string) => join(stateDir, 'logs', `${name}.log`),
		async stop() {
			await Promise.all(runners.map((runner) => runner.stop()))
			await pool?.close()
			await orchestrator.stop()
			await Promise.all([emulator?.close(), jules?.close()])
		},
	}
}
export type Stack = Awaited<ReturnType<typeof startStack>>

/** Vars and secrets that make the orchestrator take the emulator for the providers that have a key here. */
export function emulatedModels(url: string, keys: Record<string, string>, baseURLs: Record<string, string> = {}): Record<string, string> {
	const bases = { ...Object.fromEntries(Object.keys(EMULATED).map((provider) => [provider, `${url}/p/${provider}`])), ...baseURLs }
	const secrets = Object.entries(EMULATED).flatMap(([provider, name]) => {
		const key = keys[provider]
		return key === undefined ? [] : [[name, key]]
	})
	return { MODEL_UPSTREAM: 'emulator', PROVIDER_BASE_URLS: JSON.stringify(bases), ...Object.fromEntries(secrets) }
}
