import { env } from 'cloudflare:workers'
import { AppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { requestCancel } from '../../../database/repositories/executions.ts'
import { findPatchSet } from '../../../database/repositories/patchSets.ts'
import { DAY_MS } from './julesPlanLimits.ts'
import { createJulesRawPatches } from './julesRawPatches.ts'
import { changeSet, createJulesFixture, MINUTE, newFile } from './testing/julesFixture.ts'
import type { FixtureOptions } from './testing/julesFixture.ts'

const completed = { event: { kind: 'sessionCompleted' }, by: 'system' } as const
const work = { kind: 'progressUpdated', title: 'Wrote', description: '' } as const
const say = (message: string) => ({ event: { kind: 'agentMessaged', message } as const })
const PLAN = { event: { kind: 'planGenerated' as const, plan: { id: 'p1', steps: [{ id: '1', title: 'Write it', description: '', index: 0 }] } } }

/** A session that runs. */
async function running(options: FixtureOptions = {}) {
	const fixture = await createJulesFixture(options)
	expect(await fixture.start()).toEqual({ state: 'started' })
	return fixture
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
	return work.then(() => 'nothing was thrown', (error: { code?: string }) => error.code ?? error)
}

describe('the start of a session', () => {
	it('is made once, and is on record like the dispatch of a CLI', async () => {
		const { start, cloud, execution, executionId, linesOf } = await running()
		expect(await start()).toEqual({ state: 'started' })
		expect(cloud.callsOf('create')).toMatchObject([['create', { marker: `[vibehq ${executionId}]`, prompt: 'Fix the adder', requirePlanApproval: false, automationMode: 'AUTOMATION_MODE_UNSPECIFIED' }]])
		expect(await execution()).toMatchObject({ phase: 'wait', phasesAt: { dispatch: expect.any(Number), wait: expect.any(Number) }, modelCalls: 1, unpricedCalls: 1, costMicroUsd: 0 })
		expect(await linesOf('execution.dispatched')).toMatchObject([{ details: { provider: 'jules', session: expect.stringMatching(/^9\d+$/) } }])
	})

	it.each([
		['its own branch, where it is there', true, 'factory'],
		['the given branch, before it is', false, 'develop'],
	])('works on %s', async (_name, hasOwn, branch) => {
		const { start, cloud, memory, base, execution } = await createJulesFixture({ files: { 'a.txt': 'a\n' }, githubOf: async () => ({ owner: 'acme', repo: 'shop', branch: 'develop' }) })
		if (hasOwn) memory.refs.set(`refs/heads/${(await execution()).input.branch}`, base)
		await start()
		expect(cloud.callsOf('create')).toMatchObject([['create', { source: 'sources/github/acme/shop', startingBranch: expect.stringContaining(branch) }]])
	})

	it('needs a repository that is connected, or nothing to start from', async () => {
		const unconnected = await createJulesFixture({ githubOf: async () => ({ owner: 'nobody', repo: 'shop', branch: 'main' }) })
		expect(await codeOf(unconnected.start())).toBe('PROVIDER_REFUSED')
		const hosted = await createJulesFixture({ files: { 'a.txt': 'a\n' } })
		expect(await codeOf(hosted.start())).toBe('PROVIDER_REFUSED')
		expect(hosted.cloud.calls).toEqual([])
	})

	it('waits for the day of the plan, says until when, and goes on then', async () => {
		const first = await running({ budget: { perDay: 1, concurrent: 3 } })
		await first.collect({ code: 'AGENT_FAILED', message: 'enough' })
		const next = await createJulesFixture({ budget: { perDay: 1, concurrent: 3 }, beside: first })
		const forecastAt = first.clock.at + DAY_MS
		expect(await next.start()).toEqual({ state: 'waits', waitMs: DAY_MS })
		expect((await next.execution()).error).toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryAt: forecastAt, details: { limitedBy: 'day', forecastAt } })
		expect((await next.execution()).seenAt).toBe(forecastAt)
		expect(await next.linesOf('execution.parked')).toMatchObject([{ level: 'warn', details: { limitedBy: 'day', forecastAt } }])
		next.clock.at += DAY_MS
		expect(await next.start()).toEqual({ state: 'started' })
		expect((await next.execution()).error).toBeNull()
	})

	it('waits for the end of a session when as many run as may', async () => {
		const first = await running({ budget: { perDay: 9, concurrent: 1 } })
		const next = await createJulesFixture({ budget: { perDay: 9, concurrent: 1 }, beside: first })
		expect(await next.start()).toEqual({ state: 'waits', waitMs: 5 * MINUTE })
		expect((await next.execution()).error).toMatchObject({ details: { limitedBy: 'concurrency', forecastAt: null } })
		await first.collect({ code: 'AGENT_FAILED', message: 'enough' })
		expect(await next.start()).toEqual({ state: 'started' })
	})

	it('never gives the last place to two', async () => {
		const budget = { perDay: 2, concurrent: 9 }
		const first = await createJulesFixture({ budget })
		const all = [first, ...(await Promise.all([1, 2, 3].map(() => createJulesFixture({ budget, beside: first }))))]
		const states = (await Promise.all(all.map(({ start }) => start()))).map(({ state }) => state)
		expect(states.sort()).toEqual(['started', 'started', 'waits', 'waits'])
	})

	it('is left to the next provider when there is one', async () => {
		const first = await running({ budget: { perDay: 1, concurrent: 3 } })
		const next = await createJulesFixture({ budget: { perDay: 1, concurrent: 3 }, beside: first, order: { costProfile: 'economy' } })
		expect((await next.execution()).route).toMatchObject({ provider: 'jules', mode: 'automatic', chain: ['codex'] })
		expect(await next.start()).toMatchObject({ state: 'failed', failure: { code: 'PROVIDER_RATE_LIMITED', retryAt: first.clock.at + DAY_MS } })
	})

	it('waits as long as Jules says, and keeps no place meanwhile', async () => {
		const { start, cloud, clock, execution } = await createJulesFixture({ budget: { perDay: 1, concurrent: 1 } })
		cloud.fails.create = new AppError('PROVIDER_RATE_LIMITED', 'Too many.', { retryAt: clock.at + 90_000 })
		expect(await start()).toEqual({ state: 'waits', waitMs: 90_000 })
		expect((await execution()).error).toMatchObject({ retryAt: clock.at + 90_000, details: { limitedBy: 'rate-limit' } })
		cloud.fails.create = null
		expect(await start()).toEqual({ state: 'started' })
	})

	it('keeps its place while nobody knows whether it was made', async () => {
		const budget = { perDay: 1, concurrent: 1 }
		const lost = await createJulesFixture({ budget })
		lost.cloud.fails.create = new AppError('PROVIDER_UNREACHABLE', 'No answer.')
		expect(await codeOf(lost.start())).toBe('PROVIDER_UNREACHABLE')
		const other = await createJulesFixture({ budget, beside: lost })
		expect(await other.start()).toMatchObject({ state: 'waits' })
		lost.cloud.fails.create = null
		expect(await lost.start()).toEqual({ state: 'started' })
	})
})

