import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { git } from '../stack/git.ts'
import { createFakeJules } from './fakeJules.ts'
import type { FakeJules, FakeJulesOptions } from './fakeJules.ts'
import { FAKE_JULES_NAME } from './googleErrors.ts'
import { bareRepository } from './testing/repository.ts'

const KEY = 'the-key'
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
})

let at = Date.parse('2026-01-26T10:00:00Z')

async function start(options: Partial<FakeJulesOptions>): Promise<FakeJules> {
	const fake = await createFakeJules({ apiKeys: [KEY], scenarios: [], now: () => at, ...options })
	cleanUps.push(() => fake.close())
	return fake
}

async function call(fake: FakeJules, path: string, { key = KEY, body, method }: { key?: string | null; body?: unknown; method?: string } = {}) {
	const response = await fetch(`${fake.url}/v1alpha/${path}`, {
		method: method ?? (body === undefined ? 'GET' : 'POST'),
		headers: { ...(key === null ? {} : { 'x-goog-api-key': key }), 'content-type': 'application/json' },
		...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
	})
	return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

async function repository(files: Record<string, string | Buffer>) {
	const made = await bareRepository(files)
	cleanUps.push(made.remove)
	return made
}

const inShop = { sourceContext: { source: 'sources/github/acme/shop', githubRepoContext: { startingBranch: 'main' } } }

async function play(fake: FakeJules, body: object) {
	const { body: created } = await call(fake, 'sessions', { body })
	at += 60_000
	const { body: session } = await call(fake, created.name)
	const { body: list } = await call(fake, `${created.name}/activities`)
	return { name: String(created.name), created, session, activities: list.activities ?? [] }
}

describe('what is refused', () => {
	it.each([
		['no key', 'sessions', { key: null }, 401, 'UNAUTHENTICATED'],
		['a wrong key', 'sessions', { key: 'other' }, 401, 'UNAUTHENTICATED'],
		['a path that the API does not have', 'sessions/1:cancel', { body: {} }, 404, 'NOT_FOUND'],
		['a source that is not connected', 'sources/github/acme/none', {}, 404, 'NOT_FOUND'],
		['an unknown session', 'sessions/1', {}, 404, 'NOT_FOUND'],
		['no prompt', 'sessions', { body: {} }, 400, 'INVALID_ARGUMENT'],
		['an unknown field', 'sessions', { body: { prompt: 'x', marker: 'y' } }, 400, 'INVALID_ARGUMENT'],
		['no JSON', 'sessions', { body: '{ not' }, 400, 'INVALID_ARGUMENT'],
		['a session of a source that is not connected', 'sessions', { body: { prompt: 'x', sourceContext: { source: 'sources/github/a/b', githubRepoContext: { startingBranch: 'main' } } } }, 404, 'NOT_FOUND'],
		['a token of another list', 'sessions?pageToken=eHl6', {}, 400, 'INVALID_ARGUMENT'],
		['a filter of another list', 'sessions?filter=title%3Dx', {}, 400, 'INVALID_ARGUMENT'],
		['a negative page', 'sources?pageSize=-1', {}, 400, 'INVALID_ARGUMENT'],
	])('%s', async (_what, path, options, status, googleStatus) => {
		const fake = await start({})
		const answer = await call(fake, path, options)
		expect(answer).toMatchObject({ status, body: { error: { code: status, status: googleStatus } } })
		expect(answer.headers.get('x-emulator')).toBe(FAKE_JULES_NAME)
		expect(JSON.stringify(fake.calls)).not.toContain(KEY)
	})

	it('a branch that is not there', async () => {
		const { gitDir } = await repository({ 'a.txt': 'a\n' })
		const fake = await start({ sources: [{ owner: 'acme', repo: 'shop', gitDir }] })
		const sourceContext = { source: 'sources/github/acme/shop', githubRepoContext: { startingBranch: 'none' } }
		expect(await call(fake, 'sessions', { body: { prompt: 'x', sourceContext } })).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } })
	})

	it.each([{ match: '(' }, { match: 'x', jules: { steps: [{ dance: true }] } }, { match: 'x', jules: { faults: [{ on: 'sessions.dance' }] } }])('the scenario %j', async (scenario) => {
		await expect(createFakeJules({ scenarios: [{ name: 'bad', ...scenario }] })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})
})

