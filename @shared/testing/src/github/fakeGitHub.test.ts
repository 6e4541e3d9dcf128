import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeGitHub } from './fakeGitHub.ts'
import type { FakeGitHub } from './fakeGitHub.ts'

const run = promisify(execFile)
const SHOP = 'acme/shop'
const FILES = { 'README.md': '# Shop\n', 'src/a/one.ts': '1\n', 'src/a/two.ts': '2\n', 'src/b.ts': 'b\n', 'run.sh*': '#!/bin/sh\n' }

let fake: FakeGitHub
let directory: string
beforeEach(async () => {
	directory = mkdtempSync(join(tmpdir(), 'fake-github-test-'))
	fake = await createFakeGitHub({
		repos: [{ name: SHOP, files: FILES, collaborators: { mia: 'maintain' } }, { name: 'acme/secret', isPrivate: true, files: { a: '1' } }, { name: 'acme/empty' }],
		tokens: [
			{ token: 'writer', login: 'will', permissions: { contents: 'write', pull_requests: 'write' } },
			{ token: 'reader', login: 'rea', permissions: { contents: 'read' }, repos: [SHOP] },
		],
	})
})
afterEach(async () => {
	await fake.close()
	rmSync(directory, { recursive: true, force: true })
})

interface Answer {
	status: number
	headers: Headers
	body: { [name: string]: ReturnType<typeof JSON.parse> }
}

