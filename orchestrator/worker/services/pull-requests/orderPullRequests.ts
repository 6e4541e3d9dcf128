import { AppError } from '@shared/contracts'
import type { Failure } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import type { Execution } from '../../database/repositories/executions.ts'
import { addFollowup } from '../../database/repositories/followups.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { eventsOfPatchSet } from '../../database/repositories/patchEvents.ts'
import { costOfOrder, landedSetsOfOrder, setPullRequest } from '../../database/repositories/pullRequests.ts'
import type { GitHubClient } from '../github/githubClient.ts'
import type { GitHubRepo } from '../github/githubRepo.ts'
import { pullRequestBody } from '../github/pullRequestBody.ts'
import { createPullRequests } from '../github/pullRequests.ts'
import type { PullRequest } from '../github/pullRequests.ts'
import { evidenceOf } from './evidence.ts'

export interface OrderPullRequestsDeps {
	db: Database
	now: () => number
	mustFind: (executionId: string) => Promise<Execution>
	/** Null for a workspace that is not on GitHub. */
	placeOf: (workspaceId: string) => Promise<(GitHubRepo & { branch: string }) | null>
	clientFor: (place: GitHubRepo) => GitHubClient
	/** What the agent says about its set. */
	summaryOf: (patchSetId: string) => Promise<string>
	/** Where people reach the orchestrator. */
	publicURL: string | undefined
}

const MAX_SETS = 61
/** More are in the audit trail; each costs a read. */
const MAX_SUMMARIES = 5

/** The pull request of an order: opened when its first set has landed, changed with each that follows. */
export function createOrderPullRequests({ db, now, mustFind, placeOf, clientFor, summaryOf, publicURL }: OrderPullRequestsDeps) {
	/** May be repeated. Throws what the client throws; WORKSPACE_UNSUPPORTED where GitHub sees nothing to merge. */
	async function open(executionId: string): Promise<PullRequest> {
		const execution = await mustFind(executionId)
		const { orderId, taskId, workspaceId, workerName, input } = execution
		const place = await placeOf(workspaceId)
		if (place === null) throw new AppError('WORKSPACE_UNSUPPORTED', `Workspace ${workspaceId} is not on GitHub, so it has no pull requests.`)
		const { branch: base, ...repo } = place
		const pullRequest = await createPullRequests({ client: clientFor(repo), place: repo }).createOrUpdate({ head: input.branch, base, ...(await textOf(execution)) })
		const { number, url, isNew } = pullRequest
		const at = now()
		await db.batch([
			setPullRequest({ orderId, number, url, at }),
			appendLog({ source: 'orchestrator.pull-requests', operation: isNew ? 'pull-request.opened' : 'pull-request.updated', orderId, taskId, executionId, details: { number, url, head: input.branch, base }, onceKey: 'step', workerName, at }),
		])
		return pullRequest
	}

	async function textOf({ executionId, orderId, patchSetId }: Execution): Promise<{ title: string; body: string }> {
		const [sets, cost, events] = await Promise.all([landedSetsOfOrder(db, { orderId, limit: MAX_SETS }), costOfOrder(db, orderId), patchSetId === null ? [] : eventsOfPatchSet(db, patchSetId)])
		const said = await Promise.all(sets.slice(0, MAX_SUMMARIES).map(async (set) => (await summaryOf(set.patchSetId)).trim()))
		const first = sets.at(-1)
		// The title stays what the first set made it; what people read first is what came last.
		const title = (first === undefined || sets.length <= MAX_SUMMARIES ? said.at(-1) : await summaryOf(first.patchSetId)) ?? ''
		const body = pullRequestBody({
			orderId,
			summary: said.filter((text) => text !== '').join('\n\n'),
			evidence: evidenceOf(events),
			cost,
			auditURL: publicURL === undefined ? null : `${publicURL.replace(/\/+$/, '')}/api/executions/${executionId}`,
			patchSets: sets.toReversed().map((set) => ({ ...set, provider: set.provider ?? '-' })),
		})
		return { title: title.trim().split('\n', 1)[0]?.replace(/^#+\s*/, '') ?? '', body }
	}

	/** What has landed stays landed; a person is told that its pull request is missing or behind. */
	async function giveUp(executionId: string, failure: Failure): Promise<void> {
		const { orderId, taskId, workerName, input } = await mustFind(executionId)
		const at = now()
		const note = `${input.branch} has landed, but its pull request could not be opened or changed: ${failure.code}: ${failure.message}`
		await db.batch([
			addFollowup({ orderId, taskId, type: 'blocked', note: note.slice(0, 1000), data: { executionId, error: failure }, workerName, at }),
			appendLog({ source: 'orchestrator.pull-requests', operation: 'pull-request.failed', level: 'error', orderId, taskId, executionId, details: { head: input.branch, error: failure }, onceKey: 'step', workerName, at }),
		])
	}

	return { open, giveUp }
}
export type OrderPullRequests = ReturnType<typeof createOrderPullRequests>
