import { AgentRunParameters, AppError, ContainerTaskInput, ValidateParameters } from '@shared/contracts'
import type { ContainerTask, ContainerTaskType } from '@shared/contracts'
import { z } from 'zod'
import type { Statement } from '../../database/client.ts'
import { containerTaskOfKeyQuery, containerTaskQuery, insertContainerTask, toTaskRecords } from '../../database/repositories/containerTasks.ts'
import { logTasks } from '../../database/repositories/containerTaskLog.ts'
import type { Origin } from '../origin.ts'
import { ringBell } from './bell.ts'
import type { TaskQueueDeps } from './context.ts'

/** A task as callers write it, with defaults left out. */
export type TaskInput = z.input<typeof ContainerTaskInput>

/** Command and parameters live in one row, which D1 ends at 2 MB. */
const MAX_DEFINITION_BYTES = 1_000_000
/** Tasks of one `submitMany`: one batch, so all of them or none. */
const MAX_TASKS = 100

const PARAMETERS: Record<ContainerTaskType, z.ZodType> = {
	'agent-run': AgentRunParameters,
	validate: ValidateParameters,
	command: z.record(z.string(), z.unknown()),
}

function check(input: TaskInput): ContainerTaskInput {
	const parsed = ContainerTaskInput.safeParse(input)
	const parameters = parsed.success ? PARAMETERS[parsed.data.taskType].safeParse(parsed.data.parameters) : undefined
	const issue = parsed.error?.issues[0] ?? parameters?.error?.issues[0]
	if (!parsed.success || issue) {
		const path = [...(parsed.success ? ['parameters'] : []), ...(issue?.path ?? [])].join('.') || '(whole)'
		throw new AppError(parsed.success ? 'CONTAINER_TASK_INVALID' : 'INVALID_INPUT', `The container task is not valid: ${path}: ${issue?.message ?? ''}`)
	}
	const bytes = new TextEncoder().encode(JSON.stringify([parsed.data.command, parsed.data.parameters])).byteLength
	if (bytes > MAX_DEFINITION_BYTES) {
		throw new AppError('PAYLOAD_TOO_LARGE', `Command and parameters are ${bytes} bytes; a task holds ${MAX_DEFINITION_BYTES} at most. Pass a reference to large data instead.`)
	}
	return parsed.data
}

interface Submission {
	taskId: string
	key: string | undefined
	statements: Statement[]
}

function prepare(deps: TaskQueueDeps, input: TaskInput, origin: Origin): Submission {
	const taskId = deps.ids.containerTask()
	const at = deps.now()
	const checked = check(input)
	const key = checked.idempotencyKey
	return {
		taskId,
		key,
		statements: [
			insertContainerTask({ taskId, input: checked, origin, at }),
			// Picks nothing when the key was known and so nothing was inserted.
			logTasks((where) => where('task_id', '=', taskId), { operation: 'queue.submitted', at }),
			key === undefined ? containerTaskQuery(taskId) : containerTaskOfKeyQuery(origin.workerName, key),
		],
	}
}

/** Puts tasks into the queue, all or none. A known idempotency key returns the task that it made. */
export async function submitTasks(deps: TaskQueueDeps, inputs: readonly TaskInput[], origin: Origin): Promise<ContainerTask[]> {
	if (inputs.length > MAX_TASKS) throw new AppError('INVALID_INPUT', `${inputs.length} tasks in one call; ${MAX_TASKS} is the most.`)
	const submissions = inputs.map((input) => prepare(deps, input, origin))
	const results = await deps.db.batch(submissions.flatMap((submission) => submission.statements))
	ringBell()
	return submissions.map((submission, index) => {
		const [record] = toTaskRecords(results[index * 3 + 2] ?? [])
		if (!record) throw new AppError('INTERNAL', `Container task ${submission.taskId} was not stored.`)
		return record.task
	})
}
