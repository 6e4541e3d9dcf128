import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkRepository } from './repoCheck.ts'
import { NAME, PLACE, READER, startGitHub, TOKEN } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'

let github: GitHubFixture
beforeEach(async () => {
	github = await startGitHub({
		repos: [{ name: NAME, files: { a: '1' } }, { name: 'acme/empty' }],
		tokens: [
			{ token: TOKEN, login: 'vibe', permissions: { contents: 'write', pull_requests: 'write' } },
			{ token: READER, login: 'reader', permissions: { contents: 'read', pull_requests: 'write' } },
			{ token: 'github_pat_fake_pusher', login: 'pusher', permissions: { contents: 'write', pull_requests: 'read' } },
		],
	})
})
afterEach(() => github.close())

it('tells the name as GitHub writes it, and leaves nothing that anybody sees', async () => {
	const before = await github.fake.git(NAME, 'for-each-ref')
	expect(await checkRepository(github.client, { owner: 'ACME', repo: 'Shop' }, 'main')).toBe(NAME)
	expect(await github.fake.git(NAME, 'for-each-ref')).toBe(before)
	expect(github.fake.deliveries).toEqual([])
})

it.each([
	['no repository', { ...PLACE, repo: 'nothing' }, 'main', TOKEN, 'WORKSPACE_NOT_FOUND', /no such thing/],
	['no branch', PLACE, 'nothing', TOKEN, 'WORKSPACE_NOT_FOUND', /no branch nothing/],
	['no commit', { ...PLACE, repo: 'empty' }, 'main', TOKEN, 'WORKSPACE_NOT_FOUND', /first commit/],
	['no right to write', PLACE, 'main', READER, 'FORBIDDEN', /contents: write/],
	['no right to open pull requests', PLACE, 'main', 'github_pat_fake_pusher', 'FORBIDDEN', /pull_requests: write/],
	['no credential', PLACE, 'main', 'github_pat_unknown', 'NOT_CONFIGURED', /refused the credential/],
])('refuses with %s', async (_what, place, branch, token, code, message) => {
	await expect(checkRepository(github.clientWith(token), place, branch)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

it('does not work on a repository under a name that it had once', async () => {
	github.fake.fault({ path: /^\/repos\/acme\/shop$/, status: 200, body: '{"full_name":"acme/store","default_branch":"main"}' })
	await expect(checkRepository(github.client, PLACE, 'main')).rejects.toMatchObject({ code: 'WORKSPACE_NOT_FOUND', message: expect.stringMatching(/acme\/store/) })
})
