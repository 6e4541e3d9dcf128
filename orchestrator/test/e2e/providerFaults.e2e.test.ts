// What goes wrong outside, with real CLIs and real parts: each order ends in a named state with its reason, loses nothing, and goes on
// to another provider where that can help.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ExecutionView, ProviderName } from '@shared/contracts'
import { freePort } from '@shared/testing/stack'
import { bookedCalls, toldUsage } from './support/books.ts'
import { startBlackHole } from './support/blackHole.ts'
import { guardSecrets } from './support/canary.ts'
import { linesOf, makeWorkspace, place, placedOrders, providerStatus, resetProviders, sharedStack } from './support/stack.ts'
import type { OrderSpec, Script, SettledOrder } from './support/stack.ts'

// The emulator asks for these keys; changing one here is a provider that revokes it.
const keys: Record<string, string> = { codex: 'key-of-codex', claude: 'key-of-claude', gemini: 'key-of-gemini', copilot: 'key-of-copilot' }
const shared = sharedStack({ models: { emulator: [], keys }, runner: { extraArgs: ['--concurrency', '3'] } })
guardSecrets(shared)

// A second system whose providers cannot be used: one has a wrong key, one is not there, and one takes connections and never answers.
const closedPort = await freePort()
const blackHole = await startBlackHole()
const broken = sharedStack({
	models: { emulator: [], baseURLs: { copilot: `http://127.0.0.1:${closedPort}`, claude: `http://127.0.0.1:${blackHole.port}` } },
	vars: { CODEX_API_KEY: 'a-key-that-was-revoked', UPSTREAM_HEADER_TIMEOUT_MS: '300' },
	runners: 1,
})
guardSecrets(broken)
afterAll(() => blackHole.close())
const chain = placedOrders(broken, { all: { taskType: 'fix', costProfile: 'performance', scenario: { steps: [{ write: { path: 'result.txt', content: 'the last one\n' } }] } } })

const CLIS = ['codex', 'claude', 'gemini', 'copilot'] as const satisfies ProviderName[]
/** Orders that the router gives to this provider first, while all are well. */
const LEADS = {
	codex: { taskType: 'fix', costProfile: 'performance' },
	claude: { taskType: 'refactor', costProfile: 'performance' },
	gemini: { taskType: 'generate', costProfile: 'economy' },
} as const satisfies Partial<Record<ProviderName, Partial<OrderSpec>>>

const writes = (content: string): Script => ({ steps: [{ write: { path: 'result.txt', content } }, { say: 'Wrote the result.' }] })
/** An order that begins with one provider, for which `fault` holds; every other provider does the work. */
const beginsWith = (provider: keyof typeof LEADS, faulty: Script, more: Partial<OrderSpec> = {}): OrderSpec => ({
	...LEADS[provider],
	scenario: [{ ...faulty, provider }, writes('done by another\n')],
	...more,
})

const outcomes = (executions: ExecutionView[]) => executions.map(({ provider, status, error }) => [provider, status, error?.code].filter(Boolean).join(' '))
const told = ({ executionId, error }: ExecutionView) => `${executionId} ended with: ${error?.message ?? 'no error'}`

/** The order began with `provider`, which failed with `code`; another one took over, says why, and landed. */
async function expectFallback({ executions: [failed, next, ...more], execution, order: view, clone, taskId }: SettledOrder, provider: ProviderName, code: string): Promise<ExecutionView> {
	expect(outcomes([failed, ...(next ? [next] : []), ...more]), told(failed)).toEqual([`${provider} failed ${code}`, `${execution.provider} completed`])
	expect(failed).toMatchObject({ phase: 'settled', attempt: 1, landedCommit: null, nextExecutionId: next?.executionId })
	expect(next).toMatchObject({ status: 'completed', attempt: 2, taskId, error: null, route: { mode: 'fallback' } })
	expect(execution.provider).not.toBe(provider)
	expect(execution.route.reason).toMatch(new RegExp(`^${provider} failed with ${code}; ${execution.provider} scores [\\d.]+ `))
	expect(execution.route.candidates.find((candidate) => candidate.provider === provider)).toMatchObject({ eligible: false })
	expect(view).toMatchObject({ status: 'completed', commit: execution.landedCommit, tasks: [{ status: 'completed', executionId: execution.executionId, error: null }] })
	expect((await (await clone()).tree())['result.txt']).toBe('done by another\n')
	const [line] = linesOf(await shared.stack.client.log(failed.executionId), 'execution.failed')
	expect(line).toMatchObject({ level: 'error', details: { error: { code }, next: execution.executionId } })
	return failed
}

