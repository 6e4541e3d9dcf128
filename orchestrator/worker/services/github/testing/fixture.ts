// For tests only: a fake GitHub over HTTP, and our side of it.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { blobId } from '@shared/ai-patch'
import type { AppliedFile } from '@shared/ai-patch'
import { createFakeGitHub } from '@shared/testing/github'
import type { FakeGitHub, FakeGitHubOptions } from '@shared/testing/github'
import type { GitStore } from '../../git/gitStore.ts'
import { makeCommit } from '../../git/objects.ts'
import type { GitObject } from '../../git/objects.ts'
import { buildTree } from '../../git/treeBuilder.ts'
import { createGitHubClient } from '../githubClient.ts'
import type { GitHubClient } from '../githubClient.ts'
import { createGitHubStore } from '../githubStore.ts'

export const NAME = 'acme/shop'
export const PLACE = { owner: 'acme', repo: 'shop' }
export const TOKEN = 'github_pat_fake_writer'
export const READER = 'github_pat_fake_reader'
export const START = Date.parse('2026-11-20T12:00:00Z')

const run = promisify(execFile)

export interface GitHubFixture {
	fake: FakeGitHub
	clock: { now: number }
	client: GitHubClient
	clientWith(token: string): GitHubClient
	/** A store as one request or step has it. */
	store(client?: GitHubClient): GitStore
	/** What was called since, as `METHOD path-below-the-repository`. */
	callsOf(use: () => Promise<unknown>): Promise<string[]>
	/** Clones with real git and runs it there. */
	clone(): Promise<(...args: string[]) => Promise<string>>
	close(): Promise<void>
}

export async function startGitHub(options: Partial<FakeGitHubOptions> = {}): Promise<GitHubFixture> {
	const clock = { now: START }
	const fake = await createFakeGitHub({
		repos: [{ name: NAME, files: { 'README.md': '# Shop\n' } }],
		tokens: [
			{ token: TOKEN, login: 'vibe', permissions: { contents: 'write', pull_requests: 'write' } },
			{ token: READER, login: 'reader', permissions: { contents: 'read' } },
		],
		now: () => clock.now,
		...options,
	})
	const clientWith = (token: string) => createGitHubClient({ token: async () => token, fetch, baseURL: fake.url, now: () => clock.now })
	const client = clientWith(TOKEN)
	const directories: string[] = []
	return {
		fake,
		clock,
		client,
		clientWith,
		store: (by = client) => createGitHubStore({ client: by, place: PLACE, memory: { isLarge: false } }),
		async callsOf(use) {
			const from = fake.calls.length
			await use()
			return fake.calls.slice(from).map(({ method, path }) => `${method} ${decodeURIComponent(path).replace(`/repos/${NAME}`, '')}`)
		},
		async clone() {
			const directory = mkdtempSync(join(tmpdir(), 'github-clone-'))
			directories.push(directory)
			const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
			const header = `http.extraHeader=Authorization: Basic ${btoa(`x-access-token:${TOKEN}`)}`
			// Never the synchronous form: the fake answers from this very process.
			const git = async (...args: string[]) => (await run('git', ['-c', header, ...args], { cwd: directory, env })).stdout
			await git('init', '-q')
			await git('fetch', '-q', `${fake.url}/${NAME}.git`, '+refs/*:refs/*')
			return git
		},
		async close() {
			await fake.close()
			for (const directory of directories) rmSync(directory, { recursive: true, force: true })
		},
	}
}

export async function put(path: string, content: string | Uint8Array, more: Partial<AppliedFile> = {}): Promise<AppliedFile> {
	const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
	return { path, change: 'modify', mode: '100644', content: bytes, blob: await blobId(bytes), ...more }
}
export const drop = (path: string): AppliedFile => ({ path, change: 'delete', mode: '100644', content: null, blob: null })

/** A commit of these changes on top of another, as landing makes it. */
export async function build(store: GitStore, parent: string, changes: readonly AppliedFile[], message = 'Change things'): Promise<{ commit: string; objects: GitObject[] }> {
	const base = await store.readCommit(parent)
	if (base === null) throw new Error(`no commit ${parent}`)
	const { tree, objects } = await buildTree(store, base.tree, changes)
	const commit = await makeCommit({ tree, parents: [parent], author: { name: 'VibeHQ', email: 'factory@vibehq.invalid' }, at: START, message })
	return { commit: commit.id, objects: [...objects, commit] }
}

/** The commit of a reference that must be there. */
export async function headOf(store: GitStore, ref = 'refs/heads/main'): Promise<string> {
	const head = await store.readRef(ref)
	if (head === null) throw new Error(`no ${ref}`)
	return head
}
