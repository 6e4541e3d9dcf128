import { AppError } from '@shared/contracts'
import { isDirectory, isSubmodule } from '../git/objects.ts'
import type { GitObject } from '../git/objects.ts'
import type { TreeEntry } from '../git/gitStore.ts'
import { parseTree } from '../git/parse.ts'
import { MadeAnswer, readAnswer } from './answers.ts'
import { readCommitText } from './commitText.ts'
import type { GitHubClient } from './githubClient.ts'
import { EMPTY_TREE } from './githubReads.ts'
import type { GitHubRepo } from './githubRepo.ts'

/** One line of a tree to be made: `path` may lead down through directories, which are made with it. */
type TreeItem = NonNullable<Parameters<GitHubClient['rest']['git']['createTree']>[0]>['tree'][number]

/** The lines of a directory and everything new below it, and about how long they are. */
interface Listing {
	items: TreeItem[]
	bytes: number
}

/** What one request about a tree carries at most; more is sent in several. */
const MAX_TREE_BYTES = 1024 * 1024
const ITEM_BYTES = 120

export interface ObjectWriterDeps {
	client: GitHubClient
	place: GitHubRepo
	objects: readonly GitObject[]
}

/**
 * Makes GitHub store these objects: everything that the commits among them need. A text travels inside the tree that has it, and a tree
 * inside the one above, so that a usual change is one tree and one commit. GitHub makes its objects itself; each id that it answers must be ours, or
 * PATCH_CORRUPT is thrown. Nothing refers to what was stored until then.
 */
export function createObjectWriter({ client: { rest }, place, objects }: ObjectWriterDeps) {
	const known = new Map(objects.map((object) => [object.id, object]))
	const done = new Set<string>()

	const find = (type: GitObject['type'], id: string): GitObject | undefined => {
		const object = known.get(id)
		return object?.type === type && !done.has(id) ? object : undefined
	}

	async function store(id: string, ask: () => Promise<{ data: unknown }>): Promise<void> {
		const made = readAnswer(MadeAnswer, (await ask()).data, `the object ${id}`)
		if (made.sha !== id) {
			throw new AppError('PATCH_CORRUPT', `GitHub made ${made.sha} of what is ${id} here, so it is not the same change. No reference was moved.`, { expected: id, actual: made.sha })
		}
		done.add(id)
	}

	const storeBlob = ({ id, data }: GitObject) => store(id, () => rest.git.createBlob({ ...place, content: toBase64(data), encoding: 'base64' }))

	const storeTree = (id: string, { items }: Listing) => store(id, () => rest.git.createTree({ ...place, tree: items }))

	async function listBlob(entry: TreeEntry, blob: GitObject, bytesBefore: number): Promise<Listing> {
		const content = bytesBefore + blob.data.length > MAX_TREE_BYTES ? null : asText(blob.data)
		if (content !== null) return { items: [{ ...placeOf(entry), content }], bytes: ITEM_BYTES + blob.data.length }
		await storeBlob(blob)
		return unchanged(entry)
	}

	async function listDirectory(entry: TreeEntry, tree: GitObject, bytesBefore: number): Promise<Listing> {
		const below = await list(tree)
		if (bytesBefore + below.bytes <= MAX_TREE_BYTES) return { items: below.items.map((item) => ({ ...item, path: `${entry.name}/${item.path}` })), bytes: below.bytes }
		await storeTree(entry.id, below)
		return unchanged(entry)
	}

	async function list(tree: GitObject): Promise<Listing> {
		const whole: Listing = { items: [], bytes: 0 }
		for (const entry of parseTree(tree)) {
			const blob = find('blob', entry.id)
			const directory = find('tree', entry.id)
			const part = blob ? await listBlob(entry, blob, whole.bytes) : directory ? await listDirectory(entry, directory, whole.bytes) : unchanged(entry)
			whole.items.push(...part.items)
			whole.bytes += part.bytes
		}
		return whole
	}

	async function storeCommit(commit: GitObject): Promise<void> {
		const text = readCommitText(commit)
		for (const id of text.parents) {
			const parent = find('commit', id)
			if (parent) await storeCommit(parent)
		}
		const tree = text.tree === EMPTY_TREE ? undefined : find('tree', text.tree)
		if (tree) await storeTree(tree.id, await list(tree))
		await store(commit.id, () => rest.git.createCommit({ ...place, ...text }))
	}

	return async function write(): Promise<void> {
		// One after the other, as GitHub asks of those who write.
		for (const object of objects) if (object.type === 'commit' && !done.has(object.id)) await storeCommit(object)
	}
}

function placeOf(entry: TreeEntry) {
	if (isDirectory(entry)) return { path: entry.name, mode: '040000', type: 'tree' } as const
	if (isSubmodule(entry)) return { path: entry.name, mode: '160000', type: 'commit' } as const
	return { path: entry.name, mode: fileMode(entry), type: 'blob' } as const
}

const FILE_MODES = ['100644', '100755', '120000'] as const

// Old modes, such as 100664, cannot be asked for; the id shows the difference.
const fileMode = ({ mode }: TreeEntry) => FILE_MODES.find((known) => known === mode) ?? '100644'

const unchanged = (entry: TreeEntry): Listing => ({ items: [{ ...placeOf(entry), sha: entry.id }], bytes: ITEM_BYTES })

/** Null for what does not travel as text: other encodings, binaries, and the empty file, which the API takes for a missing field. */
function asText(data: Uint8Array): string | null {
	if (data.length === 0 || data.includes(0)) return null
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
	} catch {
		return null
	}
}

function toBase64(data: Uint8Array): string {
	const chunks: string[] = []
	for (let at = 0; at < data.length; at += 0x8000) chunks.push(String.fromCharCode(...data.subarray(at, at + 0x8000)))
	return btoa(chunks.join(''))
}
