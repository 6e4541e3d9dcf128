import { connect, JulesApiError, JulesAuthenticationError, MemorySessionStorage, MemoryStorage, SourceNotFoundError } from '@google/jules-sdk'
import type { Activity, JulesClient } from '@google/jules-sdk'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeJules } from './fakeJules.ts'
import type { FakeJules } from './fakeJules.ts'
import { bareRepository } from './testing/repository.ts'

// The official SDK as the judge of the fake: what Google's own client can read and drive has the shapes of the API.

const KEY = 'a-key-of-nobody'
const scenarios = [
	{ name: 'goodbye', match: 'goodbye', steps: [{ say: 'On it.' }, { edit: { path: 'hello.txt', old: 'hello', new: 'goodbye' } }, { write: { path: 'b.txt', content: 'new\n' } }] },
	{ name: 'question', match: 'colour', jules: { steps: [{ ask: 'Which colour?' }, { write: { path: 'colour.txt', content: 'red\n' } }] } },
	{ name: 'broken', match: 'break', jules: { steps: [{ fail: 'The tests cannot be run.' }] } },
	{ name: 'late', match: 'late', jules: { early404s: 1, steps: [{ write: { path: 'late.txt', content: 'x\n' } }] } },
]

let repository: Awaited<ReturnType<typeof bareRepository>>
let fake: FakeJules

beforeAll(async () => {
	repository = await bareRepository({ 'hello.txt': 'hello\n' })
	return () => repository.remove()
})
afterAll(() => fake.close())
afterEach(() => fake.calls.splice(0))

async function sdk(apiKey = KEY): Promise<JulesClient> {
	fake ??= await createFakeJules({ apiKeys: [KEY], sources: [{ owner: 'acme', repo: 'shop', gitDir: repository.gitDir }], scenarios })
	return connect({
		apiKey,
		baseUrl: `${fake.url}/v1alpha`,
		config: { pollingIntervalMs: 5, requestTimeoutMs: 10_000, rateLimitRetry: { maxRetryTimeMs: 500, baseDelayMs: 5 } },
		storageFactory: { activity: () => new MemoryStorage(), session: () => new MemorySessionStorage() },
	})
}

const source = { github: 'acme/shop', baseBranch: 'main' }

async function until(activities: AsyncIterable<Activity>, last: Activity['type']): Promise<Activity[]> {
	const seen: Activity[] = []
	for await (const activity of activities) {
		seen.push(activity)
		if (activity.type === last) break
	}
	return seen
}

describe('the official SDK against the fake', () => {
	it('finds sources, and misses those that are not connected', async () => {
		const jules = await sdk()
		const found = []
		for await (const one of jules.sources()) found.push(one)
		expect(found).toEqual([{ name: 'sources/github/acme/shop', id: 'github/acme/shop', type: 'githubRepo', githubRepo: { owner: 'acme', repo: 'shop', isPrivate: false, defaultBranch: 'main', branches: ['main'] } }])
		expect(await jules.sources.get({ github: 'acme/nothing' })).toBeUndefined()
		await expect(jules.session({ prompt: 'goodbye', source: { github: 'acme/nothing', baseBranch: 'main' } })).rejects.toBeInstanceOf(SourceNotFoundError)
	})

	it('runs a session to its outputs', async () => {
		const jules = await sdk()
		const run = await jules.run({ prompt: 'Say goodbye', title: 'Bye', source })
		const seen = await until(run.stream(), 'sessionCompleted')
		expect(seen.map(({ type }) => type)).toEqual(['planGenerated', 'planApproved', 'agentMessaged', 'progressUpdated', 'progressUpdated', 'sessionCompleted'])
		const outcome = await run.result()
		expect(outcome).toMatchObject({ state: 'completed', title: 'Bye', pullRequest: { baseRef: 'main' } })
		expect(outcome.changeSet()?.gitPatch.baseCommitId).toBe(repository.head)
		expect(outcome.changeSet()?.parsed().files.map(({ path, changeType }) => [path, changeType])).toEqual([
			['b.txt', 'created'],
			['hello.txt', 'modified'],
		])
		expect(outcome.generatedFiles().get('b.txt')?.content).toBe('new')
	})

	it('approves a plan and answers a question', async () => {
		const jules = await sdk()
		const session = await jules.session({ prompt: 'What colour?', source, autoPr: false })
		await session.waitFor('awaitingPlanApproval')
		await session.approve()
		await session.waitFor('awaitingUserFeedback')
		await session.send('red')
		const outcome = await session.result()
		expect(outcome.pullRequest).toBeUndefined()
		expect(outcome.changeSet()?.gitPatch.unidiffPatch).toContain('+red\n')
		expect(fake.calls.filter(({ method }) => method === 'sessions.approvePlan' || method === 'sessions.sendMessage').map(({ status }) => status)).toEqual([200, 200])
		await session.activities.hydrate()
		expect((await session.activities.select()).map(({ type, originator }) => [type, originator])).toEqual([
			['planGenerated', 'agent'],
			['planApproved', 'user'],
			['agentMessaged', 'agent'],
			['userMessaged', 'user'],
			['progressUpdated', 'agent'],
			['sessionCompleted', 'system'],
		])
		// Nothing is newer than what it has: this is the filter of the API at work.
		expect(await session.activities.hydrate()).toBe(0)
	})

	it('reads a failure and its reason', async () => {
		const jules = await sdk()
		const run = await jules.run({ prompt: 'break it', source })
		const seen = await until(run.stream(), 'sessionFailed')
		expect(seen.at(-1)).toMatchObject({ type: 'sessionFailed', reason: 'The tests cannot be run.' })
		await expect(run.result()).rejects.toThrow('failed')
	})

	it('takes a session without a repository', async () => {
		const jules = await sdk()
		const run = await jules.run({ prompt: 'late' })
		const outcome = await jules.session(run.id).waitFor('completed').then(() => undefined, (error: unknown) => error)
		// The fresh session is unknown once, and this call of the SDK does not try again.
		expect(outcome).toBeInstanceOf(JulesApiError)
		expect((await run.result()).changeSet()?.gitPatch).not.toHaveProperty('baseCommitId')
	})

	it('is told about a wrong key, and waits out a rate limit', async () => {
		const stranger = await sdk('a-wrong-key')
		await expect(stranger.run({ prompt: 'goodbye' })).rejects.toBeInstanceOf(JulesAuthenticationError)
		const jules = await sdk()
		fake.addFault({ on: 'sessions.create', status: 429, times: 1 })
		await expect(jules.run({ prompt: 'goodbye again' })).resolves.toHaveProperty('id')
		expect(fake.calls.map(({ status }) => status)).toEqual([401, 429, 200])
	})

	it('lists and archives sessions', async () => {
		const jules = await sdk()
		const first = await jules.run({ prompt: 'goodbye one' })
		const second = await jules.run({ prompt: 'goodbye two' })
		await jules.session(second.id).archive()
		const listed = []
		for await (const session of jules.sessions({ pageSize: 2 })) listed.push(session.id)
		expect(listed[0]).toBe(first.id)
		expect(listed).not.toContain(second.id)
		expect(new Set(listed).size).toBe(listed.length)
		expect(listed.length).toBeGreaterThan(2)
	})
})
