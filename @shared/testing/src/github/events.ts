import { stamp } from './hub.ts'
import type { Comment, Hub, Pull, Repo } from './hub.ts'
import { commentShape, eventBase, issueShape, pullShape } from './shapes.ts'

const NULL_ID = '0'.repeat(40)

/** References by name. */
export async function refsOf(repo: Repo): Promise<Map<string, string>> {
	const text = await repo.git.text(['for-each-ref', '--format=%(objectname) %(refname)'])
	return new Map(text.split('\n').flatMap((line) => (line === '' ? [] : [[line.slice(41), line.slice(0, 40)]])))
}

/** One push event for each branch or tag that was moved; other references raise none. */
export async function announcePush(hub: Hub, repo: Repo, change: { before: Map<string, string>; login: string }): Promise<void> {
	const after = await refsOf(repo)
	for (const ref of new Set([...change.before.keys(), ...after.keys()])) {
		const [old, now] = [change.before.get(ref) ?? NULL_ID, after.get(ref) ?? NULL_ID]
		if (old === now || !/^refs\/(heads|tags)\//.test(ref)) continue
		const base = eventBase(hub, repo, change.login)
		const isForced = old !== NULL_ID && now !== NULL_ID && (await repo.git.ask(['merge-base', '--is-ancestor', old, now])) === null
		const payload = {
			ref,
			before: old,
			after: now,
			created: old === NULL_ID,
			deleted: now === NULL_ID,
			forced: isForced,
			head_commit: now === NULL_ID ? null : { id: now, timestamp: stamp(hub.now()) },
			pusher: { name: change.login },
			...base,
			repository: { ...base.repository, pushed_at: Math.floor(hub.now() / 1000) },
		}
		void hub.webhooks.deliver('push', payload)
	}
}

export async function announcePull(hub: Hub, repo: Repo, { pull, action, login }: { pull: Pull; action: string; login: string }): Promise<void> {
	const payload = { action, number: pull.number, pull_request: await pullShape(hub, repo, pull), ...eventBase(hub, repo, login) }
	void hub.webhooks.deliver('pull_request', payload)
}

export async function announceComment(hub: Hub, repo: Repo, comment: Comment): Promise<void> {
	const base = { action: 'created', comment: commentShape(hub, repo, comment), ...eventBase(hub, repo, comment.login) }
	const pull = repo.pulls.get(comment.number)
	if (comment.review && pull) void hub.webhooks.deliver('pull_request_review_comment', { ...base, pull_request: await pullShape(hub, repo, pull) })
	else void hub.webhooks.deliver('issue_comment', { ...base, issue: issueShape(hub, repo, comment.number) })
}
