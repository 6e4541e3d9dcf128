// Each agent's real CLI, in the runner's isolation, against scripted models: what it did lands exactly, and everything about it is on record.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PatchSet } from '@shared/contracts'
import type { ProviderName } from '@shared/contracts'
import { git } from '@shared/testing/stack'
import { bookedCalls, toldUsage } from './support/books.ts'
import { guardSecrets } from './support/canary.ts'
import { linesOf, placedOrders, sharedStack, tempFolder } from './support/stack.ts'
import type { OrderSpec, SettledOrder } from './support/stack.ts'

const shared = sharedStack({ runner: { extraArgs: ['--concurrency', '2'] } })
guardSecrets(shared)

const AGENTS = [
	{ provider: 'codex', model: 'gpt-5.5' },
	{ provider: 'claude', model: 'claude-sonnet-5' },
	{ provider: 'gemini', model: 'gemini-3.8-flash' },
	{ provider: 'copilot', model: 'claude-sonnet-5' },
] as const satisfies { provider: ProviderName; model: string }[]

// Line ends, trailing spaces and a missing last newline are kept as they are, or the tree is another one.
const BASE = {
	'README.md': 'A greeter.\n',
	'src/greeting.js': "export const greeting = 'hello'\nexport const mark = '!'\n",
	'src/old.js': 'export const old = true\n',
	'data/ümläut.txt': 'kept  \r\nas it is',
}
const LANDED = {
	'README.md': 'A greeter.\n',
	'src/greeting.js': "export const greeting = 'good morning'\nexport const mark = '!'\n",
	'src/farewell/farewell.js': "export const farewell = 'bye 👋'\n",
	'data/ümläut.txt': 'kept  \r\nas it is',
}
const CHANGE: OrderSpec = {
	prompt: 'Greet in the morning, say farewell, and drop the old module',
	files: BASE,
	scenario: {
		steps: [
			{ edit: { path: 'src/greeting.js', old: "'hello'", new: "'good morning'" } },
			{ write: { path: 'src/farewell/farewell.js', content: "export const farewell = 'bye 👋'\n" } },
			{ shell: 'rm src/old.js' },
			{ say: 'Greets in the morning and says farewell.' },
		],
	},
}

const VALIDATE = ['test ! -e src/old.js', 'node src/farewell/farewell.js']
const FAILING = ['test -e src/greeting.js', 'echo the old module is missing >&2; test -e src/old.js', 'echo later']
const ended = placedOrders(shared, {
	codex: { ...CHANGE, provider: 'codex', validate: VALIDATE },
	claude: { ...CHANGE, provider: 'claude', validate: VALIDATE },
	gemini: { ...CHANGE, provider: 'gemini', validate: VALIDATE },
	copilot: { ...CHANGE, provider: 'copilot', validate: VALIDATE },
	'validation that fails': { ...CHANGE, provider: 'codex', validate: FAILING },
})

const patch = ({ executionId }: SettledOrder, accept: string) =>
	fetch(`${shared.stack.url}/api/executions/${executionId}/patch`, { headers: { authorization: `Bearer ${shared.stack.operatorToken}`, accept } })