describe('the end of a session', () => {
	it('is a patch set on its base, after one more look', async () => {
		const { cloud, look, lookAfter, collect, execution, base, patches, executionId, linesOf } = await running()
		expect(await look()).toMatchObject({ state: 'waits' })
		cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(newFile('done.txt', 'done'))] })
		expect(await lookAfter(1)).toEqual({ state: 'waits', waitMs: MINUTE })
		expect(await lookAfter(1)).toEqual({ state: 'done' })
		expect(await collect()).toBeNull()
		const { patchSetId, status } = await execution()
		expect(status).toBe('landing')
		expect(await patches.ofExecution(executionId)).toMatchObject({ patch_set_id: patchSetId, base_commit: base, summary: 'Made by Jules', files: [{ path: 'done.txt', change: 'create' }] })
		expect(await linesOf('agent.finished')).toMatchObject([{ details: { session: expect.stringMatching(/^9\d+$/), patchSetId } }])
	})

	it('links the pull request', async () => {
		const { cloud, lookAfter, collect, linesOf } = await running()
		const url = 'https://github.com/acme/shop/pull/7'
		cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(newFile('a', 'a')), { kind: 'pullRequest', pullRequest: { url, title: '', description: '', baseRef: null, headRef: null } }] })
		await lookAfter(1)
		await lookAfter(1)
		await collect()
		expect(await linesOf('agent.finished')).toMatchObject([{ details: { pullRequests: [url] } }])
	})

	it('takes a change that comes after it, once, and keeps the first as evidence', async () => {
		const { cloud, lookAfter, collect, execution, db, linesOf } = await running()
		cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(newFile('done.txt', 'first'))] })
		await lookAfter(1)
		cloud.move('IN_PROGRESS', { events: [{ event: work }] })
		expect(await lookAfter(1)).toMatchObject({ state: 'waits' })
		cloud.move('COMPLETED', { events: [{ event: work, artifacts: [changeSet(newFile('done.txt', 'second'))] }, completed], outputs: [changeSet(newFile('done.txt', 'second'))] })
		expect(await lookAfter(1)).toEqual({ state: 'done' })
		await collect()
		const patchSetId = (await execution()).patchSetId ?? ''
		expect(patchSetId).toMatch(/~2$/)
		expect((await findPatchSet(db, patchSetId))?.body).toContain('second')
		expect(await findPatchSet(db, patchSetId.replace('~2', ''))).toMatchObject({ status: 'evidence' })
		expect(await linesOf('agent.late-result')).toHaveLength(1)
	})

	it('does not wait for ever for a session that works on after its result', async () => {
		const { cloud, lookAfter } = await running()
		cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(newFile('done.txt', 'first'))] })
		await lookAfter(1)
		cloud.move('IN_PROGRESS', { events: [{ event: work }] })
		expect(await lookAfter(14)).toMatchObject({ state: 'waits' })
		expect(await lookAfter(2)).toEqual({ state: 'done' })
	})

	it('without a change is a failure', async () => {
		const { cloud, lookAfter } = await running()
		cloud.move('COMPLETED', { events: [completed], outputs: [changeSet('')] })
		expect(await lookAfter(1)).toMatchObject({ state: 'failed', failure: { code: 'NO_CHANGES' } })
	})

	it('with its reason is the failure of the agent, and what it had written is kept', async () => {
		const { cloud, lookAfter, collect, execution, patches, executionId } = await running()
		cloud.move('IN_PROGRESS', { events: [{ event: work, artifacts: [changeSet(newFile('half.txt', 'half'))] }] })
		await lookAfter(1)
		cloud.move('FAILED', { events: [{ event: { kind: 'sessionFailed', reason: 'it was too hard' }, by: 'system' }] })
		const look = await lookAfter(1)
		expect(look).toEqual({ state: 'failed', failure: { code: 'AGENT_FAILED', message: 'Jules gave the task up: it was too hard' } })
		const failure = { code: 'AGENT_FAILED', message: 'it was too hard' }
		expect(await collect(failure)).toEqual(failure)
		expect(await collect(failure)).toEqual(failure)
		expect(await execution()).toMatchObject({ status: 'running', patchSetId: expect.stringMatching(/^PST-/) })
		expect(await patches.ofExecution(executionId)).toMatchObject({ files: [{ path: 'half.txt' }] })
	})
})