/** The only execution failed, nobody took over, and a person can see why. */
async function expectEnd({ executions, execution, order: view, log, clone }: SettledOrder, status: 'failed' | 'cancelled', code: string): Promise<ExecutionView> {
	expect(outcomes(executions), told(execution)).toEqual([`${execution.provider} ${status} ${code}`])
	expect(execution).toMatchObject({ phase: 'settled', nextExecutionId: null, landedCommit: null })
	expect(view).toMatchObject({ status, commit: null, tasks: [{ status, error: { code, message: execution.error?.message } }] })
	expect(linesOf(log, `execution.${status}`)).toMatchObject([{ details: { error: { code }, next: null } }])
	await expect(clone()).rejects.toThrow(/Remote branch factory\/ORD-\w+ not found/)
	return execution
}

interface Refusal {
	status: number
	body: { error: { code: string; message: string; details?: Record<string, unknown> } }
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Refusal> {
	const answer = await fetch(shared.stack.url + path, {
		method: 'POST',
		headers: { authorization: `Bearer ${shared.stack.operatorToken}`, 'content-type': 'application/json', ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	})
	return { status: answer.status, body: (await answer.json()) as Refusal['body'] }
}

describe('providers that refuse their key', () => {
	beforeAll(() => {
		for (const provider of CLIS) keys[provider] = 'another key'
	})
	const one = (provider: ProviderName): OrderSpec => ({ provider, scenario: writes('never\n') })
	const ended = placedOrders(shared, { codex: one('codex'), claude: one('claude'), gemini: one('gemini'), copilot: one('copilot') })
	afterAll(async () => {
		for (const provider of CLIS) keys[provider] = `key-of-${provider}`
		await resetProviders(shared.stack)
	})

	it.each(CLIS)('%s fails with PROVIDER_AUTH_FAILED and is not asked again for an hour', async (provider) => {
		const done = await ended(provider)
		const { error, executionId, cost } = await expectEnd(done, 'failed', 'PROVIDER_AUTH_FAILED')
		expect(error?.message).toMatch(/key|authenticat/i)
		expect(cost).toEqual({ usd: 0, unpriced: false, calls: bookedCalls(shared.stack, executionId).length })
		const status = await providerStatus(shared.stack, provider)
		expect(status).toMatchObject({ available: false, circuit: 'open', lastError: { code: 'PROVIDER_AUTH_FAILED', message: error?.message } })
		expect(status.unavailableReason).toMatch(/^Its circuit is open until .*Last error: PROVIDER_AUTH_FAILED\.$/)
		expect(status.parkedUntil).toBeGreaterThan((done.execution.completedAt ?? 0) + 59 * 60_000)
	})

	it('an order that finds nobody is refused with the reason of each, and kept', async () => {
		await Promise.all(CLIS.map((provider) => ended(provider)))
		const { workspace } = await makeWorkspace(shared.stack, { 'README.md': 'hello\n' })
		const asked = { prompt: 'Change it', workspace: { kind: 'hosted', workspaceId: workspace.workspaceId } }
		const nobody = await post('/api/orders', asked)
		expect(nobody).toMatchObject({ status: 503, body: { error: { code: 'NO_PROVIDER_AVAILABLE', retryable: true } } })
		for (const provider of CLIS) expect(nobody.body.error.message).toContain(`${provider}: Not available: Its circuit is open until`)
		const kept = await shared.stack.client.order(String(nobody.body.error.details?.['orderId']))
		expect(kept).toMatchObject({ status: 'open', prompt: 'Change it', tasks: [{ status: 'pending', executionId: null }] })
		expect(await post('/api/orders', { ...asked, provider: 'claude' })).toMatchObject({ status: 422, body: { error: { code: 'PROVIDER_NOT_ELIGIBLE', message: expect.stringContaining('claude was asked for') } } })
	})
})

describe('faults of providers and runs', () => {
	// Longer than a CLI takes to start on a busy machine, or the fallback stalls too.
	const STALL_MS = 10_000
	const SLOW: Script = { steps: [{ write: { path: 'result.txt', content: 'half\n' } }, { shell: 'sleep 300' }] }
	// All at once: each is routed while every provider is well, and most of the time they only wait.
	const ended = placedOrders(shared, {
		'429 with Retry-After': beginsWith('gemini', { fault: { status: 429, retryAfterS: 300 } }),
		'429 without': beginsWith('codex', { fault: { status: 429 } }),
		500: beginsWith('claude', { fault: { status: 500 } }),
		'no headers': beginsWith('codex', { fault: { stall: 'headers' } }, { stallMs: STALL_MS }),
		'half a body': beginsWith('gemini', { steps: [{ say: 'Let me think about it.' }], fault: { stall: 'body' } }, { stallMs: STALL_MS }),
		'only words': beginsWith('codex', { steps: [{ say: 'It is fine as it is.' }] }),
		'edit refused': beginsWith('claude', { steps: [{ edit: { path: 'README.md', old: 'not in the file', new: 'x' } }] }),
		'stalled after a change': { provider: 'codex', stallMs: STALL_MS, scenario: SLOW },
		'over budget': { ...LEADS.codex, budgetUsd: 0.000_001, scenario: { steps: [{ write: { path: 'result.txt', content: 'half\n' } }, { shell: 'true' }, { say: 'Done.' }] } },
		'by name': { provider: 'claude', scenario: { steps: [{ say: 'Nothing to do.' }] } },
	})
	afterAll(() => resetProviders(shared.stack))

	it('a wait that the provider names is kept: it is parked for as long, and another one works', async () => {
		const done = await ended('429 with Retry-After')
		const { error, completedAt } = await expectFallback(done, 'gemini', 'PROVIDER_RATE_LIMITED')
		expect(error?.message).toContain('PROVIDER_RATE_LIMITED: The provider does not want to be called for a while: retry after 300 s.')
		const { parkedUntil, ...status } = await providerStatus(shared.stack, 'gemini')
		expect(parkedUntil).toBe(error?.retryAt)
		expect(parkedUntil).toBeGreaterThan((completedAt ?? 0) + 250_000)
		expect(status).toMatchObject({ available: false, circuit: 'closed', unavailableReason: expect.stringMatching(/^It asked not to be called until /) })
		// No CLI may sit the wait out on a runner.
		expect(shared.stack.emulator?.requests.filter((request) => request.provider === 'gemini' && request.scenario?.startsWith(done.token))).toHaveLength(1)
	})

	it('without a named wait it is parked for a minute', async () => {
		const { error, completedAt } = await expectFallback(await ended('429 without'), 'codex', 'PROVIDER_RATE_LIMITED')
		expect(error?.message).toContain('429')
		const { parkedUntil } = await providerStatus(shared.stack, 'codex')
		expect(parkedUntil).toBeGreaterThan((completedAt ?? 0) + 50_000)
		expect(parkedUntil).toBeLessThan((completedAt ?? 0) + 70_000)
	})

	it('a server error alone does not take a provider out of service', async () => {
		const { error, executionId } = await expectFallback(await ended('500'), 'claude', 'PROVIDER_ERROR')
		expect(error?.message).toContain('500')
		expect(await providerStatus(shared.stack, 'claude')).toMatchObject({ available: true, circuit: 'closed', parkedUntil: null })
		const calls = bookedCalls(shared.stack, executionId)
		expect(calls.length).toBeGreaterThan(0)
		expect(calls.every((call) => call.status === 500 && call.error_code === 'PROVIDER_ERROR' && call.cost_micro_usd === 0)).toBe(true)
	})

	it.each([
		['no headers', 'codex'],
		['half a body', 'gemini'],
	] as const)('a model that stalls with %s is given up after stallMs', async (name, provider) => {
		const failed = await expectFallback(await ended(name), provider, 'AGENT_STALLED')
		expect(failed.error?.message).toBe(`The agent was stopped after ${STALL_MS} ms without any output.`)
	})

	it('what a stalled run had written is kept', async () => {
		const { executionId, patchSetId } = await expectEnd(await ended('stalled after a change'), 'failed', 'AGENT_STALLED')
		const set = await shared.stack.client.patchSet(executionId)
		expect(set).toMatchObject({ patch_set_id: patchSetId, files: [{ path: 'result.txt', change: 'create' }], patches: [{ block: 'half\n' }] })
	})

	it('exit code 0 without a change is no success', async () => {
		const failed = await expectFallback(await ended('only words'), 'codex', 'NO_CHANGES')
		expect(failed.error?.message).toBe('The agent ended without changing a file. It said: It is fine as it is. [model emulator]')
	})

	it('an edit that the tool of the CLI refuses is no success', async () => {
		const failed = await expectFallback(await ended('edit refused'), 'claude', 'NO_CHANGES')
		expect(failed.error?.message).toMatch(/^The agent ended without changing a file\. It said: Step 1 of scenario "token-\w+-0" failed: README\.md: .*not found/)
	})

	it('a run over its budget is cut off, keeps what it wrote, and nobody spends more', async () => {
		const done = await ended('over budget')
		const { executionId, patchSetId, cost, error, budgetUsd } = await expectEnd(done, 'failed', 'BUDGET_EXCEEDED')
		expect(error?.message).toMatch(/^BUDGET_EXCEEDED: The budget of 0\.0000 USD is used up: 0\.\d+ USD spent\.$/)
		expect(budgetUsd).toBe(0.000_001)
		expect(cost.usd).toBeGreaterThan(budgetUsd ?? 0)
		expect(toldUsage(shared.stack, done.token).calls).toBe(1)
		expect(linesOf(done.log, 'budget.stop')).toMatchObject([{ level: 'warn', details: { code: 'BUDGET_EXCEEDED' } }])
		expect(await shared.stack.client.patchSet(executionId)).toMatchObject({ patch_set_id: patchSetId, files: [{ path: 'result.txt' }] })
	})

	it('a provider that was asked for by name is not replaced', async () => {
		const { route } = await expectEnd(await ended('by name'), 'failed', 'NO_CHANGES')
		expect(route).toMatchObject({ mode: 'manual', chain: [] })
	})

	it('a cancelled run ends at once and keeps what it wrote', async () => {
		const placed = await place(shared.stack, { ...LEADS.claude, scenario: SLOW })
		const { client } = shared.stack
		await vi.waitUntil(async () => linesOf(await client.log(placed.executionId), 'agent.tool').length > 0, { timeout: 30_000, interval: 100 })
		await client.cancel(placed.executionId, 'The customer changed her mind.')
		const done = await placed.settled()
		const { error, executionId } = await expectEnd(done, 'cancelled', 'EXECUTION_CANCELLED')
		expect(error?.message).toBe('The customer changed her mind.')
		expect(linesOf(done.log, 'execution.cancel-requested')).toMatchObject([{ details: { reason: 'The customer changed her mind.' } }])
		expect((await client.patchSet(executionId)).files).toMatchObject([{ path: 'result.txt' }])
	})
})

describe('a chain of providers that cannot be used', () => {
	it('is followed to its end, and every attempt says what was wrong', async () => {
		const { executions, execution, order: view, clone } = await chain('all')
		expect(outcomes(executions), executions.map(told).join('\n')).toEqual([
			'codex failed PROVIDER_AUTH_FAILED',
			'claude failed PROVIDER_ERROR',
			'copilot failed PROVIDER_UNREACHABLE',
			'gemini completed',
		])
		const [refused, silent, closed] = executions
		expect(refused.error?.message).toMatch(/Incorrect API key|401/)
		expect(closed?.error?.message).toContain(`PROVIDER_UNREACHABLE: The provider at 127.0.0.1:${closedPort} cannot be reached.`)
		// It would go on for a minute by itself.
		expect(closed?.cost.calls).toBe(3)
		expect(silent?.error?.message).toContain(`GATEWAY_TIMEOUT: The provider at 127.0.0.1:${blackHole.port} sent no answer within 300 ms.`)
		expect(bookedCalls(broken.stack, silent?.executionId ?? '').every((call) => call.error_code === 'GATEWAY_TIMEOUT' && call.status === 504)).toBe(true)
		expect(executions.map((each) => [each.attempt, each.route.mode])).toEqual([[1, 'automatic'], [2, 'fallback'], [3, 'fallback'], [4, 'fallback']])
		expect(view).toMatchObject({ status: 'completed', commit: execution.landedCommit })
		expect((await (await clone()).tree())['result.txt']).toBe('the last one\n')
	})
})
