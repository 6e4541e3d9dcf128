import type { ContainerTask } from '@shared/contracts'
import { isClosed } from '@shared/container-task-queue'
import type { Statement } from '../../database/client.ts'
import { afterFailures } from '../../database/repositories/containerTaskDependencies.ts'
import { closingLapses, lapsedIds, lapseStatement, logLapse } from '../../database/repositories/containerTaskLapses.ts'
import { countEnds } from '../../database/repositories/containerTaskShares.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { announce } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { announceDependents } from './dependents.ts'

/** What becomes of leases that ran out, as part of a batch. */
export interface PreparedLapse {
	statements: Statement[]
	/** Tells the listener; returns the tasks as they are now. */
	announce: (deps: TaskQueueDeps, rows: readonly unknown[][]) => Promise<ContainerTask[]>
}

export function prepareLapse(now: number, limit: number): PreparedLapse {
	const others = afterFailures(closingLapses(now, limit), now)
	return {
		statements: [logLapse(now, limit), countEnds(lapsedIds(now, limit), now), ...others, lapseStatement(now, limit)],
		async announce(deps, rows) {
			const tasks = toTaskRecords(rows[2 + others.length] ?? []).map((record) => record.task)
			await announce(
				deps,
				tasks.filter((task) => isClosed(task.status)),
			)
			await announceDependents(deps, rows.slice(2, 2 + others.length).flat())
			return tasks
		},
	}
}
