import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFakeJules } from '@shared/testing/jules'
import type { FakeJules } from '@shared/testing/jules'
import { git } from '@shared/testing/stack'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { changeSetOf } from './julesChangeSet.ts'
import { createJulesClient } from './julesClient.ts'
import type { NewSession } from './julesCreate.ts'
import type { JulesClientDeps } from './julesRequest.ts'
import { watchJules } from './julesWatch.ts'
import type { WatchAction, WatchSettings } from './julesWatch.ts'
import { startWatch } from './julesWatchMemory.ts'

// The client over real HTTP against the stand-in, which the official SDK has found to have the shapes of the API.

const KEY = 'the-key-that-must-arrive'
let root: string
let gitDir: string
let head: string
let fake: FakeJules
let waits: number[]

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), 'jules-client-'))
	gitDir = join(root, 'shop')
	await git(['init', '--quiet', '--initial-branch=main', gitDir])
	await writeFile(join(gitDir, 'hello.txt'), 'hello\n')
	await git(['add', '--all'], { cwd: gitDir })
	await git(['commit', '--quiet', '--message', 'Start'], { cwd: gitDir })
	head = (await git(['rev-parse', 'HEAD'], { cwd: gitDir })).trim()
})
afterAll(() => rm(root, { recursive: true }))

beforeEach(async () => {
	waits = []
	const sources = [{ owner: 'Acme', repo: 'shop', gitDir }, ...Array.from({ length: 120 }, (_, index) => ({ owner: 'acme', repo: `site-${index}` }))]
	fake = await createFakeJules({ apiKeys: [KEY], sources, scenarios: [] })
	return () => fake.close()
})

function client(deps: Partial<JulesClientDeps> = {}) {
	// Waits are written down, and short: the stand-in plays in milliseconds.
	const brief = async (ms: number) => {
		waits.push(ms)
		await sleep(1)
	}
	return createJulesClient({ fetch, apiKey: KEY, baseURL: fake.url, sleep: brief, now: Date.now, ...deps })
}

/** For a session without a repository. */
const newBuild = (more: Partial<NewSession> = {}): NewSession => ({
	prompt: 'Say goodbye',
	marker: '[vibehq EXE-1]',
	title: 'Goodbye',
	requirePlanApproval: false,
	automationMode: 'AUTOMATION_MODE_UNSPECIFIED',
	notBefore: 0,
	...more,
})
const order = (more: Partial<NewSession> = {}) => newBuild({ source: 'sources/github/Acme/shop', startingBranch: 'main', ...more })

const creates = () => fake.calls.filter(({ method }) => method === 'sessions.create')

