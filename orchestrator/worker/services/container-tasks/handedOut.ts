import { isLeaseHeld } from '@shared/container-task-queue'
import { toTaskRecord } from '../../database/repositories/containerTasks.ts'
import type { TaskRecord, TaskRow } from '../../database/repositories/containerTasks.ts'

// Tasks that this isolate handed out a moment ago, as they were then: a report on one of them need not read it first. Nothing depends
// on it, because the batch that stores a report looks at the lease itself; where it refuses, the task is read. Only small ones are kept.
const handedOut = new Map<string, TaskRecord>()
const MOST = 1000
const MOST_CHARS = 4000

/** Reads the rows that a claim returned, and keeps them. */
export function handOut(rows: readonly TaskRow[]): TaskRecord[] {
	return rows.map((row) => {
		const record = toTaskRecord(row)
		handedOut.delete(row.task_id)
		if (row.command.length + row.parameters.length <= MOST_CHARS) handedOut.set(row.task_id, record)
		const [oldest = ''] = handedOut.keys()
		if (handedOut.size > MOST) handedOut.delete(oldest)
		return record
	})
}

/** The task if it was handed out here under this lease, which has to hold by what was known then. Forgets it: a second report reads it. */
export function recall({ taskId, leaseToken, now }: { taskId: string; leaseToken: string | undefined; now: number }): TaskRecord | undefined {
	const record = handedOut.get(taskId)
	if (record === undefined || leaseToken === undefined || !isLeaseHeld({ ...record.task, leaseToken: record.leaseToken }, leaseToken, now)) return undefined
	handedOut.delete(taskId)
	return record
}
