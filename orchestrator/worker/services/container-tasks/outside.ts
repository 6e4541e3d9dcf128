import { AppError } from '@shared/contracts'
import type { TaskInput } from '@shared/container-task-queue'

/**
 * Refuses what only the orchestrator may submit. Runs and validations come with a grant for their execution, and a line of an
 * execution's log is taken for the orchestrator's word, so nobody else may tie a task to one.
 */
export function checkOutsideTask<Input extends TaskInput>(input: Input): Input {
	if (input.taskType !== 'command') {
		throw new AppError('FORBIDDEN', `Tasks of type ${input.taskType} are made by the orchestrator only. Place an order instead, or submit a task of type command.`)
	}
	if (input.executionId !== undefined) {
		throw new AppError('FORBIDDEN', 'Only the orchestrator ties container tasks to an execution. Leave executionId out.')
	}
	return input
}
