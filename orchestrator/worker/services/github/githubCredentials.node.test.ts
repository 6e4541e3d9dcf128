import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeAppKeys } from '@shared/testing/github'
import { createGitHubCredentials, createGitHubTokenCache } from './githubCredentials.ts'
import type { GitHubCredentialsDeps } from './githubCredentials.ts'
import { NAME, PLACE, startGitHub, TOKEN } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'

const HOUR_MS = 3_600_000
const OTHER = { owner: 'acme', repo: 'other' }
const keys = makeAppKeys()
let github: GitHubFixture

beforeEach(async () => {
	github = await startGitHub({
		repos: [{ name: NAME, isPrivate: true, files: { a: '1' } }, { name: 'acme/other', isPrivate: true, files: { a: '1' } }, { name: 'acme/third', isPrivate: true, files: { a: '1' } }],
		app: {
			appId: '4711',
			slug: 'vibehq',
			publicKey: keys.publicKey,
			installations: [
				{ id: 7, repos: [NAME], permissions: { contents: 'write', pull_requests: 'write' } },
				{ id: 8, repos: ['acme/other'], permissions: { contents: 'read' } },
			],
		},
	})
})
afterEach(() => github.close())

function credentials(more: Partial<GitHubCredentialsDeps> = {}) {
	const app = { appId: '4711', privateKey: keys.privateKey }
	return createGitHubCredentials({ app, cache: createGitHubTokenCache(), fetch, baseURL: github.fake.url, gitBaseURL: github.fake.url, now: () => github.clock.now, ...more })
}

describe('as an App', () => {
	it('asks for no more than the scope needs, for one repository', async () => {
		const made = credentials()
		const [read, write] = [await made.credentialOf(PLACE, 'read'), await made.credentialOf(PLACE, 'write')]
		expect(github.fake.issuedTokens()).toEqual([read, write])
		const asked = github.fake.calls.filter(({ path }) => path.endsWith('access_tokens')).map(({ body }) => body)
		expect(asked).toEqual([
			{ repositories: ['shop'], permissions: { contents: 'read', metadata: 'read' } },
			{ repositories: ['shop'], permissions: { contents: 'write', pull_requests: 'write', metadata: 'read' } },
		])
		await expect(made.clientFor(PLACE, 'read').rest.git.createBlob({ ...PLACE, content: 'x' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
		await expect(made.clientFor(PLACE, 'write').rest.git.createBlob({ ...PLACE, content: 'x' })).resolves.toMatchObject({ status: 201 })
		const elsewhere = await fetch(`${github.fake.url}/repos/acme/other`, { headers: { authorization: `Bearer ${write}` } })
		expect(elsewhere.status).toBe(404)
	})

	it('keeps a token until shortly before its end', async () => {
		const made = credentials()
		const first = await made.credentialOf(PLACE, 'read')
		github.clock.now += HOUR_MS - 11 * 60_000
		expect(await made.credentialOf(PLACE, 'read')).toBe(first)
		expect(github.fake.calls).toHaveLength(2)
		github.clock.now += 2 * 60_000
		expect(await made.credentialOf(PLACE, 'read')).not.toBe(first)
		// The installation is known by then.
		expect(github.fake.calls).toHaveLength(3)
	})

	it('gets another when GitHub refuses the known one', async () => {
		const made = credentials()
		github.fake.revoke(await made.credentialOf(PLACE, 'read'))
		await expect(made.clientFor(PLACE, 'read').rest.repos.get({ ...PLACE })).resolves.toMatchObject({ status: 200 })
	})

	it('names the rights that its installation lacks', async () => {
		const made = credentials()
		await expect(made.credentialOf(OTHER, 'write')).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('pull_requests: write') })
		await expect(made.credentialOf(OTHER, 'read')).resolves.toMatch(/^ghs_/)
	})

	it('says where it is not installed, and falls back to a token', async () => {
		const third = { owner: 'acme', repo: 'third' }
		await expect(credentials().credentialOf(third, 'read')).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('not installed on acme/third') })
		expect(await credentials({ token: TOKEN }).credentialOf(third, 'read')).toBe(TOKEN)
		expect(await credentials({ token: TOKEN }).credentialOf(PLACE, 'read')).not.toBe(TOKEN)
	})

	it('takes the key in either form, also on one line', async () => {
		for (const privateKey of [keys.privateKeyPKCS8, keys.privateKey.replaceAll('\n', '\\n')]) {
			await expect(credentials({ app: { appId: '4711', privateKey } }).credentialOf(PLACE, 'read')).resolves.toMatch(/^ghs_/)
		}
	})

	it.each([
		['another key', { appId: '4711', privateKey: makeAppKeys().privateKey }],
		['another App', { appId: '4712', privateKey: keys.privateKey }],
		['no key at all', { appId: '4711', privateKey: 'secret-but-no-key' }],
		['half a key', { appId: '4711', privateKey: keys.privateKey.slice(0, 400) }],
	])('fails with %s and does not tell it', async (_name, app) => {
		const error: unknown = await credentials({ app }).credentialOf(PLACE, 'read').catch((caught: unknown) => caught)
		expect(error).toMatchObject({ code: 'NOT_CONFIGURED' })
		expect(JSON.stringify(error) + String(error)).not.toContain(app.privateKey.slice(0, 40).trim())
	})
})

it('has only a token, or nothing', async () => {
	expect(await credentials({ app: undefined, token: TOKEN }).credentialOf(PLACE, 'write')).toBe(TOKEN)
	await expect(credentials({ app: undefined }).credentialOf(PLACE, 'write')).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
	expect(github.fake.calls).toEqual([])
})

it('gives git an address and a credential that it takes', async () => {
	const { url, authorization } = await credentials().remoteOf(PLACE, 'read')
	const refs = await fetch(`${url}/info/refs?service=git-upload-pack`, { headers: { authorization } })
	expect(await refs.text()).toContain('refs/heads/main')
	const push = await fetch(`${url}/info/refs?service=git-receive-pack`, { headers: { authorization } })
	expect([refs.status, push.status]).toEqual([200, 403])
})
