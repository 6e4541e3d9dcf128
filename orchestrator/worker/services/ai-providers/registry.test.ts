import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, sql } from '../../database/client.ts'
import { PROBE_MS } from './circuitBreaker.ts'
import { createRegistry } from './registry.ts'
import type { RegistryDeps } from './registry.ts'
import { createProviderRouter } from './router.ts'

const db = createDatabase(env.DB)
const clock = { now: 1_000_000 }
const vars: RegistryDeps['vars'] = { upstream: 'real', providerBaseURLs: {}, providerModes: {}, workerName: 'orchestrator' }
const create = (change: Partial<RegistryDeps> = {}) => createRegistry({ db, vars, hasSecret: () => true, now: () => clock.now, ...change })
const fault = { code: 'PROVIDER_ERROR', message: 'HTTP 500' }

beforeEach(async () => {
	await db.batch([sql.deleteFrom('ai_provider_configs'), sql.deleteFrom('operation_logs')])
})

describe('status', () => {
	it('has all six providers, with a reason for each that cannot be used', async () => {
		const all = await create().all()
		expect(all.map((status) => [status.provider, status.mode, status.available])).toEqual([
			['codex', 'gateway', true],
			['claude', 'gateway', true],
			['gemini', 'gateway', true],
			['copilot', 'gateway', false],
			['cursor', 'direct', true],
			['jules', 'gateway', true],
		])
		for (const status of all) expect(status.unavailableReason === null).toBe(status.available)
		expect(await create().status('copilot')).toMatchObject({ unavailableReason: expect.stringContaining('PROVIDER_BASE_URLS') })
		expect(await create().status('codex')).toMatchObject({ defaultModel: 'gpt-5.5', secretName: 'CODEX_API_KEY', circuit: 'closed', lastError: null, parkedUntil: null })
	})

	it('names the secret that is missing, and does not fail for it', async () => {
		const registry = create({ hasSecret: (name) => name !== 'CLAUDE_API_KEY' && name !== 'JULES_API_KEY' })
		expect(await registry.status('jules')).toMatchObject({ available: false, hasSecret: false, unavailableReason: 'The secret JULES_API_KEY is not set.' })
		expect(await registry.status('claude')).toMatchObject({ available: false, hasSecret: false, unavailableReason: 'The secret CLAUDE_API_KEY is not set.' })
	})

	it('takes modes and base URLs from the variables, and calls only what the emulator answers an emulator', async () => {
		const registry = create({ vars: { ...vars, upstream: 'emulator', providerModes: { claude: 'direct' }, providerBaseURLs: { codex: 'http://emulator', copilot: 'http://emulator', claude: 'http://emulator' } } })
		expect(await registry.status('copilot')).toMatchObject({ available: true, upstream: 'emulator' })
		expect(await registry.status('codex')).toMatchObject({ upstream: 'emulator' })
		expect(await registry.status('claude')).toMatchObject({ mode: 'direct', upstream: 'real' })
		expect(await registry.status('gemini')).toMatchObject({ upstream: 'real' })
		expect(await registry.upstreamURL('codex')).toBe('http://emulator')
		expect(await registry.upstreamURL('gemini')).toBe('https://generativelanguage.googleapis.com')
		expect(await registry.upstreamURL('cursor')).toBeNull()
	})

	it('obeys what an operator stored', async () => {
		const row = { provider_name: 'codex', enabled: 0, default_model: 'gpt-6-sol', mode: 'direct', worker_name: 'w' }
		await db.run(sql.insertInto('ai_provider_configs').values(row))
		expect(await create().status('codex')).toMatchObject({ available: false, unavailableReason: 'An operator switched it off.', defaultModel: 'gpt-6-sol', mode: 'direct' })
	})

	it('refuses a name that is not a provider', async () => {
		await expect(create().status('gpt-5')).rejects.toMatchObject({ code: 'PROVIDER_UNKNOWN' })
	})
})