async function api(call: string, body?: unknown, { token = 'writer', accept = 'application/json' }: { token?: string | null; accept?: string } = {}): Promise<Answer> {
	const [method = '', path = ''] = call.split(' ')
	const headers = { accept, ...(token === null ? {} : { authorization: `Bearer ${token}` }) }
	const response = await fetch(`${fake.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
	const text = await response.text()
	return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

const git = async (token: string | null, ...args: string[]) => {
	const header = token === null ? [] : ['-c', `http.extraHeader=Authorization: Basic ${btoa(`x-access-token:${token}`)}`]
	const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
	return (await run('git', [...header, ...identity, ...args], { cwd: directory, env: { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' } })).stdout
}

const repo = `/repos/${SHOP}`
const head = (name = 'main') => fake.git(SHOP, 'rev-parse', name)

it('says in every answer that it is a fake, and how much of the quota is left', async () => {
	for (const call of ['GET /repos/acme/shop', 'GET /nothing']) {
		const { headers } = await api(call)
		expect(headers.get('x-fake-github')).toBe('vibehq')
		expect(headers.get('x-ratelimit-remaining')).toMatch(/^49\d\d$/)
	}
	expect(fake.calls.map(({ method, path, actor, status }) => `${method} ${path} ${actor} ${status}`)).toEqual(['GET /repos/acme/shop will 200', 'GET /nothing will 404'])
})

describe('git itself', () => {
	it('clones, fetches by id and pushes', async () => {
		await git('writer', 'clone', '-q', `${fake.url}/${SHOP}.git`, 'work')
		writeFileSync(join(directory, 'work/new.txt'), 'new\n')
		await git('writer', '-C', 'work', 'add', '.')
		await git('writer', '-C', 'work', 'commit', '-q', '-m', 'New')
		await git('writer', '-C', 'work', 'push', '-q', 'origin', 'HEAD:refs/heads/next')
		expect(await fake.git(SHOP, 'show', 'next:new.txt')).toBe('new')
		await fake.settled()
		expect(fake.deliveries.map(({ event, body }) => [event, JSON.parse(body).ref])).toEqual([['push', 'refs/heads/next']])
		await git('reader', '-C', 'work', 'fetch', '-q', '--depth=1', `${fake.url}/${SHOP}`, await head('next'))
	})

	it.each([
		['nobody a private repository', null, 'acme/secret', 'fetch'],
		['an unknown token anything', 'nonsense', SHOP, 'fetch'],
		['a reader a push', 'reader', SHOP, 'push'],
		['a token of another repository a private one', 'reader', 'acme/secret', 'fetch'],
		['anybody to write pull request references', 'writer', SHOP, 'pull'],
	])('gives not %s', async (_name, token, name, verb) => {
		await git(null, 'init', '-q', 'work')
		await git(null, '-C', 'work', 'commit', '-q', '--allow-empty', '-m', 'x')
		const target = verb === 'pull' ? 'HEAD:refs/pull/1/head' : 'HEAD:refs/heads/x'
		const call = verb === 'fetch' ? ['fetch', '-q', `${fake.url}/${name}.git`] : ['push', '-q', `${fake.url}/${name}.git`, target]
		await expect(git(token, '-C', 'work', ...call)).rejects.toThrow()
		expect(await fake.git(SHOP, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main')
	})
})

describe('trees', () => {
	it('come from a base with changes, additions and deletions, by text and by id', async () => {
		const blob = await api(`POST ${repo}/git/blobs`, { content: btoa('\xff\x00'), encoding: 'base64' })
		const tree = [
			{ path: 'src/a/one.ts', mode: '100644', type: 'blob', content: 'uno\n' },
			{ path: 'src/a/two.ts', mode: '100644', type: 'blob', sha: null },
			{ path: 'src/new/deep.bin', mode: '100755', type: 'blob', sha: blob.body['sha'] },
			{ path: 'copy', mode: '040000', type: 'tree', sha: await head('main:src/a') },
			{ path: 'vendor', mode: '160000', type: 'commit', sha: '1'.repeat(40) },
		]
		const { status, body } = await api(`POST ${repo}/git/trees`, { base_tree: await head('main^{tree}'), tree })
		expect(status).toBe(201)
		expect((await fake.git(SHOP, 'ls-tree', '-r', body['sha'])).replace(/ [0-9a-f]{40}/g, '').split('\n')).toEqual([
			'100644 blob\tREADME.md', '100644 blob\tcopy/one.ts', '100644 blob\tcopy/two.ts', '100755 blob\trun.sh', '100644 blob\tsrc/a/one.ts', '100644 blob\tsrc/b.ts', '100755 blob\tsrc/new/deep.bin', '160000 commit\tvendor',
		])
		const all = await api(`GET ${repo}/git/trees/${body['sha']}?recursive=1`)
		expect(all.body['truncated']).toBe(false)
		expect(all.body['tree'].map((entry: { mode: string; path: string }) => `${entry.mode} ${entry.path}`)).toContain('040000 src/new')
	})

	const blobItem = { path: 'x', mode: '100644', type: 'blob' }
	it.each([
		['nothing', []],
		['an item with neither text nor id', [blobItem]],
		['an item with both', [{ ...blobItem, sha: '1'.repeat(40), content: 'x' }]],
		['an object that is not there', [{ ...blobItem, sha: '1'.repeat(40) }]],
		['a mode of another type', [{ path: 'x', mode: '040000', type: 'blob', content: 'x' }]],
		['an unknown mode', [{ ...blobItem, mode: '100600', content: 'x' }]],
		['a deletion of what is not there', [{ ...blobItem, sha: null }]],
		['a path that leads out', [{ ...blobItem, path: '../x', content: 'x' }]],
		['a path into .git', [{ ...blobItem, path: '.git/config', content: 'x' }]],
	])('are not made of %s', async (_name, tree) => {
		expect((await api(`POST ${repo}/git/trees`, { tree })).status).toBe(422)
	})
})

describe('commits and references', () => {
	it('keep message, people and dates to the letter', async () => {
		const author = { name: 'A É', email: 'a@example.com', date: '2026-01-02T03:04:05Z' }
		const { body } = await api(`POST ${repo}/git/commits`, { message: 'Subject\n\nBody', tree: await head('main^{tree}'), parents: [await head()], author })
		expect(await fake.git(SHOP, 'cat-file', 'commit', body['sha'])).toBe(
			`tree ${await head('main^{tree}')}\nparent ${await head()}\nauthor A É <a@example.com> 1767323045 +0000\ncommitter A É <a@example.com> 1767323045 +0000\n\nSubject\n\nBody`,
		)
		expect((await api(`GET ${repo}/git/commits/${body['sha']}`)).body).toMatchObject({ message: 'Subject\n\nBody', author, tree: { sha: await head('main^{tree}') } })
	})

	it('are made once, moved forward, forced and deleted, percent-encoded or not', async () => {
		const first = await head()
		const second = await fake.commit(SHOP, FILES)
		const ref = 'refs/heads/factory/x'
		expect((await api(`POST ${repo}/git/refs`, { ref, sha: first })).status).toBe(201)
		expect(await api(`POST ${repo}/git/refs`, { ref, sha: second })).toMatchObject({ status: 422, body: { message: 'Reference already exists' } })
		expect((await api(`PATCH ${repo}/git/refs/heads%2Ffactory%2Fx`, { sha: second })).status).toBe(200)
		expect(await api(`PATCH ${repo}/git/refs/heads/factory/x`, { sha: first })).toMatchObject({ status: 422, body: { message: 'Update is not a fast forward' } })
		expect((await api(`PATCH ${repo}/git/refs/heads/factory/x`, { sha: first, force: true })).status).toBe(200)
		expect((await api(`GET ${repo}/git/matching-refs/heads/factory`)).body).toMatchObject([{ ref, object: { sha: first, type: 'commit' } }])
		expect((await api(`DELETE ${repo}/git/refs/heads/factory/x`)).status).toBe(204)
		expect((await api(`DELETE ${repo}/git/refs/heads/factory/x`)).status).toBe(422)
		expect((await api(`GET ${repo}/git/ref/heads%2Ffactory%2Fx`)).status).toBe(404)
	})

	it.each([
		['a name without a namespace', { ref: 'main', sha: 'main' }],
		['a reserved name', { ref: 'refs/pull/1/head', sha: 'main' }],
		['an odd name', { ref: 'refs/heads/a..b', sha: 'main' }],
		['a missing object', { ref: 'refs/heads/x', sha: '1'.repeat(40) }],
		['a branch of a tree', { ref: 'refs/heads/x', sha: 'main^{tree}' }],
	])('are not made of %s', async (_name, { ref, sha }) => {
		expect((await api(`POST ${repo}/git/refs`, { ref, sha: sha.startsWith('main') ? await head(sha) : sha })).status).toBe(422)
	})

	it('cannot start in an empty repository', async () => {
		expect(await api('POST /repos/acme/empty/git/blobs', { content: 'x' })).toMatchObject({ status: 409, body: { message: 'Git Repository is empty.' } })
	})
})

describe('reading', () => {
	it('gives contents as JSON, raw and as a list', async () => {
		expect((await api(`GET ${repo}/contents/README.md`)).body).toMatchObject({ type: 'file', encoding: 'base64', content: btoa('# Shop\n'), size: 7 })
		expect((await api(`GET ${repo}/contents/src?ref=main`)).body).toMatchObject([{ type: 'dir', path: 'src/a' }, { type: 'file', path: 'src/b.ts' }])
		const raw = await fetch(`${fake.url}${repo}/contents/src%2Fb.ts`, { headers: { accept: 'application/vnd.github.raw+json' } })
		expect(await raw.text()).toBe('b\n')
		expect((await api(`GET ${repo}/contents/none`)).status).toBe(404)
	})

	it('compares', async () => {
		const { 'src/b.ts': moved, ...rest } = FILES
		const from = await head()
		await fake.commit(SHOP, { ...rest, 'src/c.ts': moved, added: 'x' })
		expect((await api(`GET ${repo}/compare/${from}...main`)).body).toMatchObject({
			status: 'ahead',
			ahead_by: 1,
			behind_by: 0,
			files: [{ filename: 'added', status: 'added' }, { filename: 'src/c.ts', status: 'renamed', previous_filename: 'src/b.ts' }],
		})
	})

	it('tells who may do what', async () => {
		expect((await api(`GET ${repo}/collaborators/mia/permission`)).body).toMatchObject({ permission: 'write', role_name: 'maintain' })
		expect((await api(`GET ${repo}/collaborators/stranger/permission`)).body).toMatchObject({ permission: 'read' })
	})
})

describe('credentials', () => {
	it('hide what they do not cover and name the right that lacks', async () => {
		expect((await api('GET /repos/acme/secret', undefined, { token: 'reader' })).status).toBe(404)
		expect((await api('GET /repos/acme/secret', undefined, { token: null })).status).toBe(404)
		expect((await api(`GET ${repo}`, undefined, { token: null })).status).toBe(200)
		expect((await api(`GET ${repo}`, undefined, { token: 'nonsense' })).status).toBe(401)
		const refused = await api(`POST ${repo}/git/blobs`, { content: 'x' }, { token: 'reader' })
		expect([refused.status, refused.headers.get('x-accepted-github-permissions')]).toEqual([403, 'contents=write'])
		fake.revoke('reader')
		expect((await api(`GET ${repo}`, undefined, { token: 'reader' })).status).toBe(401)
	})
})

it('does wrong on demand, as often as it is told', async () => {
	fake.secondaryLimit({ path: /shop$/, times: 2, retryAfterS: 9 })
	const answers = [await api('GET /repos/acme/secret'), await api(`GET ${repo}`), await api(`GET ${repo}`), await api(`GET ${repo}`)]
	expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([[200, null], [403, '9'], [403, '9'], [200, null]])
	fake.fault({ method: 'POST', isLost: true })
	await expect(api(`POST ${repo}/git/refs`, { ref: 'refs/heads/lost', sha: await head() })).rejects.toThrow()
	expect(await head('lost')).toBe(await head())
})

it('refuses a body that is no JSON', async () => {
	const response = await fetch(`${fake.url}${repo}/git/refs`, { method: 'POST', headers: { authorization: 'Bearer writer' }, body: '{' })
	expect(response.status).toBe(400)
})
