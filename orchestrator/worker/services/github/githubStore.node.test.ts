import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { build, drop, headOf, NAME, PLACE, put, READER, START, startGitHub } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'
import { createGitHubStore } from './githubStore.ts'

const FILES = {
	'README.md': '# Shop\n',
	'run.sh*': '#!/bin/sh\necho hi\n',
	'src/a/deep/er/file.ts': 'export const a = 1\n',
	'src/a/other.ts': 'export const b = 2\n',
	'src/gone/only.ts': 'x\n',
	'docs/guide.md': 'guide\n',
	'.github/workflows/ci.yml': 'on: push\n',
	'.github/CODEOWNERS': '* @acme\n',
}
const BRANCH = 'refs/heads/factory/ORD-000001'
const CANDIDATE = 'refs/vibehq/candidates/EXE-0000000000000001'

let github: GitHubFixture
beforeEach(async () => {
	github = await startGitHub({ repos: [{ name: NAME, files: FILES }, { name: 'acme/empty' }] })
})
afterEach(() => github.close())

describe('reads', () => {
	it('references, the default branch, commits, trees and blobs', async () => {
		const store = github.store()
		const main = await github.fake.git(NAME, 'rev-parse', 'main')
		expect(await store.readRef('refs/heads/main')).toBe(main)
		expect(await store.readRef('refs/heads/mai')).toBeNull()
		expect(await store.readRefs(['refs/heads/main', 'refs/heads/none'])).toEqual(new Map([['refs/heads/main', main]]))
		expect(await store.defaultBranch()).toBe('main')
		const commit = await store.readCommit(main)
		expect(commit).toEqual({ id: main, tree: await github.fake.git(NAME, 'rev-parse', 'main^{tree}'), parents: [] })
		const tree = (await store.readTree(commit?.tree ?? '')) ?? []
		expect(tree.map(({ mode, name }) => `${mode} ${name}`)).toEqual(['40000 .github', '100644 README.md', '40000 docs', '100755 run.sh', '40000 src'])
		const blob = await store.readBlob(await github.fake.git(NAME, 'rev-parse', 'main:README.md'))
		expect(new TextDecoder().decode(blob ?? undefined)).toBe('# Shop\n')
	})

	it('bytes that are no text, and none at all', async () => {
		const store = github.store()
		const bytes = Uint8Array.from({ length: 3000 }, (_, at) => at % 256)
		const main = await headOf(store)
		const { commit, objects } = await build(store, main, [await put('logo.bin', bytes), await put('empty', '')])
		expect(await store.push([{ ref: BRANCH, old: null, new: commit }], objects)).toEqual([{ ref: BRANCH, isDone: true }])
		const read = await github.store().readBlob(await github.fake.git(NAME, 'rev-parse', `${commit}:logo.bin`))
		expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0)
		expect(await github.store().readBlob(await github.fake.git(NAME, 'rev-parse', `${commit}:empty`))).toEqual(new Uint8Array())
	})

	it('null for what is not there, and an error where there is no repository', async () => {
		const missing = '1'.repeat(40)
		const store = github.store()
		expect([await store.readCommit(missing), await store.readTree(missing), await store.readBlob(missing)]).toEqual([null, null, null])
		const elsewhere = createGitHubStore({ client: github.client, place: { owner: 'acme', repo: 'nothing' }, memory: { isLarge: false } })
		for (const read of [() => elsewhere.readRef('refs/heads/main'), () => elsewhere.readCommit(missing), () => elsewhere.defaultBranch()]) {
			await expect(read()).rejects.toMatchObject({ code: 'WORKSPACE_NOT_FOUND' })
		}
	})

	it('nothing of an empty repository, and cannot start one', async () => {
		const store = createGitHubStore({ client: github.client, place: { owner: 'acme', repo: 'empty' }, memory: { isLarge: false } })
		expect(await store.readRef('refs/heads/main')).toBeNull()
		const { commit, objects } = await build(github.store(), await headOf(github.store()), [await put('x', '1')])
		const first = objects.filter(({ type }) => type !== 'commit')
		await expect(store.push([{ ref: BRANCH, old: null, new: commit }], first)).resolves.toMatchObject([{ isDone: false, reason: expect.stringContaining('empty') }])
	})

	it('every directory in one request after readAhead', async () => {
		const store = github.store()
		const main = await headOf(store)
		const calls = await github.callsOf(async () => {
			await store.readAhead(main, [])
			await build(store, main, [await put('src/a/deep/er/file.ts', 'changed\n'), await put('docs/new/page.md', 'new\n')])
		})
		expect(calls.map((call) => call.replace(/[0-9a-f]{40}/, '*'))).toEqual(['GET /git/commits/*', 'GET /git/trees/*?recursive=1'])
	})
})

