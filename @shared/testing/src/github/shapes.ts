import { stamp } from './hub.ts'
import type { Comment, Hub, Pull, Repo } from './hub.ts'

// The shapes of GitHub's answers and events: the fields that clients commonly read, with their true names and types.

export const user = (login: string) => ({ login, type: login.endsWith('[bot]') ? 'Bot' : 'User' })

const web = (hub: Hub, repo: Repo) => `${hub.url.replace(/\/api\/v3$/, '')}/${repo.fullName}`
export const apiURL = (hub: Hub, repo: Repo) => `${hub.url}/repos/${repo.fullName}`

export function repoShape(hub: Hub, repo: Repo) {
	return {
		name: repo.name,
		full_name: repo.fullName,
		owner: user(repo.owner),
		private: repo.isPrivate,
		default_branch: repo.defaultBranch,
		html_url: web(hub, repo),
		url: apiURL(hub, repo),
		clone_url: `${web(hub, repo)}.git`,
		pushed_at: stamp(hub.now()),
	}
}

export const headOf = (repo: Repo, branch: string) => repo.git.ask(['rev-parse', '-q', '--verify', `refs/heads/${branch}`])

export async function pullShape(hub: Hub, repo: Repo, pull: Pull) {
	const side = async (ref: string) => ({ label: `${repo.owner}:${ref}`, ref, sha: await headOf(repo, ref), user: user(repo.owner), repo: repoShape(hub, repo) })
	const isMerged = pull.mergeCommit !== null
	return {
		number: pull.number,
		id: pull.number,
		url: `${apiURL(hub, repo)}/pulls/${pull.number}`,
		html_url: `${web(hub, repo)}/pull/${pull.number}`,
		state: pull.state,
		title: pull.title,
		body: pull.body,
		draft: pull.isDraft,
		user: user(pull.login),
		head: await side(pull.head),
		base: await side(pull.base),
		merged: isMerged,
		merged_at: isMerged && pull.closedAt !== null ? stamp(pull.closedAt) : null,
		merge_commit_sha: pull.mergeCommit,
		closed_at: pull.closedAt === null ? null : stamp(pull.closedAt),
		created_at: stamp(pull.createdAt),
		updated_at: stamp(pull.updatedAt),
	}
}

export function commentShape(hub: Hub, repo: Repo, comment: Comment) {
	const { id, number, login, body, at, review } = comment
	const isPull = repo.pulls.has(number)
	const common = { id, body, user: user(login), created_at: stamp(at), updated_at: stamp(at), html_url: `${web(hub, repo)}/${isPull ? 'pull' : 'issues'}/${number}#issuecomment-${id}` }
	if (!review) return common
	const { path, line, inReplyTo } = review
	return { ...common, path, line, side: 'RIGHT', diff_hunk: '@@ -1 +1 @@', ...(inReplyTo === undefined ? {} : { in_reply_to_id: inReplyTo }) }
}

/** The issue that stands behind a number: every pull request is one. */
export function issueShape(hub: Hub, repo: Repo, number: number) {
	const pull = repo.pulls.get(number)
	return {
		number,
		title: pull?.title ?? repo.issues.get(number) ?? '',
		state: pull?.state ?? 'open',
		user: user(pull?.login ?? repo.owner),
		html_url: `${web(hub, repo)}/${pull ? 'pull' : 'issues'}/${number}`,
		...(pull ? { pull_request: { url: `${apiURL(hub, repo)}/pulls/${number}`, html_url: `${web(hub, repo)}/pull/${number}` } } : {}),
	}
}

/** What every event has. Its `pushed_at` is a number in push events only. */
export const eventBase = (hub: Hub, repo: Repo, login: string) => ({ repository: repoShape(hub, repo), sender: user(login) })