describe('what Jules hands in', () => {
	async function handIn(options: { github?: boolean; diff?: string; baseOf?: (fixture: Awaited<ReturnType<typeof running>>) => Promise<string> } = {}) {
		const { github = true, diff = newFile('done.txt', 'done'), baseOf } = options
		const fixture = await running({ ...(github ? { files: { 'a.txt': 'a\n' }, githubOf: async () => ({ owner: 'acme', repo: 'shop', branch: 'main' }) } : {}) })
		const baseCommit = baseOf === undefined ? fixture.base : await baseOf(fixture)
		fixture.cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(diff, baseCommit)] })
		return { ...fixture, baseCommit, first: await fixture.lookAfter(1) }
	}

	it('may be on a commit that came to its branch meanwhile', async () => {
		const all = await handIn({
			async baseOf({ memory, base }) {
				const newer = await memory.addCommit(await memory.addTree({ 'a.txt': 'b\n' }), [base])
				memory.refs.set('refs/heads/main', await memory.addCommit(await memory.addTree({ 'a.txt': 'c\n' }), [newer]))
				return newer
			},
		})
		expect(all.first).toMatchObject({ state: 'waits' })
		expect(await all.lookAfter(1)).toEqual({ state: 'done' })
		await all.collect()
		expect(await all.execution()).toMatchObject({ baseCommit: all.baseCommit })
	})

	it('may not be on a commit of somebody else, whom the same host serves', async () => {
		const { first } = await handIn({ baseOf: ({ memory, base }) => memory.addTree({ 'evil.txt': 'x\n' }).then((tree) => memory.addCommit(tree, [base])) })
		expect(first).toMatchObject({ state: 'failed', failure: { code: 'PROVIDER_OUTPUT_INVALID', message: expect.stringContaining('which the branches of the order do not have') } })
	})

	it('may not be on a commit that there is not, nor on nothing where there are files', async () => {
		expect((await handIn({ baseOf: async () => 'f'.repeat(40) })).first).toMatchObject({ state: 'failed', failure: { code: 'PROVIDER_OUTPUT_INVALID' } })
		const all = await running({ files: { 'a.txt': 'a\n' }, githubOf: async () => ({ owner: 'acme', repo: 'shop', branch: 'main' }) })
		all.cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(newFile('done.txt', 'done'), null)] })
		expect(await all.lookAfter(1)).toMatchObject({ state: 'failed', failure: { code: 'PROVIDER_OUTPUT_INVALID', message: expect.stringContaining('empty tree') } })
	})

	it.each(['main', 'A'.repeat(40), '--upload-pack=x', 'a'.repeat(39), 'b'.repeat(64)])('may not be on %j, which is no commit', async (baseCommit) => {
		expect((await handIn({ baseOf: async () => baseCommit })).first).toMatchObject({ state: 'failed', failure: { code: 'PROVIDER_OUTPUT_INVALID', message: expect.stringContaining('is not a commit') } })
	})

	it.each([
		['longer than is taken', newFile('long.txt', 'x'.repeat(8 * 1024 * 1024)), 'PATCH_TOO_LARGE'],
		['a binary file', 'diff --git a/x.png b/x.png\nnew file mode 100644\nindex 0000000..1234567\nBinary files /dev/null and b/x.png differ\n', 'PATCH_BINARY_UNSUPPORTED'],
		['bytes that were lost', newFile('latin.txt', 'caf\ufffd'), 'PATCH_BINARY_UNSUPPORTED'],
		['lines that the base has not', 'diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-z\n+b\n', 'PATCH_CORRUPT'],
		['a path that leads out', newFile('../x', 'x'), 'PATCH_POLICY'],
	])('may not be %s; the diff is kept for a person', async (_name, diff, code) => {
		const { first, executionId } = await handIn({ diff })
		expect(first).toMatchObject({ state: 'failed', failure: { code, message: expect.stringContaining(`GET /api/executions/${executionId}/raw-patch`), details: { rawPatch: `/api/executions/${executionId}/raw-patch` } } })
		expect(await createJulesRawPatches(env.OUTPUTS).read(executionId)).toBe(diff)
	})
})

