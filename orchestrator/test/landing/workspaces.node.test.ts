import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkspaceView } from '@shared/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { GitRemote } from '../../worker/services/git/smartHTTP.ts'
import { startGitServer } from './gitServer.ts'
import { cloneWorkspace, startLanding } from './harness.ts'
import type { GitServer } from './gitServer.ts'
import type { Landing } from './harness.ts'

let landing: Landing
let server: GitServer
beforeAll(async () => {
	server = await startGitServer()
	// The simulated host imports with git, which trusts the certificates of this file.
	process.env['GIT_SSL_CAINFO'] = server.certificate
	landing = await startLanding()
})
afterAll(async () => {
	await landing.close()
	await server.close()
})

const create = (input: { importUrl?: string; workspaceId?: string }) => landing.call<WorkspaceView>('workspaces.create', input)
const failure = (promise: Promise<unknown>) => promise.then(() => expect.unreachable('should have failed'), (error: unknown) => error)

it('makes an empty workspace with a commit to work from', async () => {
	const workspace = await create({})
	expect(workspace).toMatchObject({ kind: 'hosted', defaultBranch: 'main', importUrl: null, clonePath: `/git/${workspace.workspaceId}` })
	const clone = await cloneWorkspace(landing, workspace.workspaceId)
	expect(clone.git('rev-parse', 'HEAD')).toBe(await landing.call('readRef', workspace.workspaceId, 'refs/heads/main'))
	expect(clone.git('ls-tree', 'HEAD')).toBe('')
	expect(clone.git('fsck', '--strict')).toBe('')
	expect(await landing.call('workspaces.get', workspace.workspaceId)).toEqual(workspace)
})

it('makes one workspace of one id, however often it is asked', async () => {
	const { workspaceId } = await create({})
	const before = await landing.call('readRef', workspaceId, 'refs/heads/main')
	expect(await create({ workspaceId })).toMatchObject({ workspaceId })
	expect(await landing.call('readRef', workspaceId, 'refs/heads/main')).toBe(before)
})

it('takes over a repository whose record was lost', async () => {
	const { workspaceId } = await create({})
	const before = await landing.call('readRef', workspaceId, 'refs/heads/main')
	await landing.call('forgetWorkspace', workspaceId)
	expect(await create({ workspaceId })).toMatchObject({ workspaceId, defaultBranch: 'main' })
	expect(await landing.call('readRef', workspaceId, 'refs/heads/main')).toBe(before)
})

it('lists in pages without gap or repeat', async () => {
	for (let n = 0; n < 3; n += 1) await create({})
	const seen: string[] = []
	let cursor: string | undefined
	do {
		const page = await landing.call<{ items: WorkspaceView[]; nextCursor: string | null }>('workspaces.list', { limit: 2, ...(cursor === undefined ? {} : { cursor }) })
		seen.push(...page.items.map((item) => item.workspaceId))
		cursor = page.nextCursor ?? undefined
	} while (cursor !== undefined)
	expect(new Set(seen).size).toBe(seen.length)
	expect(seen.length).toBeGreaterThanOrEqual(3)
})

it('gives credentials that let in as far as they say, and makes them once', async () => {
	const { workspaceId } = await create({})
	const read = await landing.call<GitRemote>('workspaces.remote', workspaceId, 'read')
	expect(await landing.call('workspaces.remote', workspaceId, 'read')).toEqual(read)
	expect(await landing.call('workspaces.remote', workspaceId, 'read', { isFresh: true })).not.toEqual(read)
	const advertise = (headers: HeadersInit, service: string) => fetch(`${read.url}/info/refs?service=${service}`, { headers }).then(({ status }) => status)
	expect(await advertise({}, 'git-upload-pack')).toBe(401)
	expect(await advertise({ authorization: read.authorization }, 'git-upload-pack')).toBe(200)
	expect(await advertise({ authorization: read.authorization }, 'git-receive-pack')).toBe(403)
})

it('asks for a new credential when the host refuses the one it has', async () => {
	const { workspaceId } = await create({})
	await landing.call('workspaces.remote', workspaceId, 'read')
	await landing.call('spoilCredentials')
	expect(await landing.call('readRef', workspaceId, 'refs/heads/main')).toMatch(/^[0-9a-f]{40}$/)
})

it('says what is wrong with an import, and stores no workspace for it', async () => {
	expect(await failure(create({ importUrl: 'http://localhost:1/x.git' }))).toMatchObject({ code: 'WORKSPACE_IMPORT_FAILED', message: expect.stringContaining('https only') })
	expect(await failure(create({ importUrl: 'https://user:secret@localhost/x.git' }))).toMatchObject({ code: 'INVALID_INPUT', message: expect.not.stringContaining('secret') })
	expect(await failure(create({ importUrl: 'https://localhost/x.git?token=secret' }))).toMatchObject({ code: 'INVALID_INPUT' })
	expect(await failure(create({ importUrl: 'not a url' }))).toMatchObject({ code: 'INVALID_INPUT' })
	expect(await failure(create({ importUrl: 'https://127.0.0.1:1/x.git', workspaceId: 'wsp-000000000000' }))).toMatchObject({
		code: 'WORKSPACE_IMPORT_FAILED',
		details: { importUrl: 'https://127.0.0.1:1/x.git', reason: 'UPSTREAM_UNAVAILABLE' },
	})
	expect(await failure(landing.call('workspaces.get', 'wsp-000000000000'))).toMatchObject({ code: 'WORKSPACE_NOT_FOUND' })
	expect(await failure(landing.call('workspaces.remote', 'wsp-000000000000', 'read'))).toMatchObject({ code: 'WORKSPACE_NOT_FOUND' })
})

it('imports what an https server has, with its branch and history', async () => {
	server.git('init', '-q', '-b', 'trunk', 'project')
	writeFileSync(join(server.directory, 'project', 'a.txt'), 'a\n')
	server.git('-C', 'project', 'add', '.')
	server.git('-C', 'project', 'commit', '-q', '-m', 'one')
	const importUrl = `${server.url}/project/.git`
	const workspace = await create({ importUrl })
	expect(workspace).toMatchObject({ defaultBranch: 'trunk', importUrl })
	const clone = await cloneWorkspace(landing, workspace.workspaceId)
	expect(clone.git('log', '--format=%s')).toBe('one')
	expect(clone.git('ls-files')).toBe('a.txt')
})

it('gives an imported repository without a commit one to work from', async () => {
	server.git('init', '-q', '-b', 'trunk', '--bare', 'empty.git')
	const workspace = await create({ importUrl: `${server.url}/empty.git` })
	const clone = await cloneWorkspace(landing, workspace.workspaceId)
	expect(clone.git('rev-list', '--count', `origin/${workspace.defaultBranch}`)).toBe('1')
})

it('says when there is no such repository', async () => {
	expect(await failure(create({ importUrl: `${server.url}/nothing.git` }))).toMatchObject({ code: 'WORKSPACE_IMPORT_FAILED', details: { reason: 'NOT_FOUND' } })
})
