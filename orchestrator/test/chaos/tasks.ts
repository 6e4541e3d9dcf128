import type { ContainerTask, PlannedTask } from '@shared/contracts'
import type { Operation } from './history.ts'
import type { Fate } from './runner.ts'

const LARGEST_CALL = 100

/** Of a hundred tasks one kills its runner, one fails, two fail at first. */
const FATES: Record<number, Fate> = { 10: 'kills', 30: 'fails', 50: 'fails once', 70: 'fails once' }

/** So many tasks, in as many lists as calls take. A key each makes that a call that is made again submits none twice. */
export function chaosTasks(count: number): (Pick<PlannedTask, 'taskType' | 'command' | 'parameters' | 'maxAttempts' | 'timeoutMs'> & { idempotencyKey: string })[][] {
	const tasks = Array.from({ length: count }, (_, index) => {
		const fate = FATES[index % 100]
		return { taskType: 'command' as const, command: ['true'], parameters: fate === undefined ? {} : { fate }, maxAttempts: fate === 'kills' ? 2 : 3, timeoutMs: 3_600_000, idempotencyKey: `chaos-${index}` }
	})
	return Array.from({ length: Math.ceil(count / LARGEST_CALL) }, (_, call) => tasks.slice(call * LARGEST_CALL, (call + 1) * LARGEST_CALL))
}

/** What was seen of a task in the end. */
export function finalOf({ taskId, status, outcome, attempt, maxAttempts, error, output }: ContainerTask, { start, end }: { start: number; end: number }): Operation {
	const mark = typeof output?.['mark'] === 'string' ? output['mark'] : null
	return { kind: 'final', taskId, who: 'judge', start, end, task: { status, outcome, attempt, maxAttempts, error, mark } }
}
