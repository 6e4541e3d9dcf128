import type { ServerMessage, WakeUp } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { dueKindsQuery, nextDueQuery, readyKindsQuery } from '../../database/repositories/eventLog.ts'
import type { WorkKind } from '../../database/repositories/eventLog.ts'
import type { Event } from './messages.ts'

/** After these, the task of the line, or one that waited for it, may be ready. */
const STIRRING = new Set<unknown>(['queue.submitted', 'queue.retry', 'queue.lapsed', 'queue.completed', 'queue.failed', 'queue.cancelled'])
const DUE_AT_ONCE = 100

/** Whether a line of this operation is news for runners. */
export const isStirring = (operation: unknown): boolean => STIRRING.has(operation)

/** Finds out what kinds of work runners should hear of. */
export function createWorkAlerts({ db, now }: { db: Database; now: () => number }) {
	// Every due time is told of once; after an eviction once more, which costs a claim that finds nothing.
	let toldUntil = 0

	return {
		/** Kinds of work that these lines made ready and that are still there. */
		async of(events: readonly Event[]): Promise<WakeUp[]> {
			const taskIds = events.flatMap(({ line }) => (isStirring(line.operation) && typeof line.details['taskId'] === 'string' ? [line.details['taskId']] : []))
			return taskIds.length === 0 ? [] : (await db.all(readyKindsQuery([...new Set(taskIds)]))).map(toWakeUp)
		},
		/** Kinds of work whose time has come since the last call. No line of the log tells of that. */
		async due(): Promise<WakeUp[]> {
			const until = now()
			const kinds = await db.all(dueKindsQuery(toldUntil, until, DUE_AT_ONCE))
			toldUntil = until
			return kinds.map(toWakeUp)
		},
		/** When `due` has something to say next; null when nothing waits for its time. */
		async nextDue(): Promise<number | null> {
			return (await db.first(nextDueQuery(toldUntil)))?.at ?? null
		},
	}
}
export type WorkAlerts = ReturnType<typeof createWorkAlerts>

const toWakeUp = ({ task_type, requires }: WorkKind): WakeUp => ({ taskType: task_type, requires })

export const wakeUpMessage = (wakeUp: WakeUp, cursor: number, at: number): string =>
	JSON.stringify({ type: 'task', cursor: String(cursor), at, data: wakeUp } satisfies ServerMessage)
