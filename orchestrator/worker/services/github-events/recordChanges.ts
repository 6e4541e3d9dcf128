import { addFollowup } from '../../database/repositories/followups.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { workspacesOfBranch } from '../../database/repositories/workspaces.ts'
import type { WebhookCommand } from '../github/webhookCommands.ts'
import { done, ignored, orderOfBranch } from './context.ts'
import type { EventOutcome, GitHubEventsDeps } from './context.ts'

type Ended = Extract<WebhookCommand, { kind: 'merged' | 'closed' }>
type Pushed = Extract<WebhookCommand, { kind: 'pushed' }>

/** What people did to our pull requests and below our work, for the audit trail. */
export function createRecordChanges({ db, now, workerName }: Pick<GitHubEventsDeps, 'db' | 'now' | 'workerName'>) {
	/** The end of an order's pull request. A person is told where work is left over. */
	async function recordEnd({ kind, repo, branch, isOurs, pullRequest, commit, by, closedAt }: Ended): Promise<EventOutcome> {
		const order = isOurs ? await orderOfBranch(db, { repo, branch }) : null
		if (order === null || order.pullRequest?.number !== pullRequest) return ignored('it is no pull request of an order')
		const { orderId } = order
		const at = now()
		const details = { repository: repo, pullRequest, branch, commit, by, closedAt }
		const leftOver = kind === 'closed' ? `Pull request ${pullRequest} of ${repo} was closed without being merged, by ${by}.` : order.status === 'open' ? `Pull request ${pullRequest} of ${repo} was merged by ${by} while the order has work under way.` : null
		await db.batch([
			appendLog({ source: 'orchestrator.github', operation: `pull-request.${kind}`, level: kind === 'merged' ? 'info' : 'warn', orderId, details, workerName, at }),
			...(leftOver === null ? [] : [addFollowup({ orderId, taskId: null, type: 'review', note: leftOver, data: details, workerName, at })]),
		])
		return done({ orderId })
	}

	/** A push to a branch that orders start from: what is under way lands on what was there, and is merged. */
	async function recordPush({ repo, ref, before, after, isForced, by }: Pushed): Promise<EventOutcome> {
		const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null
		const workspaceIds = branch === null ? [] : await workspacesOfBranch(db, { repository: repo, branch })
		if (workspaceIds.length === 0) return ignored('no order starts from it')
		const details = { repository: repo, branch, before, after, isForced, by, workspaceIds }
		await db.run(appendLog({ source: 'orchestrator.github', operation: 'workspace.pushed', level: isForced ? 'warn' : 'info', details, workerName, at: now() }))
		return done({ workspaceIds })
	}

	return { recordEnd, recordPush }
}
