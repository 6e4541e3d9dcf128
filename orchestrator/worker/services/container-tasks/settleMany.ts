import { AppError } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import type { Statement } from '../../database/client.ts'
import { beforeCompletions, completeStatement, leasesGuard } from '../../database/repositories/containerTaskCompletions.ts'
import type { Completion } from '../../database/repositories/containerTaskCompletions.ts'
import { logProgressUnderLease } from '../../database/repositories/containerTaskLeases.ts'
import { toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { chunksBySize } from '../../database/chunks.ts'
import { announce } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { announceDependents } from './dependents.ts'
import { progressLines } from './progress.ts'
import { redacted } from './redact.ts'
import { storeOutput } from './settle.ts'
import type { Ending } from './settle.ts'

/** Outputs are bound as one text, and D1 ends a text at 2 MB. */
const MAX_CHUNK_CHARS = 400_000

/** The statements that complete several tasks. Statements take most of the time, so there is one for all tasks where it can be. */
export interface SettlingMany {
	statements: Statement[]
	/** Tells whoever wants to know; returns the completed tasks by id. Throws when one is missing. */
	announce: (rows: readonly unknown[][]) => Promise<Map<string, ContainerTask>>
}

/** Completes different tasks, all or none. The order is that of `prepareSettling`: guard, progress, log and counts and others, tasks, the listener's own. */
export async function prepareCompletions(deps: TaskQueueDeps, endings: readonly Ending[]): Promise<SettlingMany> {
	const now = deps.now()
	const taskIds = endings.map(({ record }) => record.task.taskId)
	const outputs = new Map<string, Record<string, unknown> | null>()
	const completions = await Promise.all(
		endings.map(async (ending): Promise<Completion> => {
			const { taskId } = ending.record.task
			const { output, stored } = await storeOutput(deps, ending)
			outputs.set(taskId, output)
			return { taskId, leaseToken: ending.leaseToken, output: stored?.body ?? null, outputKey: stored?.objectKey ?? null }
		}),
	)
	const progress = endings.flatMap(({ record: { task }, leaseToken, report }) =>
		progressLines(task, redacted(deps, report.progress ?? [])).map((lines) => logProgressUnderLease({ taskId: task.taskId, leaseToken, now }, lines)),
	)
	const before = [leasesGuard(completions, now), ...progress, ...beforeCompletions(taskIds, now)]
	const updates = chunksBySize(completions, MAX_CHUNK_CHARS, (completion) => JSON.stringify(completion).length).map((chunk) => completeStatement(chunk, now))
	const tasksOf = (rows: readonly unknown[][]) => {
		const settled = new Map(toTaskRecords(rows.slice(before.length, before.length + updates.length).flat()).map(({ task }) => [task.taskId as string, { ...task, output: outputs.get(task.taskId) ?? null }]))
		const missing = taskIds.find((taskId) => !settled.has(taskId))
		if (missing !== undefined) throw new AppError('INTERNAL', `Container task ${missing} was not settled.`)
		return settled
	}
	return {
		statements: [...before, ...updates, ...endings.flatMap(({ collected }) => collected.statements)],
		async announce(rows) {
			const tasks = tasksOf(rows)
			await announce(deps, [...tasks.values()])
			await announceDependents(deps, rows[before.length - 1] ?? [])
			return tasks
		},
	}
}