describe('health', () => {
	it('counts concurrent failures one by one, opens once, and logs the opening with the state', async () => {
		const registry = create()
		await Promise.all([1, 2, 3].map(() => registry.recordFailure('codex', fault)))
		expect(await registry.status('codex')).toMatchObject({
			available: false,
			circuit: 'open',
			consecutiveFailures: 3,
			parkedUntil: clock.now + 120_000,
			lastError: { ...fault, at: clock.now },
			unavailableReason: expect.stringContaining('circuit is open until'),
		})
		expect(await db.all(sql.selectFrom('operation_logs').select(['operation', 'level']))).toEqual([{ operation: 'provider.open', level: 'warn' }])
		expect((await registry.status('claude')).available).toBe(true)
	})

	it('lets exactly one of many tasks be the probe, and the rest go elsewhere', async () => {
		const registry = create({ hasSecret: (name) => name === 'CLAUDE_API_KEY' || name === 'CODEX_API_KEY' })
		for (const _ of [1, 2, 3]) await registry.recordFailure('claude', fault)
		expect(await registry.admit('claude')).toBe(false)
		clock.now += 120_000
		expect(await registry.status('claude')).toMatchObject({ available: true, circuit: 'half-open' })
		const router = createProviderRouter({ registry, now: () => clock.now })
		const criteria = { taskType: 'fix', sourceContext: { isGitHub: false }, priority: 'medium', costProfile: 'balanced', preferredModel: 'claude-sonnet-5' } as const
		const routes = await Promise.all(Array.from({ length: 20 }, () => router.decide(criteria)))
		expect(routes.filter((route) => route.provider === 'claude')).toHaveLength(1)
		expect(routes.filter((route) => route.provider === 'codex')).toHaveLength(19)
		expect(await registry.status('claude')).toMatchObject({ available: false, unavailableReason: expect.stringContaining('One task is trying') })
		await registry.recordSuccess('claude')
		expect(await registry.status('claude')).toMatchObject({ available: true, circuit: 'closed', consecutiveFailures: 0 })
		expect(await registry.admit('claude')).toBe(true)
	})

	it('allows another probe when one never reported', async () => {
		const registry = create()
		await registry.recordFailure('codex', { code: 'PROVIDER_AUTH_FAILED', message: '401' })
		expect(await registry.status('codex')).toMatchObject({ circuit: 'open', parkedUntil: clock.now + 3_600_000 })
		clock.now += 3_600_000
		expect(await registry.admit('codex')).toBe(true)
		expect(await registry.admit('codex')).toBe(false)
		clock.now += PROBE_MS
		expect(await registry.admit('codex')).toBe(true)
	})

	it('parks for a rate limit and comes back by itself', async () => {
		const registry = create()
		await registry.recordFailure('gemini', { code: 'PROVIDER_RATE_LIMITED', message: '429', retryAt: clock.now + 5000 })
		expect(await registry.status('gemini')).toMatchObject({ available: false, circuit: 'closed', parkedUntil: clock.now + 5000 })
		clock.now += 5000
		expect(await registry.status('gemini')).toMatchObject({ available: true, parkedUntil: null })
	})

	it('is not changed by what is not its fault, but the error is kept', async () => {
		const registry = create()
		await registry.recordFailure('codex', { code: 'RUNNER_LOST', message: 'gone' })
		expect(await registry.status('codex')).toMatchObject({ available: true, consecutiveFailures: 0, lastError: { code: 'RUNNER_LOST' } })
		expect(await db.all(sql.selectFrom('operation_logs').selectAll())).toEqual([])
	})

	it('is well again when an operator says so', async () => {
		const registry = create()
		await registry.recordFailure('codex', { code: 'PROVIDER_AUTH_FAILED', message: '401' })
		await registry.reset('codex')
		expect(await registry.status('codex')).toMatchObject({ available: true, circuit: 'closed', parkedUntil: null })
	})
})