describe('findSource', () => {
	it('takes the name from the API, whatever case it is asked in', async () => {
		expect(await client().findSource({ owner: 'acme', repo: 'SHOP' })).toEqual({
			isConnected: true,
			source: { name: 'sources/github/Acme/shop', owner: 'Acme', repo: 'shop', defaultBranch: 'main', branches: ['main'] },
		})
		expect(fake.calls.map(({ method }) => method)).toEqual(['sources.get', 'sources.list'])
	})

	it('says how to connect a repository that is on no page of the list', async () => {
		const found = await client().findSource({ owner: 'acme', repo: 'secret' })
		expect(found).toEqual({ isConnected: false, message: expect.stringMatching(/acme\/secret is not connected.*https:\/\/jules\.google\.com/) })
		expect(fake.calls.map(({ method }) => method)).toEqual(['sources.get', 'sources.list', 'sources.list'])
	})

	it.each(['..', 'a/b', 'a?b', '', 'a%2fb'])('refuses the name %j before it asks', async (repo) => {
		await expect(client().findSource({ owner: 'acme', repo })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		expect(fake.calls).toEqual([])
	})

	it('takes a refusal of the name for no answer, and of the list for a bad key', async () => {
		fake.addFault({ on: 'sources.get', status: 403, times: 2 })
		expect(await client().findSource({ owner: 'Acme', repo: 'shop' })).toMatchObject({ isConnected: true })
		fake.addFault({ on: 'sources.list', status: 403 })
		await expect(client().findSource({ owner: 'Acme', repo: 'shop' })).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED' })
	})
})

describe('createSession', () => {
	beforeEach(() => fake.setScenarios([{ name: 'goodbye', match: 'goodbye' }]))

	it('puts the marker at the start of the title and finds the session again', async () => {
		const first = await client().createSession(order())
		expect(first).toMatchObject({ isNew: true, duplicateIds: [], session: { title: '[vibehq EXE-1] Goodbye', state: 'QUEUED' } })
		expect(await client().createSession(order())).toMatchObject({ isNew: false, session: { id: first.session.id } })
		expect(await client().createSession(order({ marker: '[vibehq EXE-2]', title: 'about [vibehq EXE-3]' }))).toMatchObject({ isNew: true })
		// A marker that stands somewhere in a title is not the marker of that session.
		expect(await client().createSession(order({ marker: '[vibehq EXE-3]' }))).toMatchObject({ isNew: true })
		expect(creates()).toHaveLength(3)
	})

	it.each([
		['a 500', { status: 500 }],
		['a cut connection', { cut: true as const }],
		['garbage', { garbage: true as const }],
		['no answer in time', { stall: 'headers' as const }],
	])('finds the session that was started in spite of %s', async (_what, fault) => {
		fake.addFault({ on: 'sessions.create', isApplied: true, times: 1, ...fault })
		fake.addFault({ on: 'sessions.list', status: 503, times: 1 })
		await expect(client({ timeoutMs: 2000 }).createSession(order())).rejects.toMatchObject({ code: 'PROVIDER_ERROR' })
		const created = await client({ timeoutMs: 2000 }).createSession(order())
		expect(created).toMatchObject({ isNew: false, session: { id: fake.sessionIds()[0] } })
		expect(creates()).toHaveLength(1)
		expect(fake.sessionIds()).toHaveLength(1)
	})

	it('looks several times, then leaves the next create to the caller', async () => {
		fake.addFault({ on: 'sessions.create', status: 503, times: 1 })
		await expect(client().createSession(order())).rejects.toMatchObject({ code: 'PROVIDER_ERROR', details: { status: 503, call: 'sessions.create' } })
		expect(waits).toEqual([2000, 5000, 10_000])
		expect(creates()).toHaveLength(1)
		expect(await client().createSession(order())).toMatchObject({ isNew: true })
	})

	it('does not look after an answer that is final', async () => {
		fake.addFault({ on: 'sessions.create', status: 429, retryAfterS: 30, times: 1 })
		await expect(client({ now: () => 1000 }).createSession(order())).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED', details: { retryAt: 31_000 } })
		await expect(client().createSession(order({ startingBranch: 'none' }))).rejects.toMatchObject({ code: 'PROVIDER_REFUSED', details: { googleStatus: 'FAILED_PRECONDITION' } })
		expect(waits).toEqual([])
	})

	it('looks through all that is new enough, and no further', async () => {
		for (let index = 0; index < 60; index++) await client().createSession(newBuild({ marker: `[vibehq EXE-${index + 10}]`, notBefore: Date.now() }))
		const calls = async (marker: string, notBefore: number) => {
			fake.calls.splice(0)
			const { isNew } = await client().createSession(newBuild({ marker, notBefore }))
			return [isNew, fake.calls.map(({ method }) => method).join(' ')]
		}
		expect(await calls('[vibehq EXE-10]', Date.now())).toEqual([false, 'sessions.list sessions.list'])
		expect(await calls('[vibehq EXE-11]', Date.now() + 3_600_000)).toEqual([true, 'sessions.list sessions.create'])
	})

	it('names the further sessions of a marker', async () => {
		const { session } = await client().createSession(order())
		await fetch(`${fake.url}/v1alpha/sessions`, { method: 'POST', headers: { 'x-goog-api-key': KEY }, body: JSON.stringify({ prompt: 'goodbye', title: session.title }) })
		const [, other] = fake.sessionIds()
		expect(await client().createSession(order())).toMatchObject({ session: { id: session.id }, duplicateIds: [other] })
	})

	it.each([{ marker: 'EXE-1' }, { marker: '[]' }, { marker: '[a] [b]' }, { marker: `[${'x'.repeat(101)}]` }, { source: 'sources/github/Acme/shop' }, { startingBranch: 'main' }])(
		'refuses %j before it asks',
		async (bad) => {
			await expect(client().createSession(newBuild(bad))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
			expect(fake.calls).toEqual([])
		},
	)
})

describe('a session', () => {
	const play = async (jules: object, more: Partial<NewSession> = {}) => {
		fake.setScenarios([{ name: 'goodbye', match: 'goodbye', jules }])
		const { session } = await client().createSession(order(more))
		return session.id
	}

	it('is waited for while the API does not know it, and not for ever', async () => {
		const id = await play({ early404s: 3 })
		expect(await client().getSession(id)).toMatchObject({ id })
		expect(waits).toEqual([1000, 2000, 4000])
		await expect(client().getSession('404')).rejects.toMatchObject({ code: 'PROVIDER_REFUSED', details: { status: 404 } })
		expect(waits.slice(3)).toEqual([1000, 2000, 4000, 8000, 16_000])
	})

	it('gives each activity once, with equal times and a page too long for one answer', async () => {
		const big = { write: { path: 'big.txt', content: 'x'.repeat(20_000) } }
		const id = await play({ delayMs: 0, steps: [...Array.from({ length: 60 }, (_, index) => ({ say: `word ${index}` })), { waitMs: 20 }, big, big, { say: 'same time' }] })
		const jules = client({ maxAnswerBytes: 30_000 })
		const seen: string[] = []
		let after = null
		for (let round = 0; round < 100; round++) {
			const list = await jules.listActivities({ session: id, after })
			seen.push(...list.activities.map((one) => one.id))
			after = list.next
			if (list.activities.some(({ event }) => event.kind === 'sessionCompleted')) break
			await sleep(5)
		}
		expect((await jules.listActivities({ session: id, after })).activities).toEqual([])
		expect(new Set(seen).size).toBe(seen.length)
		// The plan, its approval, 60 messages, two steps, a message, the completion.
		expect(seen).toHaveLength(66)
		expect(fake.calls.some(({ query }) => query['filter']?.startsWith('create_time > "'))).toBe(true)
		expect(fake.calls.some(({ query }) => query['pageSize'] === '25')).toBe(true)
		await expect(client({ maxAnswerBytes: 10_000 }).listActivities({ session: id, after: null })).rejects.toMatchObject({ code: 'PROVIDER_OUTPUT_INVALID' })
	})

	it('keeps what nobody knows by its name', async () => {
		const id = await play({ steps: [{ activity: { dreamt: { of: 'sheep' } } }, { artifact: { hologram: {} } }, { state: 'HIBERNATING' }, { stall: 'for-ever' }] })
		await expect.poll(() => client().getSession(id)).toMatchObject({ state: 'STATE_UNSPECIFIED', stateName: 'HIBERNATING' })
		const { activities } = await client().listActivities({ session: id, after: null })
		expect(activities.slice(-2)).toMatchObject([{ event: { kind: 'unknown', name: 'dreamt' } }, { event: { kind: 'progressUpdated' }, artifacts: [{ kind: 'unknown', name: 'hologram' }] }])
	})

	it('is archived and deleted', async () => {
		const id = await play({})
		await client().archiveSession(id)
		expect(await client().getSession(id)).toMatchObject({ archived: true })
		await client().deleteSession(id)
		expect(fake.sessionIds()).toEqual([])
	})

	it.each(['../sources', '', 'a/b', 'x:approvePlan'])('has no id like %j', async (id) => {
		const calls = [() => client().getSession(id), async () => client().listActivities({ session: id, after: null }), async () => client().approvePlan(id), async () => client().getActivity({ session: '1', activity: id })]
		for (const call of calls) await expect((async () => call())()).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		expect(fake.calls).toEqual([])
	})
})

describe('a watched session', () => {
	const patient: WatchSettings = { minPollMs: 1, maxPollMs: 20, stallMs: 20_000, nudgeMs: 20_000, queueMs: 20_000, graceMs: 20_000, maxNudges: 3 }

	/** Does what the watch says, as a workflow would, until it ends. */
	async function watch(jules: object, { settings = patient, ...more }: Partial<NewSession> & { settings?: WatchSettings } = {}): Promise<WatchAction[]> {
		fake.setScenarios([{ name: 'goodbye', match: 'goodbye', jules }])
		const api = client()
		const { session } = await api.createSession(order(more))
		const { id } = session
		const done: WatchAction[] = []
		let known = startWatch(session.createdAt, settings.minPollMs)
		let after = null
		for (let look = 0; look < 500; look++) {
			const list = await api.listActivities({ session: id, after })
			after = list.next
			const decision = watchJules({ session: await api.getSession(id), activities: list.activities, known, settings, now: Date.now() })
			known = decision.known
			for (const action of decision.actions) {
				if (action.do === 'wait') await sleep(action.ms)
				else done.push(action)
				if (action.do === 'askPlanApproval') await api.approvePlan(id)
				if (action.do === 'askQuestion') await api.sendMessage(id, 'red')
				if (action.do === 'nudge') await api.sendMessage(id, 'Please go on.')
				if (action.do === 'giveUp' || action.do === 'fail' || action.do === 'collect') return done
			}
		}
		throw new Error('The watch did not end.')
	}

	it('is approved, answered and collected', async () => {
		const steps = [{ ask: 'Which colour?' }, { edit: { path: 'hello.txt', old: 'hello', new: 'goodbye' } }]
		const done = await watch({ steps }, { requirePlanApproval: true, automationMode: 'AUTO_CREATE_PR' })
		expect(done).toMatchObject([
			{ do: 'askPlanApproval', plan: { steps: [{ index: 0, title: 'Edit hello.txt' }] } },
			{ do: 'askQuestion', text: expect.stringContaining('Which colour?') },
			{ do: 'collect', isLate: false, changeSet: { baseCommitId: head, unidiffPatch: expect.stringContaining('+goodbye') }, pullRequests: [{ baseRef: 'main' }] },
		])
	})

	it('is nudged out of its silence', async () => {
		const done = await watch({ steps: [{ stall: 'until-message' }, { write: { path: 'b.txt', content: 'b\n' } }] }, { settings: { ...patient, stallMs: 100 } })
		expect(done.map((action) => action.do)).toEqual(['nudge', 'collect'])
	})

	it.each([[[{ stall: 'for-ever' }]], [[{ state: 'PAUSED' }, { stall: 'for-ever' }]], [[{ state: 'HIBERNATING' }, { stall: 'for-ever' }]]])('is given up after a nudge: %j', async (steps) => {
		const done = await watch({ steps }, { settings: { ...patient, stallMs: 100, nudgeMs: 100 } })
		expect(done).toMatchObject([{ do: 'nudge' }, { do: 'giveUp', code: 'AGENT_STALLED' }])
	})

	it('fails with its reason', async () => {
		expect(await watch({ steps: [{ fail: 'The tests cannot be run.' }] })).toEqual([{ do: 'fail', reason: 'The tests cannot be run.' }])
	})

	it('has no base when it has no repository', async () => {
		fake.setScenarios([{ name: 'goodbye', match: 'goodbye', steps: [{ write: { path: 'a.txt', content: 'a\n' } }] }])
		const { session } = await client().createSession(newBuild())
		await expect.poll(async () => (await client().getSession(session.id)).state).toBe('COMPLETED')
		const { activities } = await client().listActivities({ session: session.id, after: null })
		const change = changeSetOf({ session: await client().getSession(session.id), activities })
		expect(change).toMatchObject({ source: null, baseCommitId: null, unidiffPatch: expect.stringContaining('new file mode') })
		const last = activities.findLast(({ artifacts }) => artifacts.length > 0)
		expect(changeSetOf({ session: null, activities: [await client().getActivity({ session: session.id, activity: last?.id ?? '' })] })).toEqual(change)
	})
})
