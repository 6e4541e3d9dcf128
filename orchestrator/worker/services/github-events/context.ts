import type { Database } from '../../database/client.ts'
import { findOrder } from '../../database/repositories/orders.ts'
import type { Order } from '../../database/repositories/orders.ts'
import type { GitHubScope } from '../github/githubCredentials.ts'
import type { GitHubClient } from '../github/githubClient.ts'
import type { GitHubRepo } from '../github/githubRepo.ts'
import type { Orders } from '../orders/orders.ts'

export interface GitHubEventsDeps {
	db: Database
	now: () => number
	/** The webhook secret and, while it is being changed, the one before. */
	secrets: () => string[]
	clientFor: (place: GitHubRepo, scope: GitHubScope) => GitHubClient
	orders: Pick<Orders, 'create' | 'addTask'>
	/** Where people reach the orchestrator. */
	publicURL: string | undefined
	/** `worker_name` of what comes of events. */
	workerName: string
}

/** What came of an event. `ignored` changed nothing. */
export interface EventOutcome {
	status: 'done' | 'ignored'
	result: Record<string, unknown>
}

export const done = (result: Record<string, unknown>): EventOutcome => ({ status: 'done', result })
export const ignored = (reason: string): EventOutcome => ({ status: 'ignored', result: { reason } })

/** The order whose branch this is, if it works on this very repository. */
export async function orderOfBranch(db: Database, { repo, branch }: { repo: string; branch: string }): Promise<Order | null> {
	const [, orderId] = /^factory\/(ORD-[0-9A-Z]{1,40})$/.exec(branch) ?? []
	const order = orderId === undefined ? undefined : await findOrder(db, orderId)
	return order?.workspaceRef.kind === 'github' && order.workspaceRef.repo.toLowerCase() === repo.toLowerCase() ? order : null
}
