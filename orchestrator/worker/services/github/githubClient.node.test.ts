import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGitHubClient } from './githubClient.ts'
import { NAME, PLACE, START, startGitHub, TOKEN } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'

let github: GitHubFixture
beforeEach(async () => {
	github = await startGitHub({ rateLimit: 20 })
})
afterEach(() => github.close())

const read = () => github.client.rest.repos.get({ ...PLACE })

it('names the version of the API and itself', async () => {
	const { headers } = await read()
	expect(headers).toMatchObject({ 'x-fake-github': 'vibehq' })
	expect(github.fake.calls[0]).toMatchObject({ actor: 'vibe', apiVersion: '2022-11-28' })
})

it('encodes references, and GitHub finds them', async () => {
	const main = await github.fake.git(NAME, 'rev-parse', 'main')
	await github.client.rest.git.createRef({ ...PLACE, ref: 'refs/heads/factory/ORD-000001', sha: main })
	const { data } = await github.client.rest.git.getRef({ ...PLACE, ref: 'heads/factory/ORD-000001' })
	expect(data.object.sha).toBe(main)
	expect(github.fake.calls.at(-1)?.path).toContain('heads%2Ffactory%2FORD-000001')
})

describe('says when to come again', () => {
	it.each([
		['retry-after', { status: 403, headers: { 'retry-after': '17' } }, 17_000],
		['retry-after of a 429', { status: 429, headers: { 'retry-after': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } }, 5000],
		['the reset of a spent quota', { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(START / 1000 + 300) } }, 301_000],
		['nothing but its words', { status: 403, body: '{"message":"You have exceeded a secondary rate limit"}' }, 60_000],
		['nonsense', { status: 429, headers: { 'retry-after': 'soon' } }, 60_000],
		['something absurd', { status: 429, headers: { 'retry-after': '99999999999' } }, 7_200_000],
	])('by %s', async (_name, fault, waitMs) => {
		github.fake.fault(fault)
		await expect(read()).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true, details: { retryAt: START + waitMs } })
	})

	it('when the quota of the hour is spent', async () => {
		await Promise.all(Array.from({ length: 20 }, read))
		await expect(read()).rejects.toMatchObject({ code: 'RATE_LIMITED', details: { retryAt: START + 3_601_000 } })
		github.clock.now += 3_601_000
		await expect(read()).resolves.toMatchObject({ status: 200 })
	})
})

describe('names what failed', () => {
	it.each([
		['a failure of GitHub', { status: 502, body: '<html>' }, 'GIT_UPSTREAM'],
		['a lost answer', { isLost: true }, 'GIT_UPSTREAM'],
		['a missing thing', { status: 404 }, 'WORKSPACE_NOT_FOUND'],
		['a repository that moved', { status: 301, headers: { location: 'http://127.0.0.1:1/elsewhere' } }, 'WORKSPACE_NOT_FOUND'],
		['a refusal', { status: 422, body: '{"message":"Validation Failed","errors":[{"message":"no such thing"}]}' }, 'WORKSPACE_UNSUPPORTED'],
		['a refusal for law', { status: 451 }, 'WORKSPACE_UNSUPPORTED'],
		['a refusal without a right named', { status: 403, body: '{"message":"Forbidden"}' }, 'FORBIDDEN'],
		['a page that is not JSON', { status: 403, body: '<html>' }, 'FORBIDDEN'],
	])('%s', async (_name, fault, code) => {
		github.fake.fault(fault)
		const error: unknown = await read().catch((caught: unknown) => caught)
		expect(error).toMatchObject({ code })
		expect(String(error)).not.toContain(TOKEN)
		expect(github.fake.calls).toHaveLength(1)
	})

	it('with the words of GitHub, on one line', async () => {
		github.fake.fault({ status: 422, body: JSON.stringify({ message: `Validation\nFailed ${'x'.repeat(5000)}`, errors: ['odd', null, { message: 7 }] }) })
		const error: unknown = await read().catch((caught: unknown) => caught)
		expect(String(error).length).toBeLessThan(500)
		expect(String(error)).not.toContain('\n')
	})

	it('a credential that GitHub does not know', async () => {
		await expect(github.clientWith('nonsense').rest.repos.get({ ...PLACE })).rejects.toMatchObject({ code: 'NOT_CONFIGURED', details: { status: 401 } })
	})

	it('a host that is not there', async () => {
		const nowhere = createGitHubClient({ token: async () => TOKEN, fetch, baseURL: 'http://127.0.0.1:1', now: () => START })
		await expect(nowhere.rest.repos.get({ ...PLACE })).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
	})
})

it('reads no answer beyond its limit', async () => {
	github.fake.fault({ status: 200, body: JSON.stringify({ default_branch: 'x'.repeat(9 * 1024 * 1024) }) })
	await expect(read()).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
})

it('comes once more with a fresh credential when the known one is refused', async () => {
	const asked: boolean[] = []
	const client = createGitHubClient({
		token: async ({ isFresh }) => {
			asked.push(isFresh)
			return isFresh ? TOKEN : 'expired'
		},
		fetch,
		baseURL: github.fake.url,
		now: () => START,
	})
	await expect(client.rest.repos.get({ ...PLACE })).resolves.toMatchObject({ status: 200 })
	expect(asked).toEqual([false, true])
	expect(github.fake.calls.map(({ status }) => status)).toEqual([401, 200])
})
