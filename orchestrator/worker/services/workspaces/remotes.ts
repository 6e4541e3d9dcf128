import type { RepositoryMemory } from '../git/objectCache.ts'
import type { GitRemote, RemoteScope } from '../git/smartHTTP.ts'

/** What an isolate remembers of a repository and one scope. It is written nowhere. */
export interface CachedRemote extends GitRemote {
	/** Unix ms. */
	expiresAt: number
}

/** One per isolate. */
export interface RemoteCache {
	credentials: Map<string, CachedRemote>
	/** By repository, the one that was used last at the end. */
	memories: Map<string, RepositoryMemory>
}
export const createRemoteCache = (): RemoteCache => ({ credentials: new Map(), memories: new Map() })

const MAX_MEMORIES = 16

/** What the isolate remembers of a repository; that of the longest unused one goes when there are too many. */
export function memoryOf({ memories }: RemoteCache, repository: string): RepositoryMemory {
	const memory = memories.get(repository) ?? { isLarge: false }
	memories.delete(repository)
	memories.set(repository, memory)
	const [oldest] = memories.keys()
	if (memories.size > MAX_MEMORIES && oldest !== undefined) memories.delete(oldest)
	return memory
}

const TOKEN_TTL_S = 3600
/** A credential is not handed out for the last stretch of its life, so that a long clone does not outlive it. */
const MARGIN_MS = 10 * 60_000

export interface RemotesDeps {
	openRepo(repository: string): Promise<ArtifactsRepo>
	cache: RemoteCache
	now: () => number
}

/** Address and credential of hosted repositories. */
export function createRemotes({ openRepo, cache, now }: RemotesDeps) {
	/** `isFresh` leaves the known credential aside because the host refused it. */
	return async function remote(repository: string, scope: RemoteScope, { isFresh = false }: { isFresh?: boolean } = {}): Promise<GitRemote> {
		const key = `${repository} ${scope}`
		const known = cache.credentials.get(key)
		if (known !== undefined && !isFresh && known.expiresAt - MARGIN_MS > now()) return { url: known.url, authorization: known.authorization }
		const repo = await openRepo(repository)
		try {
			const [info, token] = await Promise.all([repo.info(), repo.createToken(scope, TOKEN_TTL_S)])
			const made = { url: info.remote, authorization: `Bearer ${token.plaintext}` }
			cache.credentials.set(key, { ...made, expiresAt: now() + TOKEN_TTL_S * 1000 })
			return made
		} finally {
			repo[Symbol.dispose]()
		}
	}
}
export type Remotes = ReturnType<typeof createRemotes>
