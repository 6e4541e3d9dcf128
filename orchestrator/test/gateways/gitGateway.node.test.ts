import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { randomBytes } from 'node:crypto'
import type { WorkspaceView } from '@shared/contracts'
import { ExecutionId } from '@shared/contracts'
import { mintToken } from '@shared/worker-base/token'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestHarness } from 'wrangler'

const run = promisify(execFile)
const key = btoa('k'.repeat(32))
const harness = createTestHarness({ root: import.meta.dirname, workers: [{ configPath: join(import.meta.dirname, 'wrangler.jsonc') }] })
const home = mkdtempSync(join(tmpdir(), 'git-gateway-'))
let base: URL
let workspace: WorkspaceView
let operator: string
let execution: string

/** Real git with nothing of this machine's configuration. */
async function git(...args: string[]): Promise<{ code: number; out: string }> {
	const env = { PATH: process.env['PATH'], HOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
	const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main']
	try {
		const { stdout, stderr } = await run('git', [...identity, ...args], { cwd: home, env })
		return { code: 0, out: stdout + stderr }
	} catch (error) {
		const failed = error as { code: number; stdout: string; stderr: string }
		return { code: failed.code, out: failed.stdout + failed.stderr }
	}
}
const remote = (token: string, path = workspace.clonePath) => `${base.protocol}//x:${token}@${base.host}${path}`
const executionToken = (workspaceId: WorkspaceView['workspaceId']) => {
	const executionId = ExecutionId.parse('EXE-0000000000000001')
	return mintToken(key, { kind: 'execution', subject: executionId, executionId, provider: 'claude', workspaceId, workerName: 't', ttlMs: 60_000 }, Date.now())
}

beforeAll(async () => {
	base = new URL((await harness.listen()).url)
	await harness.getWorker('gateways-test').applyD1Migrations('DB')
	workspace = (await (await fetch(new URL('/test/workspace', base), { method: 'POST' })).json()) as WorkspaceView
	operator = await mintToken(key, { kind: 'operator', subject: 'ops', workerName: 'console', ttlMs: 600_000 }, Date.now())
	execution = await executionToken(workspace.workspaceId)
})
afterAll(async () => {
	await harness.close()
	rmSync(home, { recursive: true, force: true })
})

describe('an operator', () => {
	it('clones with the token as password, pushes, also more than git buffers, and others see it', async () => {
		expect(await git('clone', '-q', remote(operator), 'work')).toMatchObject({ code: 0 })
		writeFileSync(join(home, 'work/large.bin'), randomBytes(3 * 1024 * 1024))
		await git('-C', 'work', 'add', '-A')
		await git('-C', 'work', 'commit', '-q', '-m', 'large')
		expect(await git('-C', 'work', 'push', '-q', 'origin', 'HEAD:refs/heads/main', 'HEAD:refs/heads/topic')).toEqual({ code: 0, out: '' })
		const head = (await git('-C', 'work', 'rev-parse', 'HEAD')).out.trim()
		expect((await git('ls-remote', remote(operator, `${workspace.clonePath}.git`), 'refs/heads/topic')).out).toContain(head)
	})

	it.each(['refs/heads/factory/ORD-000001', 'refs/heads/factory', 'refs/vibehq/candidates/x', 'refs/heads/Factory/x'])('cannot push to %s', async (ref) => {
		const pushed = await git('-C', 'work', 'push', 'origin', `HEAD:${ref}`)
		expect(pushed.code).not.toBe(0)
		expect(pushed.out).toContain('[remote rejected]')
		expect(pushed.out).toContain('GIT_READ_ONLY: only landing moves this reference')
		expect((await git('ls-remote', remote(operator), ref)).out).not.toContain(ref)
	})

	it('has nothing moved of a push that also names a protected reference', async () => {
		expect((await git('-C', 'work', 'push', 'origin', 'HEAD:refs/heads/beside', 'HEAD:refs/heads/factory/x')).code).not.toBe(0)
		expect((await git('ls-remote', remote(operator), 'refs/heads/beside')).out).toBe('')
	})

	it('does not notice that the credential of the host was renewed', async () => {
		await fetch(new URL('/test/spoil', base), { method: 'POST' })
		expect((await git('ls-remote', remote(operator), 'refs/heads/main')).code).toBe(0)
	})
})

describe('an execution', () => {
	it('clones and fetches its own workspace', async () => {
		expect(await git('clone', '-q', '--depth', '1', remote(execution), 'run')).toMatchObject({ code: 0 })
		const bearer = await git('-c', `http.extraHeader=Authorization: Bearer ${execution}`, 'ls-remote', new URL(workspace.clonePath, base).href)
		expect(bearer).toMatchObject({ code: 0, out: expect.stringContaining('refs/heads/main') })
	})

	it('cannot push, and git shows why', async () => {
		const pushed = await git('-C', 'run', 'push', 'origin', 'HEAD:refs/heads/mine')
		expect(pushed.code).not.toBe(0)
		expect(pushed.out).toContain('GIT_READ_ONLY')
	})

	it('cannot push by going past the first question', async () => {
		const response = await fetch(new URL(`${workspace.clonePath}/git-receive-pack`, base), { method: 'POST', headers: { authorization: `Bearer ${execution}` }, body: '0000' })
		expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('GIT_READ_ONLY')])
	})

	it('does not see another workspace', async () => {
		const other = (await (await fetch(new URL('/test/workspace', base), { method: 'POST' })).json()) as WorkspaceView
		const listed = await git('ls-remote', remote(execution, other.clonePath))
		expect(listed.code).not.toBe(0)
		expect(listed.out).toContain('FORBIDDEN')
	})
})

describe('nobody else', () => {
	it('gets in without a token, with a wrong one, or with one for something else', async () => {
		const plain = await fetch(new URL(`${workspace.clonePath}/info/refs?service=git-upload-pack`, base))
		expect([plain.status, plain.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="vibehq", charset="UTF-8"'])
		expect((await git('ls-remote', remote('wrong'))).out).toContain('UNAUTHENTICATED')
		const runner = await mintToken(key, { kind: 'runner', subject: 'r', workerName: 'w', ttlMs: 60_000 }, Date.now())
		expect((await git('ls-remote', remote(runner))).out).toContain('FORBIDDEN')
	})

	it.each([
		['/info/refs', 404],
		['/info/refs?service=git-evil', 404],
		['/HEAD', 404],
		['/objects/info/packs', 404],
		['/../wsp-000000000000/info/refs?service=git-upload-pack', 404],
	])('reads %s', async (path, status) => {
		const response = await fetch(new URL(workspace.clonePath + path, base), { headers: { authorization: `Bearer ${operator}` } })
		expect(response.status).toBe(status)
	})

	it('hides a push from the rules in a compressed body, or in one that is no push', async () => {
		const post = (body: string, headers: Record<string, string> = {}) =>
			fetch(new URL(`${workspace.clonePath}/git-receive-pack`, base), { method: 'POST', headers: { authorization: `Bearer ${operator}`, ...headers }, body })
		expect((await post('0000', { 'content-encoding': 'gzip' })).status).toBe(415)
		for (const body of ['', 'garbage', '0005', '0009push-cert', '0003', 'ffff']) expect((await post(body)).status).toBe(400)
	})

	it('learns the credential of the host', async () => {
		const response = await fetch(new URL(`${workspace.clonePath}/info/refs?service=git-upload-pack`, base), { headers: { authorization: `Bearer ${operator}` } })
		expect(JSON.stringify([...response.headers]) + (await response.text())).not.toMatch(/authorization|art_|bearer/i)
	})
})
