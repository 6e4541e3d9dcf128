import { AppError } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import { beforeCompletions, completeStatement, leasesGuard } from '../../database/repositories/containerTaskCompletions.ts'
import type { Completed, Result } from '../../database/repositories/containerTaskCompletions.ts'
import { chunksBySize } from '../../database/chunks.ts'
import { announce } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { announceDependents } from './dependents.ts'
import { lastProgress, storeOutput } from './ending.ts'
import type { Completion, Settling } from './ending.ts'

/** What a completion says of every task. */
const COMPLETED = { status: 'completed', outcome: null, error: null, leaseExpiresAt: null } as const
/** Outputs are bound as one text, and D1 ends a text at 2 MB. */
const MAX_CHUNK_CHARS = 400_000
/** Of the ids, the key and the token beside an output. */
const MOST_CHARS_OF_REST = 500

/**
 * Completes different tasks, all or none: guard, progress, log and counts and others, tasks, the listener's own. Statements take most
 * of the time, so there is one for all tasks where it can be.
 */
export async function prepareCompletions(deps: TaskQueueDeps, endings: readonly Completion[]): Promise<Settling> {
	const now = deps.now()
	const tasks = endings.map(({ record }) => record.task)
	const outputs = new Map<string, Record<string, unknown> | null>()
	const results = await Promise.all(
		endings.map(async (ending): Promise<Result> => {
			const { taskId } = ending.record.task
			const { output, stored } = await storeOutput(deps, ending)
			outputs.set(taskId, output)
			return { taskId, leaseToken: ending.leaseToken, output: stored?.body ?? null, outputKey: stored?.objectKey ?? null }
		}),
	)
	const before = [leasesGuard(results, now), ...endings.flatMap((ending) => lastProgress(deps, ending, now)), ...beforeCompletions(tasks, now)]
	const updates = chunksBySize(results, MAX_CHUNK_CHARS, ({ output }) => (output?.length ?? 0) + MOST_CHARS_OF_REST).map((chunk) => completeStatement(chunk, now))
	const tasksOf = (rows: readonly unknown[][]): Map<string, ContainerTask> => {
		const completed = new Map((rows.slice(before.length, before.length + updates.length).flat() as Completed[]).map((row) => [row.task_id, row]))
		return new Map(
			endings.map(({ record: { task } }) => {
				const row = completed.get(task.taskId)
				if (row === undefined) throw new AppError('INTERNAL', `Container task ${task.taskId} was not settled.`)
				return [task.taskId, { ...task, ...COMPLETED, output: outputs.get(task.taskId) ?? null, startedAt: row.started_at, completedAt: now }]
			}),
		)
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