describe('a person', () => {
	it('approves the plan, once', async () => {
		const { cloud, look, lookAfter, asked, decide } = await running({ asksPlanApproval: async () => true })
		expect(cloud.callsOf('create')).toMatchObject([['create', { requirePlanApproval: true }]])
		cloud.move('AWAITING_PLAN_APPROVAL', { events: [PLAN] })
		expect(await look()).toMatchObject({ state: 'waits' })
		await look()
		expect(await asked()).toEqual(['plan-approval pending'])
		await decide('approve')
		await look()
		expect(cloud.callsOf('approvePlan')).toHaveLength(1)
		cloud.move('IN_PROGRESS', { events: [{ event: { kind: 'planApproved', planId: 'p1' }, by: 'user' }] })
		await lookAfter(1)
		expect(cloud.callsOf('approvePlan')).toHaveLength(1)
	})

	it('says no to the plan, and nobody else tries', async () => {
		const { cloud, look, decide, collect } = await running({ asksPlanApproval: async () => true })
		cloud.move('AWAITING_PLAN_APPROVAL', { events: [PLAN] })
		await look()
		await decide('reject')
		const failure = { code: 'HUMAN_REJECTED', message: 'somebody said no to the plan of Jules: not so.' }
		expect(await look()).toMatchObject({ state: 'failed', failure })
		expect(cloud.callsOf('approvePlan')).toEqual([])
		await collect(failure)
		expect(cloud.callsOf('archive')).toHaveLength(1)
	})

	it("answers a question; the time that takes is not the agent's", async () => {
		const { cloud, look, lookAfter, asked, decide } = await running({ order: { provider: 'jules', wallClockMs: 10 * MINUTE } })
		cloud.move('AWAITING_USER_FEEDBACK', { events: [say('Tabs or spaces?')] })
		await look()
		expect(await lookAfter(50)).toEqual({ state: 'waits', waitMs: 5 * MINUTE })
		await decide('approve', 'Tabs.')
		await look()
		expect(cloud.callsOf('sendMessage')).toEqual([['sendMessage', 'Tabs.']])
		expect(await asked()).toEqual(['question approved'])
	})

	it('may take days, and it is looked ever less often', async () => {
		const { cloud, look, lookAfter } = await running({ answerTtlOf: async () => 7 * DAY_MS })
		cloud.move('AWAITING_USER_FEEDBACK', { events: [say('Tabs or spaces?')] })
		await look()
		expect(await lookAfter(100)).toEqual({ state: 'waits', waitMs: 10 * MINUTE })
		expect(await lookAfter(3000)).toEqual({ state: 'waits', waitMs: 60 * MINUTE })
	})

	it('does not answer in time', async () => {
		const { cloud, look, lookAfter } = await running()
		cloud.move('AWAITING_USER_FEEDBACK', { events: [say('Tabs or spaces?')] })
		await look()
		expect(await lookAfter(61)).toMatchObject({ state: 'failed', failure: { code: 'HUMAN_REJECTED', message: 'Nobody answered the question of Jules in time.' } })
	})

	it('is not asked any more when somebody answered in the cloud', async () => {
		const { cloud, look, asked } = await running()
		cloud.move('AWAITING_USER_FEEDBACK', { events: [say('Tabs or spaces?')] })
		await look()
		cloud.move('IN_PROGRESS', { events: [{ event: { kind: 'userMessaged', message: 'Tabs.' }, by: 'user' }] })
		await look()
		expect(await asked()).toEqual(['question superseded'])
		expect(cloud.callsOf('sendMessage')).toEqual([])
	})
})

