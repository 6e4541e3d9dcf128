// For tests only: a repository in memory that counts what is read of it.
import { blobId } from '@shared/ai-patch'
import type { GitStore, RefOutcome, TreeEntry } from '../../worker/services/git/gitStore.ts'
import { makeCommit, makeObject, makeTree } from '../../worker/services/git/objects.ts'
import type { GitObject } from '../../worker/services/git/objects.ts'
import { parseCommit, parseTree } from '../../worker/services/git/parse.ts'

export interface MemoryFile {
	mode: string
	content: string
}

const decoder = new TextDecoder()

export function createMemoryStore() {
	const objects = new Map<string, GitObject>()
	const refs = new Map<string, string>()
	const reads: string[] = []
	const get = (type: GitObject['type'], id: string) => {
		reads.push(`${type} ${id}`)
		const object = objects.get(id)
		return object?.type === type ? object : undefined
	}
	const add = (object: GitObject) => {
		objects.set(object.id, object)
		return object.id
	}
	const addTree = async (files: Record<string, MemoryFile | string>): Promise<string> => {
		const entries: TreeEntry[] = []
		const directories = new Map<string, Record<string, MemoryFile | string>>()
		for (const [path, file] of Object.entries(files)) {
			const slash = path.indexOf('/')
			if (slash === -1) {
				const { mode, content } = typeof file === 'string' ? { mode: '100644', content: file } : file
				entries.push({ name: path, mode, id: mode === '160000' ? content : add(await makeObject('blob', new TextEncoder().encode(content))) })
			} else {
				const directory = directories.get(path.slice(0, slash)) ?? {}
				directory[path.slice(slash + 1)] = file
				directories.set(path.slice(0, slash), directory)
			}
		}
		for (const [name, below] of directories) entries.push({ name, mode: '40000', id: await addTree(below) })
		return add(await makeTree(entries))
	}
	const store: GitStore = {
		readRef: async (ref) => refs.get(ref) ?? null,
		readRefs: async (names) => new Map(names.flatMap((name) => (refs.has(name) ? [[name, refs.get(name) ?? '']] : []))),
		defaultBranch: async () => 'main',
		readAhead: async () => undefined,
		async readCommit(id) {
			const commit = get('commit', id)
			return commit === undefined ? null : parseCommit(commit)
		},
		async readTree(id) {
			const tree = get('tree', id)
			return tree === undefined ? null : parseTree(tree)
		},
		readBlob: async (id) => get('blob', id)?.data ?? null,
		async push(updates, pushed, { isAtomic = true } = {}) {
			for (const object of pushed) add(object)
			const hits = updates.map(({ ref, old }) => (refs.get(ref) ?? null) === old)
			return updates.map(({ ref, new: next }, index): RefOutcome => {
				if (!hits[index] || (isAtomic && hits.includes(false))) return { ref, isDone: false, reason: 'failed to update ref', actual: refs.get(ref) ?? null }
				if (next === null) refs.delete(ref)
				else refs.set(ref, next)
				return { ref, isDone: true }
			})
		},
		dispose() {},
	}
	/** Every path of a tree with mode and content. */
	const list = (id: string, prefix = ''): Record<string, string> => {
		const object = objects.get(id)
		if (object === undefined) throw new Error(`no tree ${id}`)
		const found: Record<string, string> = Object.create(null)
		for (const entry of parseTree(object)) {
			if (entry.mode === '40000') Object.assign(found, list(entry.id, `${prefix}${entry.name}/`))
			else found[prefix + entry.name] = `${entry.mode} ${entry.mode === '160000' ? entry.id : decoder.decode(objects.get(entry.id)?.data)}`
		}
		return found
	}
	const addCommit = async (tree: string, parents: string[] = []) =>
		add(await makeCommit({ tree, parents, author: { name: 'test', email: 'test@example.com' }, at: 0, message: 'test' }))
	return { store, objects, refs, reads, add, addTree, addCommit, list }
}
export type MemoryStore = ReturnType<typeof createMemoryStore>

export const blobOf = (content: string) => blobId(new TextEncoder().encode(content))