describe('sessions', () => {
	it('make diffs that git applies', async () => {
		const { gitDir, head } = await repository({ 'a.txt': 'one\ntwo\n', 'gone.txt': 'x\n' })
		const steps = [{ edit: { path: 'a.txt', old: 'two', new: 'zwei $& \\1' } }, { write: { path: 'deep/b.txt', content: 'no end' } }, { shell: 'rm gone.txt' }, { shell: 'false' }]
		const fake = await start({ sources: [{ owner: 'acme', repo: 'shop', gitDir }], scenarios: [{ name: 'change', match: 'change', steps }] })
		const { session, activities } = await play(fake, { prompt: 'Change it', ...inShop })
		expect(session).toMatchObject({ state: 'COMPLETED', outputs: [{ changeSet: { source: 'sources/github/acme/shop', gitPatch: { baseCommitId: head } } }] })
		const { unidiffPatch } = session.outputs[0].changeSet.gitPatch
		// Each change set has all that was changed by then.
		const patches = activities.flatMap(({ artifacts = [] }: { artifacts?: { changeSet: { gitPatch: { unidiffPatch: string } } }[] }) => artifacts.map(({ changeSet }) => changeSet.gitPatch.unidiffPatch))
		expect(patches.at(-1)).toBe(unidiffPatch)
		expect(patches[0]).not.toContain('b.txt')

		const clone = await mkdtemp(join(tmpdir(), 'fake-jules-apply-'))
		cleanUps.push(() => rm(clone, { recursive: true }))
		await git(['clone', '--quiet', gitDir, clone])
		const patchFile = join(clone, '.git', 'change.patch')
		await writeFile(patchFile, unidiffPatch)
		await git(['apply', '--index', patchFile], { cwd: clone })
		expect(await git(['status', '--porcelain'], { cwd: clone })).toBe('M  a.txt\nA  deep/b.txt\nD  gone.txt\n')
		expect(await git(['show', ':a.txt'], { cwd: clone })).toBe('one\nzwei $& \\1\n')
		expect((await git(['rev-parse', 'main'], { cwd: gitDir })).trim()).toBe(head)
	})

	it.each([
		['an edit that does not fit', { edit: { path: 'a.txt', old: 'three', new: 'x' } }, 'Step 1 of scenario "bad" failed: a.txt contains "three" 0 times'],
		['a path that leads out', { write: { path: '../../evil.txt', content: 'x' } }, 'is not a path inside the repository'],
		['a path into .git', { write: { path: '.git/config', content: 'x' } }, 'is not a path inside the repository'],
		['a link that leads out', { write: { path: 'link/new/evil.txt', content: 'x' } }, 'leads out of the repository'],
	])('fail at %s', async (_what, step, reason) => {
		const { gitDir } = await repository({ 'a.txt': 'one\n' })
		const steps = [{ shell: 'ln -s /tmp link' }, step]
		const fake = await start({ sources: [{ owner: 'acme', repo: 'shop', gitDir }], scenarios: [{ name: 'bad', match: '', steps: reason.startsWith('Step 1') ? [step] : steps }] })
		const { session, activities } = await play(fake, { prompt: 'x', ...inShop })
		expect(session.state).toBe('FAILED')
		expect(activities.at(-1).sessionFailed.reason).toContain(reason)
	})

	it('fail when no scenario fits, and leave to the others what is theirs', async () => {
		const fake = await start({ scenarios: [{ name: 'codex only', match: '', provider: 'codex' }] })
		const { session, activities } = await play(fake, { prompt: 'x' })
		expect(session.state).toBe('FAILED')
		expect(activities.at(-1).sessionFailed.reason).toContain('No scenario matches')
	})

	it('go on as time does, and not before', async () => {
		const fake = await start({ scenarios: [{ name: 'slow', match: '', jules: { delayMs: 1000, steps: [{ waitMs: 5000 }, { say: 'Hello.' }] } }] })
		const { body: created } = await call(fake, 'sessions', { body: { prompt: 'x' } })
		const states: string[] = []
		for (let second = 0; second < 11; second++) {
			states.push((await call(fake, created.name)).body.state)
			at += 1000
		}
		expect(states).toEqual(['QUEUED', 'PLANNING', 'PLANNING', ...Array(6).fill('IN_PROGRESS'), 'IN_PROGRESS', 'COMPLETED'])
	})

	it('revive after completion, by themselves or when spoken to', async () => {
		const steps = [{ write: { path: 'a', content: '1\n' } }, { complete: true }, { stall: 'until-message' }, { write: { path: 'b', content: '2\n' } }]
		const fake = await start({ scenarios: [{ name: 'late', match: '', jules: { steps } }] })
		const { name, session } = await play(fake, { prompt: 'x' })
		expect(session.state).toBe('COMPLETED')
		expect((await call(fake, `${name}:sendMessage`, { body: { prompt: 'and b' } })).status).toBe(200)
		expect((await call(fake, name)).body.state).toBe('IN_PROGRESS')
		at += 60_000
		const { body } = await call(fake, name)
		expect(body.state).toBe('COMPLETED')
		expect(body.outputs[0].changeSet.gitPatch.unidiffPatch).toContain('b/b')
		expect(body.outputs[0].changeSet.gitPatch).not.toHaveProperty('baseCommitId')
	})

	it('stay silent for ever, in any state, with kinds that nobody knows', async () => {
		const steps = [{ activity: { dreamt: { of: 'sheep' } } }, { artifact: { hologram: {} } }, { state: 'HIBERNATING' }, { stall: 'for-ever' }, { fail: 'never reached' }]
		const fake = await start({ scenarios: [{ name: 'odd', match: '', jules: { steps } }] })
		const { name, session, activities } = await play(fake, { prompt: 'x' })
		expect(session.state).toBe('HIBERNATING')
		expect(activities.slice(-2)).toMatchObject([{ dreamt: { of: 'sheep' } }, { artifacts: [{ hologram: {} }] }])
		await call(fake, `${name}:sendMessage`, { body: { prompt: 'wake up' } })
		at += 3_600_000
		expect((await call(fake, name)).body.state).toBe('HIBERNATING')
	})

	it('take an approval only when they wait for one', async () => {
		const fake = await start({ scenarios: [{ name: 'plan', match: '' }] })
		const { name, session } = await play(fake, { prompt: 'x', requirePlanApproval: true })
		expect(session.state).toBe('AWAITING_PLAN_APPROVAL')
		expect((await call(fake, `${name}:approvePlan`, { body: {} })).body).toEqual({})
		expect(await call(fake, `${name}:approvePlan`, { body: {} })).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } })
	})

	it('are gone when deleted, and no other gets their id', async () => {
		const fake = await start({ scenarios: [{ name: 'x', match: '' }] })
		const { name } = await play(fake, { prompt: 'x' })
		expect((await call(fake, name, { method: 'DELETE' })).status).toBe(200)
		expect((await call(fake, name)).status).toBe(404)
		expect((await play(fake, { prompt: 'x' })).name).not.toBe(name)
	})
})

