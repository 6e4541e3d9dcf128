import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { created, notFound, ok, unprocessable } from '../http.ts'
import type { RepoCall, Reply, Route } from '../http.ts'
import type { Hub, Repo } from '../hub.ts'
import { apiURL } from '../shapes.ts'
import { readInput, repoRoute, requireCommits } from './repoCall.ts'

const Item = z.object({
	path: z.string().min(1),
	mode: z.enum(['100644', '100755', '040000', '160000', '120000']),
	type: z.enum(['blob', 'tree', 'commit']),
	sha: z.string().nullable().optional(),
	content: z.string().optional(),
})
type Item = z.infer<typeof Item>
const TreeInput = z.object({ tree: z.array(Item), base_tree: z.string().optional() })

const TYPES: Record<Item['mode'], string> = { '100644': 'blob', '100755': 'blob', '120000': 'blob', '040000': 'tree', '160000': 'commit' }

/** Git itself makes the tree, in an index of its own: what comes out is what git makes of these paths. */
async function makeTree({ hub, repo, body }: RepoCall): Promise<Reply> {
	const { tree, base_tree } = readInput(TreeInput, body)
	await requireCommits(repo)
	if (tree.length === 0) throw unprocessable('Invalid tree info')
	const sha = await repo.git.withDirectory(async (directory) => {
		const env = { GIT_INDEX_FILE: join(directory, 'index') }
		await readBase(repo, base_tree, env)
		await remove(repo, tree, env)
		const ids = await contentIds(repo, tree, directory)
		await checkItems(repo, tree)
		const lines: string[] = []
		for (const item of tree) {
			if (item.sha === null) continue
			lines.push(...(item.type === 'tree' ? await filesBelow(repo, item) : [`${item.mode} ${item.sha ?? ids.get(item) ?? ''}\t${item.path}\0`]))
		}
		await repo.git.bytes(['update-index', '--replace', '-z', '--index-info'], { env, input: lines.join('') })
		return await repo.git.text(['write-tree', '--missing-ok'], { env })
	})
	return created(await treeShape(hub, repo, { sha, isRecursive: false }))
}

async function readBase(repo: Repo, base: string | undefined, env: Record<string, string>): Promise<void> {
	if (base === undefined) return
	if ((await repo.git.ask(['read-tree', base], { env })) === null) throw unprocessable('base_tree is not a valid tree oid')
}

async function filesBelow(repo: Repo, { path, sha }: Item): Promise<string[]> {
	const listing = (await repo.git.bytes(['ls-tree', '-r', '-z', sha ?? ''])).toString()
	return listing.split('\0').flatMap((line) => (line === '' ? [] : [`${line.replace('\t', () => `\t${path}/`)}\0`]))
}

async function remove(repo: Repo, tree: readonly Item[], env: Record<string, string>): Promise<void> {
	for (const { path, sha } of tree) {
		if (sha !== null) continue
		const files = await repo.git.bytes(['ls-files', '-z', '--', `:(literal)${path}`], { env })
		if (files.length === 0) throw unprocessable('GitRPC::BadObjectState')
		const lines = files.toString().split('\0').slice(0, -1)
		await repo.git.bytes(['update-index', '-z', '--index-info'], { env, input: lines.map((name) => `0 ${'0'.repeat(40)}\t${name}\0`).join('') })
	}
}

/** Stores what came as text; all of it at once, because starting git takes longer than the work. */
async function contentIds(repo: Repo, tree: readonly Item[], directory: string): Promise<Map<Item, string>> {
	const texts = tree.filter(({ content }) => content !== undefined)
	for (const { sha, content, path } of tree) {
		if ((sha === undefined) === (content === undefined)) throw unprocessable('Must supply either tree.sha or tree.content', [{ resource: 'Tree', code: 'invalid', field: path }])
	}
	if (texts.length === 0) return new Map()
	const folder = join(directory, 'texts')
	await mkdir(folder)
	await Promise.all(texts.map(({ content = '' }, index) => writeFile(join(folder, String(index)), content)))
	const paths = texts.map((_, index) => join(folder, String(index)))
	const ids = (await repo.git.text(['hash-object', '-w', '--no-filters', '--stdin-paths'], { input: paths.join('\n') })).split('\n')
	return new Map(texts.map((item, index) => [item, ids[index] ?? '']))
}

/** No path leads out, and each object is there and of the type that its mode says; a submodule's commit is elsewhere. */
async function checkItems(repo: Repo, tree: readonly Item[]): Promise<void> {
	// Git's index leaves such paths out without a word.
	if (tree.some(({ path }) => path.split('/').some((name) => /^(\.{0,2}|\.git)$/i.test(name)))) throw unprocessable('tree.path contains a malformed path component')
	for (const { mode, type } of tree) if (TYPES[mode] !== type) throw unprocessable(`tree.mode ${mode} is not of the type ${type}`)
	const named = tree.flatMap(({ sha, type }) => (typeof sha === 'string' && type !== 'commit' ? [{ sha, type }] : []))
	for (const { sha } of named) if (!/^[0-9a-f]{40}$/.test(sha)) throw unprocessable('tree.sha is not a valid object id')
	const found = (await repo.git.text(['cat-file', '--batch-check=%(objecttype)'], { input: named.map(({ sha }) => `${sha}\n`).join('') })).split('\n')
	for (const [index, { sha, type }] of named.entries()) if (found[index] !== type) throw unprocessable(`tree.sha ${sha} is not a valid ${type}`)
}

async function readTree({ hub, repo, params, query }: RepoCall): Promise<Reply> {
	await requireCommits(repo)
	const name = params['*'] ?? ''
	const sha = name.startsWith('-') ? null : await repo.git.ask(['rev-parse', '-q', '--verify', `${name}^{tree}`])
	if (sha === null) throw notFound()
	// Any value switches it on, `0` and `false` as well.
	return ok(await treeShape(hub, repo, { sha, isRecursive: query.has('recursive') }))
}

async function treeShape(hub: Hub, repo: Repo, { sha, isRecursive }: { sha: string; isRecursive: boolean }) {
	const text = (await repo.git.bytes(['ls-tree', '-z', '-l', ...(isRecursive ? ['-r', '-t'] : []), sha])).toString()
	const entries = text.split('\0').flatMap((line) => {
		const [, mode, type, id, size, path] = /^(\d+) (\w+) ([0-9a-f]{40}) +(\S+)\t([^]*)$/.exec(line) ?? []
		if (id === undefined || type === undefined) return []
		const url = type === 'commit' ? {} : { url: `${apiURL(hub, repo)}/git/${type}s/${id}` }
		return [{ path, mode, type, sha: id, ...(type === 'blob' ? { size: Number(size) } : {}), ...url }]
	})
	return { sha, url: `${apiURL(hub, repo)}/git/trees/${sha}`, tree: entries.slice(0, hub.maxTreeEntries), truncated: entries.length > hub.maxTreeEntries }
}

export const treeRoutes: Route[] = [
	repoRoute('POST', '/git/trees', { needs: ['contents', 'write'], handle: makeTree }),
	repoRoute('GET', '/git/trees/*', { needs: ['contents', 'read'], handle: readTree }),
]
