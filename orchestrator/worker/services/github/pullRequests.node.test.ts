import { afterEach, beforeEach, expect, it } from 'vitest'
import { hasWriteAccess } from './access.ts'
import { createPullRequests } from './pullRequests.ts'
import { build, headOf, NAME, PLACE, put, READER, startGitHub } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'

let github: GitHubFixture
beforeEach(async () => {
	github = await startGitHub({
		repos: [{ name: NAME, files: { a: '1' }, collaborators: { ann: 'admin', mia: 'maintain', will: 'write', tri: 'triage', rea: 'read' } }],
	})
	const store = github.store()
	const { commit, objects } = await build(store, await headOf(store), [await put('b', '2')])
	await store.push([{ ref: 'refs/heads/factory/ORD-000001', old: null, new: commit }, { ref: 'refs/heads/next', old: null, new: await headOf(store) }], objects)
})
afterEach(() => github.close())

const input = { head: 'factory/ORD-000001', base: 'main', title: 'Fix the build', body: 'text' }
const pulls = () => createPullRequests({ client: github.client, place: PLACE })
const shown = async (number: number) => (await github.client.rest.pulls.get({ ...PLACE, pull_number: number })).data

it('opens one, changes it, and sends nothing when nothing changed', async () => {
	const made = await pulls().createOrUpdate(input)
	expect(made).toEqual({ number: 1, url: `${github.fake.url}/${NAME}/pull/1`, isNew: true })
	expect(await pulls().createOrUpdate({ ...input, body: 'other', base: 'next' })).toEqual({ ...made, isNew: false })
	expect(await shown(1)).toMatchObject({ title: 'Fix the build', body: 'other', base: { ref: 'next' }, state: 'open' })
	const calls = await github.callsOf(() => pulls().createOrUpdate({ ...input, body: 'other', base: 'next' }))
	expect(calls.map((call) => call.split('?')[0])).toEqual(['GET /pulls'])
})

it('takes over one that somebody opens meanwhile', async () => {
	const results = await Promise.all([pulls().createOrUpdate(input), pulls().createOrUpdate({ ...input, body: 'second' })])
	expect(results.map(({ number }) => number)).toEqual([1, 1])
	github.fake.fault({ method: 'GET', path: /pulls$/, status: 200, body: '[]' })
	expect(await pulls().createOrUpdate({ ...input, body: 'third' })).toMatchObject({ number: 1, isNew: false })
	expect((await shown(1)).body).toBe('third')
})

it('opens another after the first was closed', async () => {
	await pulls().createOrUpdate(input)
	await github.client.rest.pulls.update({ ...PLACE, pull_number: 1, state: 'closed' })
	expect(await pulls().createOrUpdate(input)).toMatchObject({ number: 2, isNew: true })
})

it('makes a title harmless, and finds one where there is none', async () => {
	await pulls().createOrUpdate({ ...input, title: 'Fixes #12 for @everyone\nnow' })
	expect((await shown(1)).title).toBe('Fixes #\u200b12 for @\u200beveryone now')
	await pulls().createOrUpdate({ ...input, title: ' \n ' })
	expect((await shown(1)).title).toBe('factory/ORD-000001')
})

it('fails with what GitHub says', async () => {
	await expect(pulls().createOrUpdate({ ...input, head: 'nothing' })).rejects.toMatchObject({ code: 'WORKSPACE_UNSUPPORTED' })
	await expect(pulls().createOrUpdate({ ...input, head: 'next' })).rejects.toMatchObject({ message: expect.stringContaining('No commits between') })
	const reader = createPullRequests({ client: github.clientWith(READER), place: PLACE })
	await expect(reader.createOrUpdate(input)).rejects.toMatchObject({ code: 'FORBIDDEN', details: { permission: 'pull_requests=write' } })
	github.fake.fault({ method: 'GET', path: /pulls$/, status: 200, body: '{"message":"odd"}' })
	await expect(pulls().createOrUpdate(input)).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
})

it('knows who may write', async () => {
	const logins = ['ann', 'mia', 'will', 'acme', 'tri', 'rea', 'stranger', '../../../app', '']
	const answers = await Promise.all(logins.map((login) => hasWriteAccess(github.client, PLACE, login)))
	expect(logins.filter((_, at) => answers[at])).toEqual(['ann', 'mia', 'will', 'acme'])
	github.fake.fault({ path: /permission$/, status: 404 })
	expect(await hasWriteAccess(github.client, PLACE, 'ann')).toBe(false)
	github.fake.fault({ path: /permission$/, status: 500 })
	await expect(hasWriteAccess(github.client, PLACE, 'ann')).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
})
