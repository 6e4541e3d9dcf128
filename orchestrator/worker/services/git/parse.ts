import type { Commit, TreeEntry } from './gitStore.ts'
import { toHex } from './objects.ts'
import type { GitObject } from './objects.ts'

const decoder = new TextDecoder()
const ID_BYTES = 20

/** The entries of a tree object. Throws RangeError for data that is no tree. */
export function parseTree({ data }: GitObject): TreeEntry[] {
	const entries: TreeEntry[] = []
	for (let at = 0; at < data.length; ) {
		const space = data.indexOf(0x20, at)
		const end = data.indexOf(0, space)
		if (space === -1 || end === -1 || end + ID_BYTES >= data.length) throw new RangeError('not a tree')
		const mode = decoder.decode(data.subarray(at, space))
		const name = decoder.decode(data.subarray(space + 1, end))
		at = end + 1 + ID_BYTES
		entries.push({ mode, name, id: toHex(data.subarray(end + 1, at)) })
	}
	return entries
}

/** Tree and parents of a commit object. Throws RangeError for data that is no commit. */
export function parseCommit({ id, data }: GitObject): Commit {
	const [headers = ''] = decoder.decode(data).split('\n\n', 1)
	const lines = headers.split('\n')
	const tree = /^tree ([0-9a-f]{40})$/.exec(lines[0] ?? '')?.[1]
	if (tree === undefined) throw new RangeError('not a commit')
	return { id, tree, parents: lines.flatMap((line) => /^parent ([0-9a-f]{40})$/.exec(line)?.[1] ?? []) }
}
