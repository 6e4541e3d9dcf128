import { z } from 'zod'
import { personEnv } from '../git.ts'
import { created, notFound, ok, unprocessable } from '../http.ts'
import type { RepoCall, Reply, Route } from '../http.ts'
import { stamp } from '../hub.ts'
import type { Repo } from '../hub.ts'
import { apiURL } from '../shapes.ts'
import { loginOf, readInput, repoRoute, requireCommits, typeOf } from './repoCall.ts'

const BlobInput = z.object({ content: z.string(), encoding: z.enum(['utf-8', 'base64']).default('utf-8') })
const Person = z.object({ name: z.string().min(1), email: z.string().min(1), date: z.iso.datetime({ offset: true }).optional() })
const CommitInput = z.object({ message: z.string(), tree: z.string(), parents: z.array(z.string()).default([]), author: Person.optional(), committer: Person.optional() })

async function makeBlob({ hub, repo, body }: RepoCall): Promise<Reply> {
	const { content, encoding } = readInput(BlobInput, body)
	await requireCommits(repo)
	const sha = await repo.git.text(['hash-object', '-w', '--stdin'], { input: Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8') })
	return created({ sha, url: `${apiURL(hub, repo)}/git/blobs/${sha}` })
}

async function readBlob({ hub, repo, params, accept }: RepoCall): Promise<Reply> {
	const sha = params['sha'] ?? ''
	await requireCommits(repo)
	if ((await typeOf(repo, sha)) !== 'blob') throw notFound()
	const bytes = await repo.git.bytes(['cat-file', 'blob', sha])
	// The charset stands there whatever the bytes are.
	if (/\braw\b/.test(accept)) return { status: 200, bytes, headers: { 'content-type': 'application/vnd.github.raw+json; charset=utf-8' } }
	return ok({ sha, size: bytes.length, url: `${apiURL(hub, repo)}/git/blobs/${sha}`, encoding: 'base64', content: bytes.toString('base64').replace(/(.{60})/g, '$1\n') })
}

async function makeCommit(call: RepoCall): Promise<Reply> {
	const { hub, repo, body } = call
	const input = readInput(CommitInput, body)
	await requireCommits(repo)
	if ((await typeOf(repo, input.tree)) !== 'tree') throw unprocessable('Tree SHA does not exist')
	for (const parent of input.parents) {
		if ((await typeOf(repo, parent)) !== 'commit') throw unprocessable('Parent SHA does not exist or is not a commit object')
	}
	const own = { name: loginOf(call), email: `${loginOf(call)}@users.noreply.github.invalid` }
	const author = input.author ?? own
	const env = { ...signatureEnv(author, hub.now()).author, ...signatureEnv(input.committer ?? author, hub.now()).committer }
	// git adds no newline to a message that it reads from its input; neither does GitHub.
	const sha = await repo.git.text(['commit-tree', input.tree, ...input.parents.flatMap((parent) => ['-p', parent])], { input: input.message, env })
	return created(await commitShape(call, sha))
}

function signatureEnv({ name, email, date }: { name: string; email: string; date?: string | undefined }, now: number) {
	const zone = /([+-]\d\d):?(\d\d)$/.exec(date ?? '')
	return personEnv({ name, email, at: date === undefined ? now : Date.parse(date), zone: zone ? `${zone[1]}${zone[2]}` : '+0000' })
}

async function readCommit(call: RepoCall): Promise<Reply> {
	await requireCommits(call.repo)
	const sha = call.params['sha'] ?? ''
	if ((await typeOf(call.repo, sha)) !== 'commit') throw notFound()
	return ok(await commitShape(call, sha))
}

async function commitShape({ hub, repo }: RepoCall, sha: string) {
	const text = await repo.git.text(['show', '-s', '--format=%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct', sha])
	const [tree = '', parents = '', authorName, authorEmail, authoredAt, name, email, committedAt] = text.split('\0')
	const raw = await repo.git.bytes(['cat-file', 'commit', sha])
	const url = `${apiURL(hub, repo)}/git/commits`
	return {
		sha,
		url: `${url}/${sha}`,
		tree: { sha: tree, url: `${apiURL(hub, repo)}/git/trees/${tree}` },
		parents: parents.split(' ').flatMap((id) => (id === '' ? [] : [{ sha: id, url: `${url}/${id}` }])),
		author: { name: authorName, email: authorEmail, date: stamp(Number(authoredAt) * 1000) },
		committer: { name, email, date: stamp(Number(committedAt) * 1000) },
		message: raw.subarray(raw.indexOf('\n\n') + 2).toString(),
		verification: { verified: false, reason: 'unsigned', signature: null, payload: null },
	}
}

/** The bytes of a file of a commit, or null. */
export async function fileAt(repo: Repo, commit: string, path: string): Promise<{ sha: string; mode: string; type: string } | null> {
	const text = await repo.git.text(['ls-tree', '-z', commit, '--', path.replace(/\/$/, '')])
	const [, mode, type, sha] = /^(\d+) (\w+) ([0-9a-f]{40})\t/.exec(text) ?? []
	return mode === undefined || type === undefined || sha === undefined ? null : { mode, type, sha }
}

export const objectRoutes: Route[] = [
	repoRoute('POST', '/git/blobs', { needs: ['contents', 'write'], handle: makeBlob }),
	repoRoute('GET', '/git/blobs/:sha', { needs: ['contents', 'read'], handle: readBlob }),
	repoRoute('POST', '/git/commits', { needs: ['contents', 'write'], handle: makeCommit }),
	repoRoute('GET', '/git/commits/:sha', { needs: ['contents', 'read'], handle: readCommit }),
]
