import { z } from 'zod'
import { allows, covers } from '../auth.ts'
import type { Actor } from '../auth.ts'
import { notFound, Refusal, unprocessable } from '../http.ts'
import type { Call, RepoCall, Reply, Route } from '../http.ts'
import type { Hub, Repo } from '../hub.ts'
import type { Level } from '../types.ts'

/** The repository if the actor may see it; to everybody else GitHub says that there is none. */
export function visibleRepo(hub: Hub, actor: Actor | null, name: string): Repo {
	const repo = hub.repos.get(name.toLowerCase())
	if (!repo || (repo.isPrivate && !(actor && covers(actor, repo.fullName)))) throw notFound()
	return repo
}

/** Throws what GitHub answers to a credential that lacks a right. */
export function requireRight(actor: Actor | null, repo: Repo, [name, level]: [string, Level]): void {
	if (level === 'read' && !repo.isPrivate) return
	if (!actor) throw new Refusal(401, 'Requires authentication')
	if (covers(actor, repo.fullName) && allows(actor, name, level)) return
	const kind = actor.kind === 'user' ? 'personal access token' : 'integration'
	throw new Refusal(403, `Resource not accessible by ${kind}`, { headers: { 'x-accepted-github-permissions': `${name}=${level}` } })
}

/** A route below `/repos/:owner/:repo`. */
export function repoRoute(method: string, path: string, more: { needs: [string, Level]; handle(call: RepoCall): Promise<Reply> | Reply }): Route {
	return {
		method,
		path: `/repos/:owner/:repo${path}`,
		needs: more.needs,
		handle(call: Call) {
			const repo = visibleRepo(call.hub, call.actor, `${call.params['owner']}/${call.params['repo']}`)
			requireRight(call.actor, repo, more.needs)
			return more.handle({ ...call, repo })
		},
	}
}

/** The body in its shape. Throws 422 as GitHub does. */
export function readInput<T>(schema: z.ZodType<T>, body: unknown): T {
	const parsed = schema.safeParse(body)
	if (parsed.success) return parsed.data
	throw unprocessable(`Invalid request.\n\n${z.prettifyError(parsed.error)}`)
}

export const loginOf = ({ actor }: Call) => actor?.login ?? 'anonymous'

/** Throws 409 for a repository without a commit, as all of the git data API does. */
export async function requireCommits(repo: Repo): Promise<void> {
	if ((await repo.git.text(['for-each-ref', '--count=1'])) === '') throw new Refusal(409, 'Git Repository is empty.')
}

/** `blob`, `tree`, `commit` or `tag`; null for an object that is not there. */
export const typeOf = (repo: Repo, id: string) => (/^[0-9a-f]{40}$/.test(id) ? repo.git.ask(['cat-file', '-t', id]) : Promise.resolve(null))
