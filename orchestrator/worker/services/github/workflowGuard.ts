import { AppError } from '@shared/contracts'
import type { GitStore, TreeEntry } from '../git/gitStore.ts'
import { DIRECTORY_MODE } from '../git/objects.ts'
import type { GitObject } from '../git/objects.ts'
import { parseCommit, parseTree } from '../git/parse.ts'

const FOLDER = ['.github', 'workflows']

/**
 * Throws PATCH_POLICY naming the file when one of the commits has other workflows than each of its parents. Whoever changes them runs
 * programs with the secrets of the repository, so no agent may; GitHub refuses it too, but only where the credential lacks a right.
 */
export async function refuseWorkflows(store: Pick<GitStore, 'readCommit' | 'readTree'>, objects: readonly GitObject[]): Promise<void> {
	const known = new Map(objects.map((object) => [object.id, object]))
	const reader = {
		readTree: async (id: string) => {
			const object = known.get(id)
			return object?.type === 'tree' ? parseTree(object) : await store.readTree(id)
		},
	}
	for (const commit of objects) {
		if (commit.type !== 'commit') continue
		const { tree, parents } = parseCommit(commit)
		const after = await entryAt(reader, tree, FOLDER)
		const before = await Promise.all(parents.map(async (id) => entryAt(reader, await treeOf(id), FOLDER)))
		if (parents.length === 0 ? after === null : before.some((entry) => isSame(entry, after))) continue
		const path = (await findChange(reader, [before[0] ?? null, after])) ?? []
		throw refusal([...FOLDER, ...path].join('/'))
	}

	async function treeOf(id: string): Promise<string> {
		const object = known.get(id)
		const commit = object?.type === 'commit' ? parseCommit(object) : await store.readCommit(id)
		if (commit === null) throw new AppError('PATCH_STALE', `The workspace has no commit ${id}, which the change stands on.`, { expected: id, actual: null })
		return commit.tree
	}
}

type Reader = Pick<GitStore, 'readTree'>
type Place = TreeEntry | null

const isSame = (a: Place, b: Place) => a?.id === b?.id && a?.mode === b?.mode

async function list(reader: Reader, place: Place): Promise<TreeEntry[]> {
	if (place?.mode !== DIRECTORY_MODE) return []
	const entries = await reader.readTree(place.id)
	if (entries === null) throw new AppError('GIT_UPSTREAM', `The workspace does not have the tree ${place.id} that the change refers to. Try again.`)
	return entries
}

async function entryAt(reader: Reader, tree: string, names: readonly string[]): Promise<Place> {
	let place: Place = { name: '', mode: DIRECTORY_MODE, id: tree }
	for (const name of names) place = (await list(reader, place)).find((entry) => entry.name === name) ?? null
	return place
}

/** The first name, or names down directories, at which the two differ. */
async function findChange(reader: Reader, [before, after]: [Place, Place]): Promise<string[] | null> {
	if (isSame(before, after)) return null
	const [was, is] = await Promise.all([list(reader, before), list(reader, after)])
	for (const name of new Set([...was, ...is].map((entry) => entry.name))) {
		const at = (entries: TreeEntry[]) => entries.find((entry) => entry.name === name) ?? null
		const below = await findChange(reader, [at(was), at(is)])
		if (below !== null) return [name, ...below]
	}
	return []
}

function refusal(path: string): AppError {
	const message = `${JSON.stringify(path)} is a workflow of GitHub Actions, which runs with the secrets of the repository. No agent may change one; make this change by hand. Nothing was sent.`
	return new AppError('PATCH_POLICY', message, { rule: 'workflow-file', path })
}
