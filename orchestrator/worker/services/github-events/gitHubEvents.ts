import { isAppError, toErrorBody } from '@shared/contracts'
import { dueDeliveries, settleDelivery, takeDelivery } from '../../database/repositories/webhookDeliveries.ts'
import type { WebhookCommand } from '../github/webhookCommands.ts'
import { dedupeKey, readWebhook } from '../github/webhooks.ts'
import type { WebhookRequest } from '../github/webhooks.ts'
import { ignored } from './context.ts'
import type { EventOutcome, GitHubEventsDeps } from './context.ts'
import { createRecordChanges } from './recordChanges.ts'
import { createStartWork } from './startWork.ts'

/** Work that is under way for longer was cut off. */
const FORGOTTEN_MS = 2 * 60_000
const FIRST_RETRY_MS = 60_000
const MAX_TRIES = 8
/** GitHub keeps deliveries for some days; whoever asked has given up by then. */
const RETRY_DAYS_MS = 2 * 86_400_000
const MAX_RETRIES = 10

/** An event of GitHub that asks for something; the rest is told by `readCommand`. */
type Wanted = Exclude<WebhookCommand, { kind: 'ping' | 'ignored' }>

/** What is kept of a delivery to work on it again. */
interface Memory {
	command: Wanted
	/** The one under way counts. */
	tries: number
}

export interface Handled {
	status: EventOutcome['status'] | 'repeated'
	result: Record<string, unknown>
}

/** Events of GitHub. Each is worked on once however often it is delivered; one whose work failed for a while is tried again, here or by a new delivery. */
export function createGitHubEvents(deps: GitHubEventsDeps) {
	const { db, now } = deps
	const { startOrder, followUp } = createStartWork(deps)
	const { recordEnd, recordPush } = createRecordChanges(deps)

	function act(command: Wanted): Promise<EventOutcome> {
		if (command.kind === 'order') return startOrder(command)
		if (command.kind === 'followup') return followUp(command)
		return command.kind === 'pushed' ? recordPush(command) : recordEnd(command)
	}

	/** Null when somebody else works on it, or has. */
	async function work({ id, event }: { id: string; event: string }, { command, tries }: Memory): Promise<EventOutcome | null> {
		const at = now()
		const taken = await db.first(takeDelivery({ id, event, result: { command, tries }, origin: { workerName: deps.workerName }, at, forgottenBefore: at - FORGOTTEN_MS }))
		if (taken === undefined) return null
		try {
			const outcome = await act(command)
			await db.run(settleDelivery({ id, status: outcome.status, result: outcome.result, at: now() }))
			return outcome
		} catch (error) {
			await db.run(settleDelivery({ id, status: 'failed', result: { ...toErrorBody(error), command, tries, ...again(error, tries) }, at: now() }))
			throw error
		}
	}

	/** When the work is tried again by itself: at the moment that the failure names, else ever less often. */
	function again(error: unknown, tries: number): { retryAt?: number } {
		if (tries >= MAX_TRIES || !toErrorBody(error).retryable) return {}
		const named = isAppError(error) ? error.details?.['retryAt'] : undefined
		return { retryAt: typeof named === 'number' && Number.isFinite(named) ? named : now() + FIRST_RETRY_MS * 2 ** (tries - 1) }
	}

	return {
		/** Throws what `readWebhook` throws, and what the work fails with. */
		async handle(request: WebhookRequest): Promise<Handled> {
			const delivery = await readWebhook(request, deps.secrets())
			const { command } = delivery
			if (command.kind === 'ping') return ignored('it only asks whether somebody is here')
			if (command.kind === 'ignored') return ignored(command.reason)
			const outcome = await work({ id: dedupeKey(delivery), event: delivery.event }, { command, tries: 1 })
			return outcome ?? { status: 'repeated', result: {} }
		},

		/** Works on what failed for a while, or was cut off. Returns how many were tried. */
		async retry(): Promise<number> {
			const at = now()
			const due = await dueDeliveries(db, { since: at - RETRY_DAYS_MS, now: at, forgottenBefore: at - FORGOTTEN_MS, limit: MAX_RETRIES })
			for (const { id, event, result } of due) {
				const { command, tries } = result as unknown as Memory
				if (tries >= MAX_TRIES) await db.run(settleDelivery({ id, status: 'failed', result: { command, tries }, at }))
				else await work({ id, event }, { command, tries: tries + 1 }).catch((error: unknown) => console.warn({ message: 'an event of GitHub failed again', id, error: String(error) }))
			}
			return due.length
		},
	}
}
export type GitHubEvents = ReturnType<typeof createGitHubEvents>
