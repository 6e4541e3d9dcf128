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
import { parse } from 'jsonc-parser'
import { createTestHarness } from 'wrangler'

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
		jules: null,
		signingKey,
		secrets: [keys.codex, signingKey],
		pool,
		scale: (instances: number | 'auto') => client.call<PoolStatus>('POST', `/api/containers/scale/${instances}?worker=${POOL}`),
		drain: (instanceId: string) => client.call('POST', `/api/containers/${instanceId}/drain?worker=${POOL}`),
		/** Waits until the pool is as it should be. */
		untilPool: (what: string, isSo: (instances: ContainerInstance[]) => boolean, timeoutMs?: number) =>
			until(what, async () => {
				const { instances } = await pool()
				return isSo(instances) ? instances : null
			}, timeoutMs),
		async stop() {
			await harness.close()
			await emulator.close()
			rmSync(stateDir, { recursive: true, force: true })
		},
	}
}

export const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

/** What a command in a container prints; null when it fails. */
export function inside(id: string, ...command: string[]): string | null {
	try {
		return docker('exec', '--user', '0', id, ...command)
	} catch {
		return null
	}
}

export interface RunningContainer {
	/** Docker's; another one after each start, while the platform gives the name again. */
	id: string
	instanceId: string
}

/** The Docker containers that run, without the platform's sidecars, whose names end on `-proxy`. */
export function running(): RunningContainer[] {
	const found = docker('ps', '--filter', 'name=AgentContainer', '--format', '{{.ID}} {{.Names}}').split('\n').filter((line) => line !== '' && !line.endsWith('-proxy'))
	return found.flatMap((line) => {
		const [id = ''] = line.split(' ')
		try {
			return [{ id, instanceId: docker('inspect', '--format', '{{range .Config.Env}}{{println .}}{{end}}', id).match(/^CONTAINER_NAME=(.*)$/m)?.[1] ?? '' }]
		} catch {
			// It has ended meanwhile.
			return []
		}
	})
}

export async function until<Answer>(what: string, look: () => Answer | null | undefined | Promise<Answer | null | undefined>, timeoutMs = 180_000): Promise<Answer> {
	const deadline = Date.now() + timeoutMs
	for (;;) {
		const answer = await look()
		if (answer !== undefined && answer !== null) return answer
		if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`)
		await new Promise((resolve) => setTimeout(resolve, 200))
	}
}

/** A place in a run where it waits for the test. */
export function createGate(gate: string) {
	const [at, opens] = [`/tmp/at-${gate}`, `/tmp/opens-${gate}`]
	return {
		shell: `touch ${at}; until test -e ${opens}; do sleep 0.1; done`,
		/** The container in which a run stands at the gate, other than `except`. */
		reached: (except?: string) => until(`a run stands at ${gate}`, () => running().find(({ id }) => id !== except && inside(id, 'test', '-e', at) !== null)),
		open: (id: string) => void docker('exec', '--user', '0', id, 'touch', opens),
	}
}
