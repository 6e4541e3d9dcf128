import { z } from 'zod'
import { announceComment, announcePull, announcePush, refsOf } from '../events.ts'
import { personEnv } from '../git.ts'
import { created, notFound, ok, Refusal, unprocessable } from '../http.ts'
import type { RepoCall, Reply, Route } from '../http.ts'
import type { Comment, Hub, Pull, Repo } from '../hub.ts'
import { commentShape, headOf, pullShape } from '../shapes.ts'
import { loginOf, readInput, repoRoute, requireRight } from './repoCall.ts'

const Title = z.string().min(1).max(256)
const Body = z.string().max(65_536).nullable()
const NewPull = z.object({ title: Title, head: z.string(), base: z.string(), body: Body.default(null), draft: z.boolean().default(false), maintainer_can_modify: z.boolean().optional() })
const PullChange = z.object({ title: Title, body: Body, base: z.string(), state: z.enum(['open', 'closed']) }).partial()
const NewComment = z.object({ body: z.string().min(1).max(65_536) })

function pullOf({ repo, params }: RepoCall): Pull {
	const pull = repo.pulls.get(Number(params['number']))
	if (!pull) throw notFound()
	return pull
}

async function listPulls({ hub, repo, query }: RepoCall): Promise<Reply> {
	const state = query.get('state') ?? 'open'
	const [head, base] = [query.get('head'), query.get('base')]
	const found = [...repo.pulls.values()].filter(
		(pull) => (state === 'all' || pull.state === state) && (head === null || head === `${repo.owner}:${pull.head}`) && (base === null || base === pull.base),
	)
	const size = Math.min(Number(query.get('per_page') ?? 30), 100)
	const from = (Number(query.get('page') ?? 1) - 1) * size
	return ok(await Promise.all(found.toReversed().slice(from, from + size).map((pull) => pullShape(hub, repo, pull))))
}

async function openPull(call: RepoCall): Promise<Reply> {
	const { hub, repo, body } = call
	const input = readInput(NewPull, body)
	const head = input.head.replace(`${repo.owner}:`, '')
	const invalid = (field: string) => unprocessable('Validation Failed', [{ resource: 'PullRequest', field, code: 'invalid' }])
	const [headID, baseID] = await Promise.all([headOf(repo, head), headOf(repo, input.base)])
	if (headID === null) throw invalid('head')
	if (baseID === null) throw invalid('base')
	const custom = (message: string) => unprocessable('Validation Failed', [{ resource: 'PullRequest', code: 'custom', message }])
	if ((await repo.git.text(['rev-list', '--count', `${baseID}..${headID}`])) === '0') throw custom(`No commits between ${input.base} and ${head}`)
	// Nothing is awaited from here to where it is kept, so two at once cannot both be first.
	if ([...repo.pulls.values()].some((pull) => pull.state === 'open' && pull.head === head && pull.base === input.base)) throw custom(`A pull request already exists for ${repo.owner}:${head}.`)
	const at = hub.now()
	repo.lastNumber += 1
	const pull: Pull = { number: repo.lastNumber, title: input.title, body: input.body, state: 'open', isDraft: input.draft, head, base: input.base, login: loginOf(call), mergeCommit: null, createdAt: at, updatedAt: at, closedAt: null }
	repo.pulls.set(pull.number, pull)
	await announcePull(hub, repo, { pull, action: 'opened', login: pull.login })
	return created(await pullShape(hub, repo, pull))
}

async function changePull(call: RepoCall): Promise<Reply> {
	const { hub, repo, body } = call
	const pull = pullOf(call)
	const { title, body: text, base, state } = readInput(PullChange, body)
	if (base !== undefined && (await headOf(repo, base)) === null) throw unprocessable('Validation Failed', [{ resource: 'PullRequest', field: 'base', code: 'invalid' }])
	const isClosing = state === 'closed' && pull.state === 'open'
	Object.assign(pull, { ...(title === undefined ? {} : { title }), ...(text === undefined ? {} : { body: text }), ...(base === undefined ? {} : { base }), ...(state === undefined ? {} : { state }), updatedAt: hub.now() })
	if (isClosing) pull.closedAt = hub.now()
	await announcePull(hub, repo, { pull, action: isClosing ? 'closed' : 'edited', login: loginOf(call) })
	return ok(await pullShape(hub, repo, pull))
}

