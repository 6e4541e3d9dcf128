import { z } from 'zod'
import { created, notFound, ok, unprocessable } from '../http.ts'
import type { RepoCall, Reply, Route } from '../http.ts'
import type { Hub, Repo } from '../hub.ts'
import { announcePush, refsOf } from '../events.ts'
import { apiURL } from '../shapes.ts'
import { loginOf, readInput, repoRoute, requireCommits, typeOf } from './repoCall.ts'

const NewRef = z.object({ ref: z.string(), sha: z.string() })
const MovedRef = z.object({ sha: z.string(), force: z.boolean().default(false) })

const refShape = async (hub: Hub, repo: Repo, { ref, sha }: { ref: string; sha: string }) => ({
	ref,
	url: `${apiURL(hub, repo)}/git/${ref}`,
	object: { sha, type: await typeOf(repo, sha), url: `${apiURL(hub, repo)}/git/commits/${sha}` },
})

const named = ({ params }: RepoCall) => `refs/${params['*']}`

async function readRef(call: RepoCall): Promise<Reply> {
	await requireCommits(call.repo)
	const sha = (await refsOf(call.repo)).get(named(call))
	if (sha === undefined) throw notFound()
	return ok(await refShape(call.hub, call.repo, { ref: named(call), sha }))
}

async function matchRefs(call: RepoCall): Promise<Reply> {
	await requireCommits(call.repo)
	const found = [...(await refsOf(call.repo))].filter(([ref]) => ref.startsWith(named(call)))
	return ok(await Promise.all(found.map(([ref, sha]) => refShape(call.hub, call.repo, { ref, sha }))))
}

async function checkTarget(repo: Repo, ref: string, sha: string): Promise<void> {
	const type = await typeOf(repo, sha)
	if (type === null) throw unprocessable('Object does not exist')
	if (ref.startsWith('refs/heads/') && type !== 'commit') throw unprocessable('Object is not a commit')
}

async function makeRef(call: RepoCall): Promise<Reply> {
	const { hub, repo } = call
	const { ref, sha } = readInput(NewRef, call.body)
	await requireCommits(repo)
	if (!/^refs\/[^/]+\/./.test(ref) || ref.startsWith('refs/pull/') || (await repo.git.ask(['check-ref-format', ref])) === null) throw unprocessable(`${ref} is not a valid ref name.`)
	await checkTarget(repo, ref, sha)
	const before = await refsOf(repo)
	// The old id of zeros lets git refuse a reference that exists, whoever else makes it now.
	if ((await repo.git.ask(['update-ref', ref, sha, '0'.repeat(40)])) === null) throw unprocessable('Reference already exists')
	await announcePush(hub, repo, { before, login: loginOf(call) })
	return created(await refShape(hub, repo, { ref, sha }))
}

async function moveRef(call: RepoCall): Promise<Reply> {
	const { hub, repo } = call
	const ref = named(call)
	const { sha, force } = readInput(MovedRef, call.body)
	await requireCommits(repo)
	const before = await refsOf(repo)
	const old = before.get(ref)
	if (old === undefined) throw unprocessable('Reference does not exist')
	await checkTarget(repo, ref, sha)
	const isForward = force || (await repo.git.ask(['merge-base', '--is-ancestor', old, sha])) !== null
	if (!isForward || (await repo.git.ask(['update-ref', ref, sha, old])) === null) throw unprocessable('Update is not a fast forward')
	await announcePush(hub, repo, { before, login: loginOf(call) })
	return ok(await refShape(hub, repo, { ref, sha }))
}

async function deleteRef(call: RepoCall): Promise<Reply> {
	const { hub, repo } = call
	const ref = named(call)
	await requireCommits(repo)
	const before = await refsOf(repo)
	const old = before.get(ref)
	if (old === undefined || (await repo.git.ask(['update-ref', '-d', ref, old])) === null) throw unprocessable('Reference does not exist')
	await announcePush(hub, repo, { before, login: loginOf(call) })
	return { status: 204 }
}

export const refRoutes: Route[] = [
	repoRoute('GET', '/git/ref/*', { needs: ['contents', 'read'], handle: readRef }),
	repoRoute('GET', '/git/matching-refs/*', { needs: ['contents', 'read'], handle: matchRefs }),
	repoRoute('POST', '/git/refs', { needs: ['contents', 'write'], handle: makeRef }),
	repoRoute('PATCH', '/git/refs/*', { needs: ['contents', 'write'], handle: moveRef }),
	repoRoute('DELETE', '/git/refs/*', { needs: ['contents', 'write'], handle: deleteRef }),
]