describe.each(AGENTS)('$provider', ({ provider, model }) => {
	it('lands exactly what it did, on the branch of its order', async () => {
		const { execution, order: view, orderId, base, clone } = await ended(provider)
		expect(execution).toMatchObject({ status: 'completed', phase: 'settled', error: null, provider, model, baseCommit: base.commit, attempt: 1 })
		expect(view).toMatchObject({ status: 'completed', branch: `factory/${orderId}`, commit: execution.landedCommit, tasks: [{ status: 'completed', provider, error: null }] })
		expect(execution.landedCommit).toBe(execution.candidateCommit)
		const landed = await clone()
		expect(await landed.git('rev-parse', 'HEAD', 'HEAD^')).toBe(`${execution.landedCommit}\n${base.commit}`)
		expect(await landed.tree()).toEqual(LANDED)
		expect(await (await clone('main')).tree()).toEqual(BASE)
	})

	it('signs the commit with where it comes from', async () => {
		const { execution, orderId, taskId, clone } = await ended(provider)
		const landed = await clone()
		expect(await landed.git('log', '-1', '--format=%an <%ae>|%cn|%s')).toMatch(/^VibeHQ <factory@vibehq\.invalid>\|VibeHQ\|Greets in the morning and says farewell\./)
		expect((await landed.git('log', '-1', '--format=%(trailers:unfold)')).trim().split('\n')).toEqual([
			`Order: ${orderId}`,
			`Task: ${taskId}`,
			`Execution: ${execution.executionId}`,
			`Patch-Set: ${execution.patchSetId}`,
			`Provider: ${provider}`,
		])
	})

	it('leaves an audit trail in the order in which things happened', async () => {
		const { log, execution, orderId } = await ended(provider)
		const operations = log.map((line) => line.operation)
		expect(operations.filter((operation) => !/^(agent|queue|collision)\./.test(operation))).toEqual([
			'execution.queued',
			'workspace.ready',
			'execution.dispatched',
			'patch-set.stored',
			'patch-set.policy-passed',
			'patch.policy-passed',
			'patch-set.candidate',
			'patch.candidate',
			'patch.validating',
			'patch-set.validated',
			'patch.validated',
			'patch-set.landed',
			'patch.landed',
			'execution.completed',
		])
		// A task that ends before its first heartbeat is never seen running.
		const lease = ['queue.submitted', 'queue.claimed', 'queue.completed']
		expect(operations.filter((operation) => operation.startsWith('queue.') && operation !== 'queue.running')).toEqual([...lease, ...lease])
		const told = new Set(operations.filter((operation) => operation.startsWith('agent.')))
		for (const operation of ['agent.phase', 'agent.edit', 'agent.tool', 'agent.message', 'agent.usage', 'agent.finished']) expect(told).toContain(operation)
		expect(log.every((line) => line.executionId === execution.executionId && line.orderId === orderId)).toBe(true)
		expect(log.map((line) => Number(line.cursor))).toEqual(log.map((line) => Number(line.cursor)).sort((a, b) => a - b))
		expect(linesOf(log, 'queue.claimed')[0]?.details['assignedTo']).toMatch(/^local:runner-[12]$/)
	})

	it('is metered by the gateway, call by call', async () => {
		const { execution, token } = await ended(provider)
		const told = toldUsage(shared.stack, token)
		const calls = bookedCalls(shared.stack, execution.executionId)
		expect(told.calls).toBeGreaterThan(1)
		expect(execution.cost.calls).toBe(calls.length)
		expect(calls.filter((call) => call.status === 200 && call.input_tokens > 0)).toHaveLength(told.calls)
		const sum = (name: 'input_tokens' | 'output_tokens' | 'cost_micro_usd') => calls.reduce((total, call) => total + (call[name] ?? 0), 0)
		expect({ inputTokens: sum('input_tokens'), outputTokens: sum('output_tokens') }).toEqual(told.tokens)
		expect(execution.usage).toMatchObject(told.tokens)
		expect(execution.cost.usd).toBeCloseTo(sum('cost_micro_usd') / 1e6, 9)
		const hasPrice = calls.every((call) => call.cost_micro_usd !== null)
		expect(execution.cost.unpriced).toBe(!hasPrice)
		if (hasPrice) expect(execution.cost.usd).toBeGreaterThan(0)
	})

	it('was routed for reasons that are kept', async () => {
		const { execution, created } = await ended(provider)
		expect(execution.route).toMatchObject({ provider, mode: 'manual', reason: `${provider} was asked for by name.`, chain: [] })
		expect(execution.route).toEqual(created.route)
		expect(execution.route.candidates).toHaveLength(6)
		for (const candidate of execution.route.candidates) expect(candidate.reasons.length).toBeGreaterThan(0)
		expect(execution.route.candidates.find((candidate) => candidate.provider === provider)).toMatchObject({ eligible: true, model })
	})

	it('hands out its patch set as JSON, pinned to its base', async () => {
		const { execution, base } = await ended(provider)
		const set = PatchSet.parse(await (await patch(await ended(provider), 'application/json')).json())
		expect(set).toMatchObject({ patch_set_id: execution.patchSetId, execution_id: execution.executionId, base_commit: base.commit, metadata: { provider } })
		expect(set.files.map(({ path, change }) => [path, change]).sort()).toEqual([
			['src/farewell/farewell.js', 'create'],
			['src/greeting.js', 'modify'],
			['src/old.js', 'delete'],
		])
		expect(set.summary).toContain('Greets in the morning')
	})

	it('hands out its patch set as a diff that git applies to the base', async () => {
		const { clone } = await ended(provider)
		const answer = await patch(await ended(provider), 'text/x-diff')
		expect(answer.headers.get('content-type')).toBe('text/x-diff; charset=utf-8')
		const diff = join(tempFolder(shared.stack), 'change.diff')
		writeFileSync(diff, await answer.text())
		const start = await clone('main')
		await git(['apply', '--index', diff], { cwd: start.folder })
		expect(await start.tree(await start.git('write-tree'))).toEqual(LANDED)
	})
})

describe('the commands of an order', () => {
	it('all ran on the candidate before it landed', async () => {
		for (const { provider } of AGENTS) {
			const [validated] = linesOf((await ended(provider)).log, 'patch-set.validated')
			expect(validated?.details['commands']).toMatchObject([
				{ command: 'test ! -e src/old.js', exitCode: 0, timedOut: false },
				{ command: 'node src/farewell/farewell.js', exitCode: 0 },
			])
			expect(validated?.details['tree']).toBe(linesOf((await ended(provider)).log, 'patch.candidate')[0]?.details['tree'])
		}
	})

	it('stop the landing when one fails, and keep the patch set', async () => {
		const { execution, executions, log, order: view, clone } = await ended('validation that fails')
		expect(executions).toHaveLength(1)
		expect(execution).toMatchObject({ status: 'failed', landedCommit: null, nextExecutionId: null, error: { code: 'VALIDATION_FAILED' } })
		expect(execution.error?.message).toBe('On the candidate "echo the old module is missing >&2; test -e src/old.js" exited with 1. The patch set is kept.')
		expect(execution.error?.details).toMatchObject({ commands: [{ exitCode: 1, outputTail: 'the old module is missing\n' }] })
		expect(view).toMatchObject({ status: 'failed', commit: null, tasks: [{ status: 'failed', error: { code: 'VALIDATION_FAILED' } }] })
		expect(log.map((line) => line.operation)).toContain('patch.validation-failed')
		expect(log.map((line) => line.operation)).not.toContain('patch.landed')
		expect(linesOf(log, 'execution.failed')).toMatchObject([{ level: 'error', details: { error: { code: 'VALIDATION_FAILED' }, patchSetId: execution.patchSetId } }])
		const set = PatchSet.parse(await (await patch(await ended('validation that fails'), 'application/json')).json())
		expect(set.files).toHaveLength(3)
		await expect(clone()).rejects.toThrow(/Remote branch factory\/ORD-\w+ not found/)
	})
})
