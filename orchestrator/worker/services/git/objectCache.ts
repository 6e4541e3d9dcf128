import type { GitObject } from './objects.ts'
import { readPack } from './packReader.ts'
import type { PackLimits } from './packReader.ts'
import type { SmartHTTP } from './smartHTTP.ts'

/** A repository below this is fetched whole, which is one request in place of one for each directory and file. */
const SMALL: PackLimits & { maxBytes: number } = { maxBytes: 512 * 1024, maxObjects: 600, maxTotalBytes: 8 * 1024 * 1024 }
const BLOBS: PackLimits & { maxBytes: number } = { maxBytes: 24 * 1024 * 1024, maxObjects: 10_000, maxTotalBytes: 24 * 1024 * 1024 }
/** Up to so many files are not worth a request of their own kind. */
const FEW_BLOBS = 2

export interface ObjectCacheDeps {
	git: Pick<SmartHTTP, 'fetchPack'>
	/** Whether the repository has been found too large to fetch whole; remembered for the next time. */
	size: { isLarge: boolean }
}

/**
 * Objects that were fetched together because they will be read. It only saves requests: what it does not have is read one by one, and
 * a host that does not hand out packs like this (or fails to) is not asked for anything else here.
 */
export function createObjectCache({ git, size }: ObjectCacheDeps) {
	const objects = new Map<string, GitObject>()

	async function load(request: { wants: readonly string[]; depth?: number }, limits: typeof SMALL): Promise<boolean> {
		const pack = await git.fetchPack({ ...request, maxBytes: limits.maxBytes })
		const found = pack && (await readPack(pack, limits))
		if (found === null) return false
		for (const [id, object] of found) objects.set(id, object)
		return true
	}

	return {
		get: (type: GitObject['type'], id: string): GitObject | undefined => {
			const object = objects.get(id)
			return object?.type === type ? object : undefined
		},

		async readAhead(commit: string, blobs: readonly string[]): Promise<void> {
			try {
				if (!size.isLarge) {
					// Also when this fails: a host that cannot do it is not asked again.
					size.isLarge = true
					size.isLarge = !(await load({ wants: [commit], depth: 1 }, SMALL))
					if (!size.isLarge) return
				}
				const wants = [...new Set(blobs)]
				if (wants.length > FEW_BLOBS) await load({ wants }, BLOBS)
			} catch {
				// The reads that follow say what is wrong, if anything is.
			}
		},
	}
}
