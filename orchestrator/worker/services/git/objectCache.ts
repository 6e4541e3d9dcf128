import type { GitObject } from './objects.ts'
import { readPack } from './packReader.ts'
import type { PackLimits } from './packReader.ts'
import type { SmartHTTP } from './smartHTTP.ts'

/** A repository below this is fetched whole, which is one request in place of one for each directory and file. */
const SMALL: PackLimits & { maxBytes: number } = { maxBytes: 512 * 1024, maxObjects: 600, maxTotalBytes: 8 * 1024 * 1024 }
/** The answer is in memory twice while it is unpacked, so it is well below what the files may have together. */
const BLOBS: PackLimits & { maxBytes: number } = { maxBytes: 8 * 1024 * 1024, maxObjects: 10_000, maxTotalBytes: 16 * 1024 * 1024 }
/** Up to so many files are not worth a request of their own kind. */
const FEW_BLOBS = 2

/** What an isolate remembers of a repository between requests. Objects never change, so nothing of it can be stale. */
export interface RepositoryMemory {
	/** Found too large to fetch whole. */
	isLarge: boolean
	/** All objects of the commit that was read last, where they are few. */
	whole?: { commit: string; objects: ReadonlyMap<string, GitObject> }
}
/** More is not worth the memory of an isolate: it has 128 MB for everything. */
const MAX_REMEMBERED_BYTES = 1024 * 1024

export interface ObjectCacheDeps {
	git: Pick<SmartHTTP, 'fetchPack'>
	memory: RepositoryMemory
}

/**
 * Objects that were fetched together because they will be read. It only saves requests: what it does not have is read one by one, and
 * a host that does not hand out packs like this (or fails to) is not asked for anything else here.
 */
export function createObjectCache({ git, memory }: ObjectCacheDeps) {
	const objects = new Map<string, GitObject>()

	async function load(request: { wants: readonly string[]; depth?: number }, limits: typeof SMALL): Promise<boolean> {
		const pack = await git.fetchPack({ ...request, maxBytes: limits.maxBytes })
		const found = pack && (await readPack(pack, limits))
		if (found === null) return false
		for (const [id, object] of found) objects.set(id, object)
		return true
	}

	function remember(commit: string): void {
		const bytes = [...objects.values()].reduce((sum, object) => sum + object.data.byteLength, 0)
		if (bytes <= MAX_REMEMBERED_BYTES) memory.whole = { commit, objects: new Map(objects) }
	}

	return {
		get: (type: GitObject['type'], id: string): GitObject | undefined => {
			const object = objects.get(id)
			return object?.type === type ? object : undefined
		},

		async readAhead(commit: string, blobs: readonly string[]): Promise<void> {
			try {
				if (memory.whole?.commit === commit) {
					for (const [id, object] of memory.whole.objects) objects.set(id, object)
					return
				}
				if (!memory.isLarge) {
					// Also when this fails: a host that cannot do it is not asked again.
					memory.isLarge = true
					memory.isLarge = !(await load({ wants: [commit], depth: 1 }, SMALL))
					if (!memory.isLarge) {
						remember(commit)
						return
					}
				}
				const wants = [...new Set(blobs)]
				if (wants.length > FEW_BLOBS) await load({ wants }, BLOBS)
			} catch {
				// The reads that follow say what is wrong, if anything is.
			}
		},
	}
}