it('reads directories one by one where the whole tree is cut off, and does not ask for it again', async () => {
	await github.close()
	github = await startGitHub({ repos: [{ name: NAME, files: FILES }], maxTreeEntries: 8 })
	const memory = { isLarge: false }
	const fresh = () => createGitHubStore({ client: github.client, place: PLACE, memory })
	const store = fresh()
	const main = await headOf(store)
	await store.readAhead(main, [])
	expect(memory.isLarge).toBe(true)
	const { commit, objects } = await build(store, main, [await put('src/a/deep/er/file.ts', 'changed\n')])
	expect(await store.push([{ ref: BRANCH, old: null, new: commit }], objects)).toEqual([{ ref: BRANCH, isDone: true }])
	expect(await github.callsOf(() => fresh().readAhead(main, []))).toEqual([])
	expect(await github.fake.git(NAME, 'diff', '--name-only', main, commit)).toBe('src/a/deep/er/file.ts')
})

describe('push makes the very commit that was built', () => {
	it('of changed, new, executable, renamed and deleted files, in one tree and one commit', async () => {
		const store = github.store()
		const main = await headOf(store)
		await store.readAhead(main, [])
		const changes = [
			await put('src/a/deep/er/file.ts', 'export const a = "é\u{1f600}"\r\nlast line without newline'),
			await put('src/a/deep/new/tool.sh', '#!/bin/sh\n', { mode: '100755', change: 'create' }),
			await put('run.sh', '#!/bin/sh\necho hi\n', { mode: '100644', change: 'mode' }),
			await put('handbook/guide.md', 'guide\n', { from: 'docs/guide.md', change: 'rename' }),
			await put('odd name\t"quoted"', '\ufeffwith a mark\n'),
			drop('src/gone/only.ts'),
		]
		const { commit, objects } = await build(store, main, changes, 'Change things\n\nBecause of reasons: <é>\n\nOrder: ORD-000001')
		const calls = await github.callsOf(() => store.push([{ ref: CANDIDATE, old: null, new: commit }], objects))
		expect(calls).toEqual([`GET /git/ref/${CANDIDATE.slice(5)}`, 'POST /git/trees', 'POST /git/commits', 'POST /git/refs'])
		const git = await github.clone()
		expect((await git('rev-parse', CANDIDATE)).trim()).toBe(commit)
		await git('fsck', '--strict')
		const diff = await git('diff', '--raw', '-M', '--abbrev=4', '--no-color', 'main', CANDIDATE)
		expect(diff.split('\n').map((line) => line.replace(/ [0-9a-f]{4} [0-9a-f]{4} /, ' ')).filter(Boolean)).toEqual([
			':100644 100644 R100\tdocs/guide.md\thandbook/guide.md',
			':000000 100644 A\t"odd name\\t\\"quoted\\""',
			':100755 100644 M\trun.sh',
			':100644 100644 M\tsrc/a/deep/er/file.ts',
			':000000 100755 A\tsrc/a/deep/new/tool.sh',
			':100644 000000 D\tsrc/gone/only.ts',
		])
		expect(await git('show', `${CANDIDATE}:odd name\t"quoted"`)).toBe('\ufeffwith a mark\n')
		expect(await git('log', '-1', '--format=%an <%ae> %ad|%cn %cd|%B', '--date=raw', CANDIDATE)).toBe(
			`VibeHQ <factory@vibehq.invalid> ${START / 1000} +0000|VibeHQ ${START / 1000} +0000|Change things\n\nBecause of reasons: <é>\n\nOrder: ORD-000001\n\n`,
		)
	})

	it('of a file that becomes a directory and a directory that becomes a file', async () => {
		const store = github.store()
		const main = await headOf(store)
		const { commit, objects } = await build(store, main, [drop('README.md'), await put('README.md/inner', 'in'), drop('docs/guide.md'), await put('docs', 'file')])
		expect(await store.push([{ ref: BRANCH, old: null, new: commit }], objects)).toEqual([{ ref: BRANCH, isDone: true }])
		expect(await github.fake.git(NAME, 'ls-tree', '-r', '--name-only', commit)).toContain('README.md/inner')
	})

	it('of 300 files in many directories, in few requests', async () => {
		const store = github.store()
		const main = await headOf(store)
		const changes = await Promise.all(Array.from({ length: 300 }, (_, at) => put(`gen/d${at % 20}/f${at}.ts`, `export const n = ${at}\n`.repeat(20))))
		const { commit, objects } = await build(store, main, changes)
		const calls = await github.callsOf(() => store.push([{ ref: BRANCH, old: null, new: commit }], objects))
		expect(calls.filter((call) => call.startsWith('POST'))).toEqual(['POST /git/trees', 'POST /git/commits', 'POST /git/refs'])
		expect((await github.fake.git(NAME, 'ls-tree', '-r', '--name-only', commit)).split('\n')).toHaveLength(308)
	})

	it('of more text than one request carries', async () => {
		const store = github.store()
		const main = await headOf(store)
		const text = 'x'.repeat(400_000)
		const changes = await Promise.all(['one/a', 'one/b', 'two/a', 'two/b', 'big/1', 'big/2', 'big/3'].map((path) => put(path, `${path}${text}`)))
		const { commit, objects } = await build(store, main, changes)
		const calls = await github.callsOf(() => store.push([{ ref: BRANCH, old: null, new: commit }], objects))
		expect(calls.filter((call) => call.startsWith('POST')).toSorted()).toEqual(['POST /git/blobs', 'POST /git/commits', 'POST /git/refs', 'POST /git/trees', 'POST /git/trees', 'POST /git/trees'])
		for (const { body } of github.fake.calls.filter(({ path }) => path.endsWith('/git/trees'))) expect(JSON.stringify(body ?? '').length).toBeLessThan(1_200_000)
		expect(await github.fake.git(NAME, 'rev-parse', BRANCH)).toBe(commit)
	})

	it('or nothing: another id from GitHub is refused, and no reference moves', async () => {
		const store = github.store()
		const main = await headOf(store)
		const { commit, objects } = await build(store, main, [await put('x', '1')])
		for (const path of [/trees$/, /commits$/]) {
			github.fake.fault({ method: 'POST', path, status: 201, body: JSON.stringify({ sha: '2'.repeat(40) }) })
			await expect(github.store().push([{ ref: BRANCH, old: null, new: commit }], objects)).rejects.toMatchObject({ code: 'PATCH_CORRUPT', details: { actual: '2'.repeat(40) } })
		}
		expect(await store.readRef(BRANCH)).toBeNull()
	})

	it('again and again, with the same result', async () => {
		const store = github.store()
		const { commit, objects } = await build(store, await headOf(store), [await put('x', '1')])
		await store.push([{ ref: BRANCH, old: null, new: commit }], objects)
		expect(await github.store().push([{ ref: BRANCH, old: null, new: commit }], objects)).toMatchObject([{ isDone: false, actual: commit }])
	})
})