describe('what the agent says', () => {
	it('is in the log in the words of a CLI, once, short, and without keys', async () => {
		const { cloud, look, linesOf } = await running()
		const key = `sk-ant-api03-${'a'.repeat(95)}`
		cloud.move('IN_PROGRESS', { events: [PLAN, { event: { ...work, title: 'Wrote it', description: `with ${key}` } }, say('x'.repeat(5000)), { event: { kind: 'userMessaged', message: 'go on' }, by: 'user' }] })
		await look()
		await look()
		const texts = async (operation: string) => (await linesOf(operation)).map(({ details }) => String(details['text']))
		const [plan, progress, ...more] = await texts('agent.phase')
		expect([plan, more]).toEqual(['Plan: 1. Write it', []])
		expect(progress).toMatch(/^Wrote it: with /)
		expect(progress).not.toContain(key)
		expect((await texts('agent.message')).map(({ length }) => length)).toEqual([2000])
	})
})

describe('a session that goes wrong', () => {
	it('is nudged once, and given up', async () => {
		const { cloud, look, lookAfter, linesOf } = await running()
		cloud.move('IN_PROGRESS', { events: [{ event: work }] })
		await look()
		await lookAfter(15)
		expect(cloud.callsOf('sendMessage')).toHaveLength(1)
		expect(await linesOf('agent.nudged')).toHaveLength(1)
		expect(await lookAfter(10)).toMatchObject({ state: 'failed', failure: { code: 'AGENT_STALLED' } })
	})

	it('may not work longer than its order allows', async () => {
		const { cloud, look, lookAfter } = await running({ order: { provider: 'jules', wallClockMs: 10 * MINUTE } })
		cloud.move('IN_PROGRESS', { events: [{ event: work }] })
		await look()
		expect(await lookAfter(9)).toMatchObject({ state: 'waits' })
		expect(await lookAfter(2)).toMatchObject({ state: 'failed', failure: { code: 'AGENT_TIMEOUT' } })
	})

	it('is waited for while its API is away, but not for ever', async () => {
		const { cloud, look, lookAfter, linesOf } = await running()
		cloud.fails.read = new AppError('PROVIDER_ERROR', 'It answered 503.')
		expect(await look()).toEqual({ state: 'waits', waitMs: MINUTE })
		expect(await lookAfter(10)).toMatchObject({ state: 'waits' })
		expect(await linesOf('agent.unreachable')).toHaveLength(1)
		expect(await lookAfter(5)).toMatchObject({ state: 'failed', failure: { code: 'PROVIDER_ERROR' } })
	})

	it('is looked at as usual when its API is back', async () => {
		const { cloud, look, lookAfter } = await running()
		cloud.fails.read = new AppError('PROVIDER_ERROR', 'It answered 503.')
		await look()
		cloud.fails.read = null
		expect(await lookAfter(14)).toMatchObject({ state: 'waits' })
		cloud.fails.read = new AppError('PROVIDER_ERROR', 'It answered 503.')
		expect(await lookAfter(2)).toMatchObject({ state: 'waits' })
	})

	it('ends at once where the key is refused', async () => {
		const { cloud, look } = await running()
		cloud.fails.read = new AppError('PROVIDER_AUTH_FAILED', 'The key is refused.')
		expect(await codeOf(look())).toBe('PROVIDER_AUTH_FAILED')
	})

	it('lands its result though its API is away afterwards', async () => {
		const { cloud, lookAfter } = await running()
		cloud.move('COMPLETED', { events: [completed], outputs: [changeSet(newFile('done.txt', 'done'))] })
		await lookAfter(1)
		cloud.fails.read = new AppError('PROVIDER_UNREACHABLE', 'No answer.')
		expect(await lookAfter(1)).toEqual({ state: 'done' })
	})

	it('is archived when somebody cancels it, and nobody is asked any more', async () => {
		const { cloud, look, collect, db, executionId, clock, asked, linesOf } = await running()
		cloud.move('AWAITING_USER_FEEDBACK', { events: [say('Tabs or spaces?')] })
		await look()
		await db.run(requestCancel({ executionId, reason: 'enough', at: clock.at }))
		expect(await codeOf(look())).toBe('EXECUTION_CANCELLED')
		await collect({ code: 'EXECUTION_CANCELLED', message: 'enough' })
		expect(cloud.callsOf('archive')).toHaveLength(1)
		expect(await asked()).toEqual(['question superseded'])
		expect(await linesOf('agent.failed')).toMatchObject([{ details: { isArchived: true } }])
	})
})
