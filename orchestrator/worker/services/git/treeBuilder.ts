import { AppError } from '@shared/contracts'
import type { AppliedFile } from '@shared/ai-patch'
import { readTree, unsupported } from './baseTree.ts'
import type { GitStore, TreeEntry } from './gitStore.ts'
import { DIRECTORY_MODE, isDirectory, isSubmodule, isSymlink, makeTree } from './objects.ts'
import type { GitObject } from './objects.ts'

/** What happens at one name of a directory and below it. */
interface Node {
	children: Map<string, Node>
	put?: { mode: string; id: string }
	isRemoved: boolean
}

/** The tree after a change, and the objects of it that the base does not have. */
export interface BuiltTree {
	tree: string
	objects: GitObject[]
}

/** What one build carries down the directories. */
interface Build {
	store: GitStore
	objects: Map<string, GitObject>
	/** Ids that the base has at changed places, which need not be sent again. */
	known: Set<string>
}

/**
 * The tree that the changed files make of a base tree. Only directories on the way to a change are read and written; all other
 * entries stay as they are, whatever they are. A directory that loses its last entry disappears.
 *
 * Throws PATCH_STALE where the base does not have what the change takes for granted (a file where a directory is to go, a
 * directory with other files where a file is to go, a missing file); PATCH_FILE_UNSUPPORTED for a symlink or submodule on the way, and for
 * a directory with a name that is not UTF-8.
 */
export async function buildTree(store: GitStore, baseTreeId: string, changes: readonly AppliedFile[]): Promise<BuiltTree> {
	const build: Build = { store, objects: new Map(), known: new Set() }
	const tree = (await rewrite(build, { id: baseTreeId, path: '' }, planNodes(changes))) ?? (await addEmptyTree(build))
	for (const { content, blob } of changes) {
		if (content !== null && blob !== null && !build.known.has(blob)) build.objects.set(blob, { type: 'blob', id: blob, data: content })
	}
	return { tree, objects: [...build.objects.values()] }
}

function planNodes(changes: readonly AppliedFile[]): Node {
	const root = newNode()
	for (const { from, path, content } of changes) {
		if (from !== undefined) nodeAt(root, from).isRemoved = true
		if (content === null) nodeAt(root, path).isRemoved = true
	}
	for (const { path, mode, blob } of changes) if (blob !== null) nodeAt(root, path).put = { mode, id: blob }
	return root
}

const newNode = (): Node => ({ children: new Map(), isRemoved: false })

function nodeAt(root: Node, path: string): Node {
	let node = root
	for (const name of path.split('/')) {
		const child = node.children.get(name) ?? newNode()
		node.children.set(name, child)
		node = child
	}
	return node
}

/** The new id of a directory, or null when nothing is left in it. `id` null is a directory that the base does not have. */
async function rewrite(build: Build, directory: { id: string | null; path: string }, node: Node): Promise<string | null> {
	const entries = directory.id === null ? [] : await readTree(build.store, directory.id)
	if (directory.id !== null) await checkFaithful(entries, { id: directory.id, path: directory.path })
	const byName = new Map(entries.map((entry) => [entry.name, entry]))
	const changed = await Promise.all(
		Array.from(node.children, async ([name, child]) => {
			const path = directory.path === '' ? name : `${directory.path}/${name}`
			return { name, entry: await resolve(build, { path, name, before: byName.get(name) }, child) }
		}),
	)
	for (const { name, entry } of changed) {
		if (entry === null) byName.delete(name)
		else byName.set(name, entry)
	}
	if (byName.size === 0) return null
	const tree = await makeTree([...byName.values()])
	if (tree.id !== directory.id) build.objects.set(tree.id, tree)
	return tree.id
}

/** What stands at one name afterwards, or null for nothing. */
async function resolve(build: Build, place: { path: string; name: string; before: TreeEntry | undefined }, node: Node): Promise<TreeEntry | null> {
	const { path, name, before } = place
	if (before !== undefined && (isSymlink(before) || isSubmodule(before))) throw unsupported(path, before)
	const isFile = before !== undefined && !isDirectory(before)
	if (isFile) build.known.add(before.id)
	if (node.isRemoved && !isFile) throw stale(path, 'is to be removed, but the base has no such file')
	if (isFile && node.children.size > 0 && !node.isRemoved) throw stale(path, 'is a file in the base, but files are to go below it')

	const needsDirectory = node.children.size > 0 || (before !== undefined && isDirectory(before))
	const below = needsDirectory ? await rewrite(build, { id: isFile ? null : (before?.id ?? null), path }, node) : null
	if (node.put === undefined) return below === null ? null : { name, mode: DIRECTORY_MODE, id: below }
	if (below !== null) throw stale(path, 'is to be a file, but the base has a directory of that name that keeps other files')
	return { name, ...node.put }
}

async function addEmptyTree(build: Build): Promise<string> {
	const tree = await makeTree([])
	build.objects.set(tree.id, tree)
	return tree.id
}

// A listing is text, so a name in another encoding would come back changed. Encoding the listing again shows it.
async function checkFaithful(entries: readonly TreeEntry[], directory: { id: string; path: string }): Promise<void> {
	if ((await makeTree(entries)).id === directory.id) return
	const path = directory.path === '' ? '.' : directory.path
	throw new AppError(
		'PATCH_FILE_UNSUPPORTED',
		`The directory ${JSON.stringify(path)} has entries that cannot be kept byte for byte (a name that is not UTF-8, or an old file mode). Rename them first.`,
		{ path },
	)
}

function stale(path: string, problem: string): AppError {
	return new AppError('PATCH_STALE', `${JSON.stringify(path)} ${problem}. Make the set again from this base.`, { path })
}