describe('push moves a reference only from where it is expected', () => {
	async function twoCommits() {
		const store = github.store()
		const main = await headOf(store)
		const mine = await build(store, main, [await put('mine', '1')])
		const theirs = await build(store, main, [await put('theirs', '1')], 'Theirs')
		return { store, main, mine, theirs }
	}

	it('and tells where it stands instead', async () => {
		const { store, main, mine } = await twoCommits()
		const moved = await github.fake.commit(NAME, FILES)
		const calls = await github.callsOf(async () => {
			const outcome = await store.push([{ ref: 'refs/heads/main', old: main, new: mine.commit }], mine.objects)
			expect(outcome).toEqual([{ ref: 'refs/heads/main', isDone: false, reason: expect.stringContaining(moved), actual: moved }])
		})
		expect(calls.filter((call) => !call.startsWith('GET'))).toEqual([])
	})

	it('also when it moves between our look and our move', async () => {
		const { store, main, mine } = await twoCommits()
		let moved = ''
		github.fake.fault({ method: 'PATCH', before: async () => void (moved = await github.fake.commit(NAME, FILES)) })
		const outcome = await store.push([{ ref: 'refs/heads/main', old: main, new: mine.commit }], mine.objects)
		expect(outcome).toEqual([{ ref: 'refs/heads/main', isDone: false, reason: 'Update is not a fast forward', actual: moved }])
		expect(await github.fake.git(NAME, 'rev-parse', 'main')).toBe(moved)
	})

	it('so that of several pushes at once one wins', async () => {
		const { main, mine, theirs } = await twoCommits()
		const update = { ref: 'refs/heads/main', old: main }
		const results = await Promise.all([mine, theirs].flatMap(({ commit, objects }) => [github.store(), github.store()].map((store) => store.push([{ ...update, new: commit }], objects))))
		const head = await github.fake.git(NAME, 'rev-parse', 'main')
		const winner = [mine, theirs].find(({ commit }) => commit === head)
		expect(winner).toBeDefined()
		const loser = results.flat().filter((_, at) => (at < 2 ? mine : theirs) !== winner)
		expect(results.flat().some(({ isDone }) => isDone)).toBe(true)
		for (const outcome of loser) expect(outcome).toMatchObject({ isDone: false, actual: head })
	})

	it('and makes a new one once', async () => {
		const { mine, theirs } = await twoCommits()
		const results = await Promise.all([mine, theirs].map(({ commit, objects }) => github.store().push([{ ref: BRANCH, old: null, new: commit }], objects)))
		expect(results.flat().filter(({ isDone }) => isDone)).toHaveLength(1)
		expect(results.flat().find(({ isDone }) => !isDone)).toMatchObject({ actual: await github.fake.git(NAME, 'rev-parse', BRANCH) })
	})

	it('deletes last, and goes on where it was interrupted', async () => {
		const { store, main, mine } = await twoCommits()
		await store.push([{ ref: CANDIDATE, old: null, new: mine.commit }], mine.objects)
		const updates = [
			{ ref: CANDIDATE, old: mine.commit, new: null },
			{ ref: 'refs/heads/main', old: main, new: mine.commit },
		]
		github.fake.fault({ method: 'DELETE', isLost: true })
		await expect(github.store().push(updates, [], { isAtomic: false })).rejects.toMatchObject({ code: 'GIT_UPSTREAM' })
		expect(await github.fake.git(NAME, 'rev-parse', 'main')).toBe(mine.commit)
		expect(await github.store().push(updates, [], { isAtomic: false })).toMatchObject([
			{ ref: CANDIDATE, isDone: false, actual: null },
			{ ref: 'refs/heads/main', isDone: false, actual: mine.commit },
		])
	})

	it('all or none when one stands elsewhere', async () => {
		const { store, main, mine } = await twoCommits()
		const updates = [
			{ ref: 'refs/heads/main', old: main, new: mine.commit },
			{ ref: BRANCH, old: main, new: mine.commit },
		]
		expect(await store.push(updates, mine.objects)).toMatchObject([{ isDone: false, actual: main }, { isDone: false, actual: null }])
		expect(await store.push(updates, mine.objects, { isAtomic: false })).toMatchObject([{ isDone: true }, { isDone: false, actual: null }])
	})

	it('lets a candidate be replaced by another, but no branch', async () => {
		const { store, mine, theirs } = await twoCommits()
		await store.push([{ ref: CANDIDATE, old: null, new: mine.commit }, { ref: BRANCH, old: null, new: mine.commit }], mine.objects)
		const updates = [CANDIDATE, BRANCH].map((ref) => ({ ref, old: mine.commit, new: theirs.commit }))
		expect(await github.store().push(updates, theirs.objects, { isAtomic: false })).toMatchObject([{ isDone: true }, { isDone: false, reason: 'Update is not a fast forward', actual: mine.commit }])
	})
})

