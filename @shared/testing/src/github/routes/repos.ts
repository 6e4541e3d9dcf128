import { notFound, ok } from '../http.ts'
import type { RepoCall, Reply, Route } from '../http.ts'
import type { Repo } from '../hub.ts'
import { apiURL, repoShape, user } from '../shapes.ts'
import { fileAt } from './objects.ts'
import { repoRoute } from './repoCall.ts'

/** GitHub's JSON form of a file ends here; the raw form goes further. */
const MAX_JSON_BYTES = 1024 * 1024
const MAX_COMMITS = 250

const resolve = (repo: Repo, name: string) => (name.startsWith('-') ? Promise.resolve(null) : repo.git.ask(['rev-parse', '-q', '--verify', `${name}^{commit}`]))

async function readContents({ hub, repo, params, query, accept }: RepoCall): Promise<Reply> {
	const path = params['*'] ?? ''
	const commit = await resolve(repo, query.get('ref') ?? `refs/heads/${repo.defaultBranch}`)
	if (commit === null) throw notFound()
	const found = path === '' ? { type: 'tree', sha: commit } : await fileAt(repo, commit, path)
	if (found === null) throw notFound()
	const shape = (sub: string, type: string, sha: string) => ({ type, name: sub.slice(sub.lastIndexOf('/') + 1), path: sub, sha, url: `${apiURL(hub, repo)}/contents/${encodeURI(sub)}?ref=${commit}` })
	if (found.type === 'tree') {
		const lines = (await repo.git.bytes(['ls-tree', '-z', found.sha])).toString().split('\0').filter(Boolean)
		const kinds: Record<string, string> = { tree: 'dir', blob: 'file', commit: 'submodule' }
		return ok(lines.map((line) => shape(`${path === '' ? '' : `${path}/`}${line.slice(line.indexOf('\t') + 1)}`, kinds[line.split(' ')[1] ?? ''] ?? 'file', line.slice(0, line.indexOf('\t')).split(' ')[2] ?? '')))
	}
	const bytes = await repo.git.bytes(['cat-file', 'blob', found.sha])
	if (/\braw\b/.test(accept)) return { status: 200, bytes, headers: { 'content-type': 'application/vnd.github.raw+json; charset=utf-8' } }
	const isWhole = bytes.length <= MAX_JSON_BYTES
	return ok({ ...shape(path, 'file', found.sha), size: bytes.length, encoding: isWhole ? 'base64' : 'none', content: isWhole ? bytes.toString('base64').replace(/(.{60})/g, '$1\n') : '' })
}

const STATUSES: Record<string, string> = { A: 'added', M: 'modified', D: 'removed', R: 'renamed', T: 'changed' }

async function compare({ repo, params }: RepoCall): Promise<Reply> {
	const [base = '', head = ''] = (params['*'] ?? '').split('...')
	const [from, to] = await Promise.all([resolve(repo, base), resolve(repo, head)])
	const mergeBase = from && to && (await repo.git.ask(['merge-base', from, to]))
	if (!mergeBase) throw notFound()
	const counts = (await repo.git.text(['rev-list', '--left-right', '--count', `${from}...${to}`])).split('\t')
	const [behind, ahead] = [Number(counts[0]), Number(counts[1])]
	const status = ahead === 0 ? (behind === 0 ? 'identical' : 'behind') : behind === 0 ? 'ahead' : 'diverged'
	const commits = (await repo.git.text(['rev-list', '--reverse', `--max-count=${MAX_COMMITS}`, `${from}..${to}`])).split('\n').filter(Boolean)
	const fields = (await repo.git.bytes(['diff', '-z', '-M', '--name-status', mergeBase, to])).toString().split('\0').filter(Boolean)
	const files: object[] = []
	for (let at = 0; at < fields.length; ) {
		const letter = (fields[at] ?? '').charAt(0)
		const isRename = letter === 'R'
		files.push({ filename: fields[at + (isRename ? 2 : 1)], status: STATUSES[letter] ?? 'changed', ...(isRename ? { previous_filename: fields[at + 1] } : {}) })
		at += isRename ? 3 : 2
	}
	return ok({ status, ahead_by: ahead, behind_by: behind, total_commits: ahead, base_commit: { sha: from }, merge_base_commit: { sha: mergeBase }, commits: commits.map((sha) => ({ sha })), files })
}

/** Roles as the older field of the answer knows them. */
const LEGACY: Record<string, string> = { admin: 'admin', maintain: 'write', write: 'write', triage: 'read', read: 'read' }

function readPermission({ repo, params }: RepoCall): Reply {
	const login = params['login'] ?? ''
	const role = login === repo.owner ? 'admin' : repo.collaborators.get(login)
	const shown = role ?? (repo.isPrivate ? 'none' : 'read')
	return ok({ permission: LEGACY[shown] ?? 'none', role_name: shown, user: user(login) })
}

export const repoRoutes: Route[] = [
	repoRoute('GET', '', { needs: ['metadata', 'read'], handle: ({ hub, repo }) => ok(repoShape(hub, repo)) }),
	repoRoute('GET', '/contents/*', { needs: ['contents', 'read'], handle: readContents }),
	repoRoute('GET', '/compare/*', { needs: ['contents', 'read'], handle: compare }),
	repoRoute('GET', '/collaborators/:login/permission', { needs: ['metadata', 'read'], handle: readPermission }),
]
