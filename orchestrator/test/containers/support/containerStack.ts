// The orchestrator with real containers: wrangler's test harness builds the factory image and runs its containers on Docker. Models come
// from the emulator; all else is real.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { ContainerInstance, PoolStatus } from '@shared/contracts'
import { mintToken } from '@shared/worker-base/token'
import { startEmulator } from '@shared/testing/emulator'
import { createClient, emulatedModels, orchestratorConfig } from '@shared/testing/stack'
import { createTestHarness } from 'wrangler'
import { parse } from 'jsonc-parser'

const POOL = 'vibehq-orchestrator'
const DAY_MS = 86_400_000

export type ContainerStack = Awaited<ReturnType<typeof startContainerStack>>

/** Starts one for all tests of a file. */
export function sharedContainerStack(settings: object): { readonly stack: ContainerStack } {
	let stack: ContainerStack | undefined
	beforeAll(async () => {
		stack = await startContainerStack(settings)
	}, 600_000)
	afterAll(async () => stack?.stop(), 60_000)
	return {
		get stack() {
			if (stack === undefined) throw new Error('The stack is there only while tests run.')
			return stack
		},
	}
}

async function startContainerStack(settings: object) {
	const stateDir = mkdtempSync(join(tmpdir(), 'vibehq-containers-'))
	const signingKey = randomBytes(32).toString('base64')
	const keys = { codex: `key-of-codex-${randomBytes(16).toString('hex')}` }
	const emulator = await startEmulator({ scenarios: [], apiKeys: keys })
	const vars = {
		...emulatedModels(emulator.url, keys),
		ENVIRONMENT: 'development',
		TOKEN_SIGNING_KEY: signingKey,
		CONTAINER_POOLS: JSON.stringify({ [POOL]: { driver: 'cloudflare', ...settings } }),
		LEASE_MS: '5000',
		POLL_MS: '1000',
	}
	const config = parse(readFileSync(orchestratorConfig, 'utf8')) as Record<string, unknown>
	const harness = createTestHarness({ root: dirname(orchestratorConfig), workers: [{ config: { ...config, vars, dev: { enable_containers: true } } as never }] })
	const { url } = await harness.listen()
	await harness.getWorker().applyD1Migrations('DB' as never)
	const operatorToken = await mintToken(signingKey, { kind: 'operator', subject: 'tests', workerName: 'local', ttlMs: DAY_MS }, Date.now())
	const base = url.href.replace(/\/$/, '')
	const client = createClient(base, operatorToken)

	const pool = () => client.call<PoolStatus>('GET', `/api/containers/status?worker=${POOL}`)
	return {
		stateDir,
		url: base,
		operatorToken,
		client,
		emulator,
		harness,
		secrets: [keys.codex, signingKey],
		pool,
		scale: (instances: number | 'auto') => client.call<PoolStatus>('POST', `/api/containers/scale/${instances}?worker=${POOL}`),
		restart: (instanceId: string, force: boolean) => client.call('POST', `/api/containers/${instanceId}/restart?worker=${POOL}`, { body: { force } }),
		/** Waits until the pool is as it should be. */
		async until(what: string, isSo: (instances: ContainerInstance[]) => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<ContainerInstance[]> {
			const deadline = Date.now() + timeoutMs
			for (;;) {
				const { instances } = await pool()
				if (await isSo(instances)) return instances
				if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}. The pool: ${JSON.stringify(instances)}`)
				await new Promise((resolve) => setTimeout(resolve, 200))
			}
		},
		async stop() {
			await harness.close()
			await emulator.close()
			rmSync(stateDir, { recursive: true, force: true })
		},
	}
}

export const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

/** Names of the Docker containers that run an instance. Sidecars of the platform end on `-proxy`. */
export const dockerNames = (): string[] => docker('ps', '--filter', 'name=AgentContainer', '--format', '{{.Names}}').split('\n').filter((name) => name !== '' && !name.endsWith('-proxy'))
