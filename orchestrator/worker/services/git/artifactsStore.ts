import { AppError, isAppError } from '@shared/contracts'
import { READ_LIMITS } from './baseTree.ts'
import type { Commit, GitStore, RefOutcome, TreeEntry } from './gitStore.ts'
import { hostCode } from './hostErrors.ts'
import { createObjectCache } from './objectCache.ts'
import type { ObjectCacheDeps } from './objectCache.ts'
import { makePack } from './pack.ts'
import { parseCommit, parseTree } from './parse.ts'
import { remember } from './remember.ts'
import { createSmartHTTP } from './smartHTTP.ts'
import type { SmartHTTPDeps } from './smartHTTP.ts'

export interface ArtifactsStoreDeps extends SmartHTTPDeps {
	/** Opens the repository; asked at most once. */
	openRepo(): Promise<ArtifactsRepo>
	memory: ObjectCacheDeps['memory']
}

/**
 * A repository of Cloudflare Artifacts: objects are read through its binding, or ahead of that in a pack; references are read and moved
 * over git's own protocol. Trees and commits are remembered for the life of the store, which is one request or step.
 */
export function createArtifactsStore({ openRepo, memory, ...http }: ArtifactsStoreDeps): GitStore {
	const git = createSmartHTTP(http)
	const ahead = createObjectCache({ git, memory })
	const commits = new Map<string, Promise<Commit | null>>()
	const trees = new Map<string, Promise<TreeEntry[] | null>>()
	let opened: Promise<ArtifactsRepo> | undefined

	const read = async <T>(use: (repo: ArtifactsRepo) => Promise<T>): Promise<T> => {
		opened ??= openRepo()
		const repo = await opened
		return guard('reading an object', () => use(repo))
	}
	const readRefs = (refs: readonly string[]) => guard('reading references', () => git.listRefs(refs))

	return {
		readRefs,
		readRef: async (ref) => (await readRefs([ref])).get(ref) ?? null,
		defaultBranch: async () => (await read((repo) => repo.info())).defaultBranch,
		readAhead: ahead.readAhead,

		readCommit: (id) =>
			remember(commits, id, async () => {
				const known = ahead.get('commit', id)
				if (known !== undefined) return parseCommit(known)
				const commit = await read((repo) => repo.readCommit(id))
				return commit && { id, tree: commit.treeHash, parents: [...commit.parents] }
			}),
		readTree: (id) =>
			remember(trees, id, async () => {
				const known = ahead.get('tree', id)
				if (known !== undefined) return parseTree(known)
				const entries = await read((repo) => repo.readTree(id))
				return entries && entries.map(({ name, mode, hash }) => ({ name, mode, id: hash }))
			}),
		readBlob: async (id) => {
			const known = ahead.get('blob', id)
			if (known !== undefined) return known.data
			const blob = await read((repo) => repo.readBlob(id).catch((error: unknown) => {
				throw hostCode(error) === 'MEMORY_LIMIT' ? tooLarge(id) : error
			}))
			if (blob !== null && blob.size > READ_LIMITS.maxFileBytes) throw tooLarge(id)
			return blob && new Uint8Array(await blob.arrayBuffer())
		},

		async push(updates, objects, options = {}) {
			const pack = await makePack(objects)
			const report = await guard('pushing', () => git.receivePack(updates, pack, options))
			const refused = updates.filter(({ ref }) => report.get(ref) !== null).map(({ ref }) => ref)
			const actual = refused.length === 0 ? new Map<string, string>() : await readRefs(refused)
			return updates.map(({ ref }): RefOutcome => {
				const reason = report.get(ref)
				if (reason === null) return { ref, isDone: true }
				return { ref, isDone: false, reason: reason ?? 'not reported', actual: actual.get(ref) ?? null }
			})
		},

		dispose() {
			opened?.then((repo) => repo[Symbol.dispose]()).catch(() => undefined)
		},
	}
}

async function guard<T>(action: string, run: () => Promise<T>): Promise<T> {
	try {
		return await run()
	} catch (error) {
		const code = hostCode(error)
		if (code === undefined && isAppError(error)) throw error
		// The text of a network error may quote an address with a credential in it, so only its kind is told.
		throw new AppError('GIT_UPSTREAM', `The host of the workspace failed while ${action} (${code ?? 'no answer'}). Try again.`)
	}
}

// Before its bytes are taken over: a file of any size may lie in a repository.
function tooLarge(id: string): AppError {
	const limit = READ_LIMITS.maxFileBytes
	return new AppError('PATCH_TOO_LARGE', `A file of the workspace (blob ${id}) is longer than ${limit} bytes, which is the limit for a patched file.`, { rule: 'file-bytes', limit })
}
