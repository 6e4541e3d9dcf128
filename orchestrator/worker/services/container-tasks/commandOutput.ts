import { AppError, CommandOutput } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'
import { splitStreams, STREAMS } from '@shared/container-task-queue'
import type { StreamName } from '@shared/container-task-queue'
import { mustFind } from './context.ts'
import type { TaskQueueDeps, TaskRef } from './context.ts'

type Output = Record<string, unknown>

const keyName = (name: StreamName) => `${name}Key`

/** Throws INVALID_INPUT when a command's output has an exit code that is no number, or a stream that is no text. */
export function checkCommandOutput(task: ContainerTask, output: Output): void {
	const parsed = task.taskType === 'command' ? CommandOutput.safeParse(output) : undefined
	const issue = parsed?.error?.issues[0]
	if (issue) throw new AppError('INVALID_INPUT', `The output of a command is not valid: ${issue.path.join('.')}: ${issue.message}`)
}

/** Stores the long streams of a command apart and leaves their ends; `<name>Key` says where the whole is, and only this sets it. */
export async function storeStreams(deps: Pick<TaskQueueDeps, 'outputs'>, task: ContainerTask, output: Output): Promise<Output> {
	if (task.taskType !== 'command') return output
	const names = new Set<string>(STREAMS.map(keyName))
	const own = Object.fromEntries(Object.entries(output).filter(([name]) => !names.has(name)))
	const parsed = CommandOutput.safeParse(own)
	if (!parsed.success) return own
	const { output: rest, long } = splitStreams(parsed.data)
	const keys = await Promise.all(
		long.map(async ({ name, text }) => {
			const key = `container-tasks/${task.taskId}/${task.attempt}-${name}.txt`
			await deps.outputs.put(key, text, 'text/plain; charset=utf-8')
			return [keyName(name), key] as const
		}),
	)
	return { ...rest, ...Object.fromEntries(keys) }
}

/** A stream whole; throws NOT_FOUND when the task has none (yet, or any more). */
export async function readStream(deps: TaskQueueDeps, ref: TaskRef, name: StreamName): Promise<string> {
	const { task } = await mustFind(deps.db, ref)
	const key = task.output?.[keyName(name)]
	const text = task.taskType === 'command' ? (typeof key === 'string' ? await deps.outputs.get(key) : task.output?.[name]) : undefined
	if (typeof text === 'string') return text
	throw new AppError('NOT_FOUND', `Container task ${task.taskId} has no ${name}.`)
}
