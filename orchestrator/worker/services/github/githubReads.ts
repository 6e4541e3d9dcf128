import { AppError } from '@shared/contracts'
import { READ_LIMITS } from '../git/baseTree.ts'
import type { Commit, TreeEntry } from '../git/gitStore.ts'
import type { RepositoryMemory } from '../git/objectCache.ts'
import { DIRECTORY_MODE, makeObject } from '../git/objects.ts'
import { remember } from '../git/remember.ts'
import { CommitAnswer, readAnswer, RefAnswer, RepoAnswer, TreeAnswer } from './answers.ts'
import type { GitHubClient } from './githubClient.ts'
import { hasStatus } from './githubErrors.ts'
import { repoName } from './githubRepo.ts'
import type { GitHubRepo } from './githubRepo.ts'

export interface GitHubReadsDeps {
	client: GitHubClient
	place: GitHubRepo
	/** What the isolate remembers of the repository: one whose tree is too large for one answer is not asked for it again. */
	memory: Pick<RepositoryMemory, 'isLarge'>
}

/** Git has it without storing it, and GitHub does not hand it out. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** References and objects of a GitHub repository. Objects are remembered for the life of this, which is one request or step. */
export function createGitHubReads({ client: { rest }, place, memory }: GitHubReadsDeps) {
	const commits = new Map<string, Promise<Commit | null>>()
	const trees = new Map<string, Promise<TreeEntry[] | null>>()
	const repository = new Map<string, Promise<string>>()
	let isThere = false

	const defaultBranch = (): Promise<string> =>
		remember(repository, 'default branch', async () => readAnswer(RepoAnswer, (await rest.repos.get({ ...place })).data, 'the repository').default_branch)

	/** Null for what is not there. The API answers a missing repository in the same way, so it is looked for once; an empty one has nothing. */
	async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
		try {
			const found = await read()
			isThere = true
			return found
		} catch (error) {
			if (!hasStatus(error, 404, 409)) throw error
			if (hasStatus(error, 404) && !isThere) await defaultBranch()
			return null
		}
	}

	const readRef = (ref: string): Promise<string | null> =>
		orNull(async () => readAnswer(RefAnswer, (await rest.git.getRef({ ...place, ref: shortRef(ref) })).data, ref).object.sha)

	const askCommit = (id: string) =>
		orNull(async (): Promise<Commit> => {
			const { sha, tree, parents } = readAnswer(CommitAnswer, (await rest.git.getCommit({ ...place, commit_sha: id })).data, `commit ${id}`)
			return { id: sha, tree: tree.sha, parents: parents.map((parent) => parent.sha) }
		})

	const askTree = (id: string) =>
		orNull(async (): Promise<TreeEntry[]> => {
			if (id === EMPTY_TREE) return []
			const { tree, truncated } = readAnswer(TreeAnswer, (await rest.git.getTree({ ...place, tree_sha: id })).data, `tree ${id}`)
			if (truncated) throw new AppError('WORKSPACE_UNSUPPORTED', `A directory of ${repoName(place)} has more entries than GitHub lists (tree ${id}).`)
			return tree.map(({ path, mode, sha }) => ({ name: path, mode: shortMode(mode), id: sha }))
		})

	const readCommit = (id: string) => remember(commits, id, () => askCommit(id))

	/** Every directory of the commit's tree in one request, unless that is more than GitHub or we put in one answer. */
	async function loadTrees(commit: string): Promise<void> {
		const root = (await readCommit(commit))?.tree
		if (root === undefined || root === EMPTY_TREE || trees.has(root)) return
		memory.isLarge = true
		const { data } = await rest.git.getTree({ ...place, tree_sha: root, recursive: '1' })
		const { tree, truncated } = readAnswer(TreeAnswer, data, `tree ${root}`)
		if (truncated) return
		memory.isLarge = false
		for (const [id, entries] of splitDirectories(root, tree)) trees.set(id, Promise.resolve(entries))
	}

	return {
		defaultBranch,
		readRef,
		readCommit,
		readTree: (id: string) => remember(trees, id, () => askTree(id)),

		/** GitHub has no call for several references by name, so these run side by side. */
		async readRefs(refs: readonly string[]): Promise<Map<string, string>> {
			const found = await Promise.all(refs.map(async (ref): Promise<[string, string | null]> => [ref, await readRef(ref)]))
			return new Map(found.flatMap(([ref, id]) => (id === null ? [] : [[ref, id]])))
		},

		async readAhead(commit: string): Promise<void> {
			if (!memory.isLarge) await loadTrees(commit).catch(() => undefined)
		},

		/** Throws PATCH_TOO_LARGE for a file that no patch can be for. */
		async readBlob(id: string): Promise<Uint8Array | null> {
			const bytes = await orNull(() => askBlob(id)).catch((error: unknown) => {
				if (!(error instanceof AppError) || error.code !== 'PAYLOAD_TOO_LARGE') throw error
				const limit = READ_LIMITS.maxFileBytes
				throw new AppError('PATCH_TOO_LARGE', `A file of ${repoName(place)} (blob ${id}) is longer than ${limit} bytes, which is the limit for a patched file.`, { rule: 'file-bytes', limit })
			})
			if (bytes !== null && (await makeObject('blob', bytes)).id !== id) throw new AppError('GIT_UPSTREAM', `GitHub answered other bytes than those of blob ${id}. Try again.`)
			return bytes
		},
	}

	async function askBlob(id: string): Promise<Uint8Array> {
		// Left to itself octokit decodes a raw answer as text.
		const options = { headers: { accept: 'application/vnd.github.raw+json' }, request: { parseSuccessResponseBody: false } }
		const { data }: { data: unknown } = await rest.git.getBlob({ ...place, file_sha: id, ...options })
		return data instanceof ReadableStream ? new Uint8Array(await new Response(data).arrayBuffer()) : new Uint8Array()
	}
}
export type GitHubReads = ReturnType<typeof createGitHubReads>

/** As the API wants it, which puts `refs/` before it again. */
export const shortRef = (ref: string) => ref.replace(/^refs\//, '')

// The API writes six digits, git five for a directory.
const shortMode = (mode: string) => mode.replace(/^0/, '')

/** The directories in a recursive listing, by their ids. */
function splitDirectories(root: string, listing: readonly { path: string; mode: string; sha: string }[]): Map<string, TreeEntry[]> {
	const byPath = new Map<string, TreeEntry[]>([['', []]])
	const ids = new Map([['', root]])
	for (const { path, mode, sha } of listing) {
		if (shortMode(mode) !== DIRECTORY_MODE) continue
		byPath.set(path, [])
		ids.set(path, sha)
	}
	for (const { path, mode, sha } of listing) {
		const slash = path.lastIndexOf('/')
		byPath.get(path.slice(0, Math.max(slash, 0)))?.push({ name: path.slice(slash + 1), mode: shortMode(mode), id: sha })
	}
	return new Map(Array.from(byPath, ([path, entries]) => [ids.get(path) ?? '', entries]))
}