describe('lists', () => {
	it('filter activities by time, exclusively, and know no createTime parameter', async () => {
		const fake = await start({ scenarios: [{ name: 'ties', match: '', jules: { delayMs: 0, steps: [{ waitMs: 10 }, { say: 'a' }, { say: 'b' }] } }] })
		const { name, activities } = await play(fake, { prompt: 'x' })
		const last = activities.at(-1).createTime
		const after = async (time: string) => (await call(fake, `${name}/activities?filter=${encodeURIComponent(`create_time > "${time}"`)}`)).body
		expect(await after(last)).toEqual({})
		expect((await after(activities[0].createTime)).activities.map((one: { createTime: string }) => one.createTime)).toEqual([last, last, last])
		expect(await call(fake, `${name}/activities?createTime=${encodeURIComponent(last)}`)).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } })
		expect((await call(fake, `${name}/activities?filter=state%3D1`)).status).toBe(400)
	})

	it('give pages with tokens', async () => {
		const fake = await start({ scenarios: [{ name: 'long', match: '', jules: { steps: Array.from({ length: 7 }, (_, index) => ({ say: String(index) })) } }] })
		const { name, activities } = await play(fake, { prompt: 'x' })
		const ids: string[] = []
		for (let token = ''; ; ) {
			const { body } = await call(fake, `${name}/activities?pageSize=3&pageToken=${token}`)
			ids.push(...body.activities.map(({ id }: { id: string }) => id))
			if (!body.nextPageToken) break
			token = body.nextPageToken
		}
		expect(ids).toEqual(activities.map(({ id }: { id: string }) => id))
		expect((await call(fake, `${name}/activities/${ids[2]}`)).body).toEqual(activities[2])
	})

	it('filter sources by name', async () => {
		const fake = await start({ sources: [{ owner: 'acme', repo: 'shop' }, { owner: 'acme', repo: 'site' }] })
		const { body } = await call(fake, `sources?filter=${encodeURIComponent('name=sources/github/acme/site OR name=sources/github/a/b')}`)
		expect(body.sources.map(({ name }: { name: string }) => name)).toEqual(['sources/github/acme/site'])
	})
})

describe('faults', () => {
	it('come as often as they should, and may do the work before', async () => {
		const faults = [{ on: 'sessions.get', status: 503, times: 2 }]
		const fake = await start({ scenarios: [{ name: 'x', match: '', fault: { status: 429, retryAfterS: 7, times: 1 }, jules: { early404s: 1, faults } }] })
		const limited = await call(fake, 'sessions', { body: { prompt: 'x' } })
		expect(limited).toMatchObject({ status: 429, body: { error: { status: 'RESOURCE_EXHAUSTED' } } })
		expect(limited.headers.get('retry-after')).toBe('7')
		expect(fake.sessionIds()).toEqual([])
		fake.addFault({ on: 'sessions.create', status: 500, times: 1, isApplied: true })
		expect((await call(fake, 'sessions', { body: { prompt: 'x' } })).status).toBe(500)
		const [id] = fake.sessionIds()
		const statuses = []
		for (let index = 0; index < 4; index++) statuses.push((await call(fake, `sessions/${id}`)).status)
		expect(statuses).toEqual([503, 503, 404, 200])
	})

	it.each([{ cut: true as const }, { stall: 'headers' as const }, { stall: 'body' as const }, { garbage: true as const }])('break the answer: %j', async (fault) => {
		const fake = await start({})
		fake.addFault({ on: 'sources.list', ...fault })
		const answer = fetch(`${fake.url}/v1alpha/sources`, { headers: { 'x-goog-api-key': KEY }, signal: AbortSignal.timeout(300) }).then((response) => response.json())
		await expect(answer).rejects.toThrow()
		expect(fake.calls[0]?.fault).toMatchObject(fault)
	})
})
