// For the landing tests only: the test Worker, real git repositories, and patch sets made from real diffs.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GIT_DIFF_PATCH_ARGS, GIT_DIFF_RAW_ARGS, patchSetFromDiff } from '@shared/ai-patch'
import { AppError } from '@shared/contracts'
import type { ErrorBody, PatchSet, WorkspaceView } from '@shared/contracts'
import { createTestHarness } from 'wrangler'
import type { GitRemote } from '../../worker/services/git/smartHTTP.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
export const randomId = (prefix: string, length: number) =>
	`${prefix}-${Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => ALPHABET[byte % 32]).join('')}`

export interface Answer<T> {
	value: T
	/** Inside the Worker. */
	ms: number
	/** Requests of git's own protocol. */
	requests: string[]
}

export async function startLanding() {
	const harness = createTestHarness({ root: import.meta.dirname, workers: [{ configPath: join(import.meta.dirname, 'wrangler.jsonc') }] })
	const { url } = await harness.listen()
	const directories: string[] = []
	await harness.getWorker('landing-test').applyD1Migrations('DB')
	/** Throws what the Worker threw, as an AppError. */
	async function timed<T>(call: string, ...args: unknown[]): Promise<Answer<T>> {
		// Nobody looks at the sockets while git runs, and the server gives up a connection that the next call would take.
		const response = await fetch(url, { method: 'POST', headers: { connection: 'close' }, body: JSON.stringify({ call, args }) })
		const body = (await response.json()) as Answer<T> | { error: ErrorBody }
		if ('error' in body) throw new AppError(body.error.code, body.error.message, body.error.details)
		return body
	}
	return {
		timed,
		call: async <T>(call: string, ...args: unknown[]): Promise<T> => (await timed<T>(call, ...args)).value,
		/** Temporary directories that go when it closes. */
		directories,
		async close() {
			await harness.close()
			for (const directory of directories) rmSync(directory, { recursive: true, force: true })
		},
	}
}
export type Landing = Awaited<ReturnType<typeof startLanding>>

/** A clone of a workspace with a work tree to change. */
export interface Clone {
	directory: string
	git(...args: string[]): string
	bytes(args: readonly string[]): Buffer
	/** Stages everything and tells the tree that git makes of it. */
	stage(): string
}

export async function cloneWorkspace(landing: Landing, workspaceId: string, scope: 'read' | 'write' = 'read'): Promise<Clone> {
	const remote = await landing.call<GitRemote>('workspaces.remote', workspaceId, scope)
	const directory = mkdtempSync(join(tmpdir(), 'landing-'))
	landing.directories.push(directory)
	const bytes = (args: readonly string[]) => {
		const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'core.autocrlf=false']
		const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
		const header = `http.extraHeader=Authorization: ${remote.authorization}`
		return execFileSync('git', ['-c', header, ...identity, ...args], { cwd: directory, env, maxBuffer: 2 ** 28, stdio: ['pipe', 'pipe', 'pipe'] })
	}
	const git = (...args: string[]) => bytes(args).toString().trim()
	git('clone', '-q', remote.url, 'work')
	git('-C', 'work', 'config', 'fsck.zeroPaddedFilemode', 'error')
	return {
		directory: join(directory, 'work'),
		git: (...args) => git('-C', 'work', ...args),
		bytes: (args) => bytes(['-C', 'work', ...args]),
		stage() {
			git('-C', 'work', 'add', '-A', '-f', '.')
			return git('-C', 'work', 'write-tree')
		},
	}
}

/** A new workspace whose default branch holds what `fill` writes. */
export async function newWorkspace(landing: Landing, fill: (directory: string) => void): Promise<{ workspaceId: string; base: string }> {
	const { workspaceId } = await landing.call<WorkspaceView>('workspaces.create', {})
	const clone = await cloneWorkspace(landing, workspaceId, 'write')
	fill(clone.directory)
	clone.stage()
	clone.git('commit', '-q', '--allow-empty', '-m', 'base')
	clone.git('push', '-q', 'origin', 'HEAD')
	const base = clone.git('rev-parse', 'HEAD')
	return { workspaceId, base }
}

export interface Change {
	set: PatchSet
	/** The tree that git itself makes of the change. */
	tree: string
	executionId: string
	orderId: string
}

/** What an agent hands in that changed the files of `base` like `edit` does; stored and with its execution. */
export async function changeOf(landing: Landing, at: { workspaceId: string; base: string; orderId?: string }, edit: (directory: string) => void): Promise<Change> {
	const clone = await cloneWorkspace(landing, at.workspaceId)
	clone.git('checkout', '-q', '--detach', at.base)
	edit(clone.directory)
	const tree = clone.stage()
	const { files, patches } = await patchSetFromDiff({
		raw: clone.bytes([...GIT_DIFF_RAW_ARGS, at.base]),
		diff: clone.bytes([...GIT_DIFF_PATCH_ARGS, at.base]),
		readBase: async (path) => clone.bytes(['cat-file', 'blob', `${at.base}:${path}`]),
		taskId: 'TSK-000000000000',
		provider: 'codex',
	})
	const executionId = randomId('EXE', 16)
	const orderId = at.orderId ?? randomId('ORD', 6)
	const ids = { patch_set_id: randomId('PST', 16), task_id: 'TSK-000000000000', execution_id: executionId, order_id: orderId }
	const set: PatchSet = { ...ids, base_commit: at.base, files, patches, summary: 'Change what was asked for\n\nOrder: ORD-FORGED', metadata: { provider: 'codex' } }
	await landing.call('execution', executionId, orderId, at.workspaceId)
	await landing.call('store', set)
	return { set, tree, executionId, orderId }
}