/** A merge commit on the base, as the button makes it. */
export async function mergePull(hub: Hub, repo: Repo, { number, login }: { number: number; login: string }): Promise<string> {
	const pull = repo.pulls.get(number)
	const [head, base] = pull ? await Promise.all([headOf(repo, pull.head), headOf(repo, pull.base)]) : [null, null]
	if (!pull || head === null || base === null || pull.state !== 'open') throw new Refusal(405, 'Pull Request is not mergeable')
	const tree = await repo.git.ask(['merge-tree', '--write-tree', base, head])
	if (tree === null) throw new Refusal(405, 'Pull Request has merge conflicts')
	const person = personEnv({ name: login, email: `${login}@users.noreply.github.invalid`, at: hub.now() })
	const commit = await repo.git.text(['commit-tree', tree, '-p', base, '-p', head, '-m', `Merge pull request #${number} from ${repo.owner}/${pull.head}`], { env: { ...person.author, ...person.committer } })
	const before = await refsOf(repo)
	await repo.git.bytes(['update-ref', `refs/heads/${pull.base}`, commit, base])
	Object.assign(pull, { state: 'closed', mergeCommit: commit, closedAt: hub.now(), updatedAt: hub.now() })
	await announcePush(hub, repo, { before, login })
	await announcePull(hub, repo, { pull, action: 'closed', login })
	return commit
}

/** Keeps the comment and tells of it. */
export async function addComment(hub: Hub, repo: Repo, comment: Omit<Comment, 'id' | 'at'>): Promise<Comment> {
	const made = { ...comment, id: hub.nextId(), at: hub.now() }
	repo.comments.push(made)
	await announceComment(hub, repo, made)
	return made
}

async function commentOn(call: RepoCall): Promise<Reply> {
	const { hub, repo, params, body } = call
	const number = Number(params['number'])
	if (!repo.pulls.has(number) && !repo.issues.has(number)) throw notFound()
	requireRight(call.actor, repo, [repo.pulls.has(number) ? 'pull_requests' : 'issues', 'write'])
	const comment = await addComment(hub, repo, { number, login: loginOf(call), body: readInput(NewComment, body).body })
	return created(commentShape(hub, repo, comment))
}

function listComments({ hub, repo, params }: RepoCall): Reply {
	return ok(repo.comments.filter(({ number, review }) => number === Number(params['number']) && !review).map((comment) => commentShape(hub, repo, comment)))
}

export const pullRoutes: Route[] = [
	repoRoute('GET', '/pulls', { needs: ['pull_requests', 'read'], handle: listPulls }),
	repoRoute('POST', '/pulls', { needs: ['pull_requests', 'write'], handle: openPull }),
	repoRoute('GET', '/pulls/:number', { needs: ['pull_requests', 'read'], handle: async (call) => ok(await pullShape(call.hub, call.repo, pullOf(call))) }),
	repoRoute('PATCH', '/pulls/:number', { needs: ['pull_requests', 'write'], handle: changePull }),
	repoRoute('PUT', '/pulls/:number/merge', {
		needs: ['contents', 'write'],
		handle: async (call) => ok({ sha: await mergePull(call.hub, call.repo, { number: pullOf(call).number, login: loginOf(call) }), merged: true, message: 'Pull Request successfully merged' }),
	}),
	repoRoute('POST', '/issues/:number/comments', { needs: ['metadata', 'read'], handle: commentOn }),
	repoRoute('GET', '/issues/:number/comments', { needs: ['pull_requests', 'read'], handle: listComments }),
]