describe('push refuses', () => {
	it.each([
		['a changed workflow', async () => [await put('.github/workflows/ci.yml', 'on: pull_request\n')], '.github/workflows/ci.yml'],
		['a new one, however deep', async () => [await put('.github/workflows/sub/new.yml', 'on: push\n')], '.github/workflows/sub/new.yml'],
		['a deleted one', async () => [drop('.github/workflows/ci.yml')], '.github/workflows/ci.yml'],
		['one that comes by a rename', async () => [await put('.github/workflows/x.yml', 'guide\n', { from: 'docs/guide.md', change: 'rename' })], '.github/workflows/x.yml'],
		['an executable one', async () => [await put('.github/workflows/ci.yml', 'on: push\n', { mode: '100755' })], '.github/workflows/ci.yml'],
	])('%s before anything is sent', async (_name, changes, path) => {
		const store = github.store()
		const { commit, objects } = await build(store, await headOf(store), await changes())
		const calls = await github.callsOf(async () => {
			await expect(store.push([{ ref: BRANCH, old: null, new: commit }], objects)).rejects.toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'workflow-file', path } })
		})
		expect(calls.filter((call) => !call.startsWith('GET'))).toEqual([])
	})

	it('no other change beside the workflows', async () => {
		const store = github.store()
		const { commit, objects } = await build(store, await headOf(store), [await put('.github/CODEOWNERS', '* @shop\n')])
		expect(await store.push([{ ref: BRANCH, old: null, new: commit }], objects)).toEqual([{ ref: BRANCH, isDone: true }])
	})

	it('a commit that cannot be made alike', async () => {
		const store = github.store()
		const { objects } = await build(store, await headOf(store), [await put('x', '1')])
		const commit = objects.find(({ type }) => type === 'commit')
		const data = new TextEncoder().encode(new TextDecoder().decode(commit?.data).replaceAll('+0000', '+0100'))
		const others = objects.filter((object) => object !== commit)
		await expect(store.push([{ ref: BRANCH, old: null, new: '3'.repeat(40) }], [...others, { type: 'commit', id: '3'.repeat(40), data }])).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
	})

	it('with the right that is missing', async () => {
		const store = github.store(github.clientWith(READER))
		const { commit, objects } = await build(store, await headOf(store), [await put('x', '1')])
		await expect(store.push([{ ref: BRANCH, old: null, new: commit }], objects)).rejects.toMatchObject({
			code: 'FORBIDDEN',
			message: expect.stringContaining('contents: write'),
			details: { permission: 'contents=write', status: 403 },
		})
	})

	it('to wait: a limit is thrown with its end', async () => {
		const store = github.store()
		const { commit, objects } = await build(store, await headOf(store), [await put('x', '1')])
		github.fake.secondaryLimit({ method: 'POST', path: /trees$/, retryAfterS: 42 })
		const push = () => github.store().push([{ ref: BRANCH, old: null, new: commit }], objects)
		await expect(push()).rejects.toMatchObject({ code: 'RATE_LIMITED', details: { retryAt: START + 42_000 } })
		expect(await store.readRef(BRANCH)).toBeNull()
		expect(await push()).toEqual([{ ref: BRANCH, isDone: true }])
	})
})

