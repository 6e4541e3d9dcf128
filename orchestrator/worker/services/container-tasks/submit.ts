import { AgentRunParameters, AppError, PlannedTask, ValidateParameters } from '@shared/contracts'
import type { ContainerTask, ContainerTaskType } from '@shared/contracts'
import { planEdges, planProblem } from '@shared/container-task-queue'
import type { Origin, PlannedTaskInput } from '@shared/container-task-queue'
import type { z } from 'zod'
import type { Statement } from '../../database/client.ts'
import { afterOldFailures, blockStatement, insertDependencies } from '../../database/repositories/containerTaskDependencies.ts'
import type { Dependency } from '../../database/repositories/containerTaskDependencies.ts'
import { containerTasksOfIdsQuery, containerTasksOfKeysQuery, insertContainerTasks, insertedTask, toTaskRecord, toTaskRecords } from '../../database/repositories/containerTasks.ts'
import type { ContainerTaskRow, NewContainerTask } from '../../database/repositories/containerTasks.ts'
import { logSubmitted } from '../../database/repositories/containerTaskLog.ts'
import { ringBell, takeWaiting } from './bell.ts'
import { isVisible } from './context.ts'
import type { TaskQueueDeps } from './context.ts'
import { announceDependents } from './dependents.ts'

/** Command and parameters live in one row, which D1 ends at 2 MB. */
const MAX_DEFINITION_BYTES = 1_000_000
/** All of one call: they are bound, stored and returned together. */
const MAX_CALL_BYTES = 8_000_000
/** Tasks of one call: one batch, so all of them or none. */
const MAX_TASKS = 100

/** What the parameters of a type have to be, beyond an object. */
const PARAMETERS: Record<ContainerTaskType, z.ZodType | undefined> = { 'agent-run': AgentRunParameters, validate: ValidateParameters, command: undefined }

function check(input: PlannedTaskInput): { input: PlannedTask; bytes: number } {
	const parsed = PlannedTask.safeParse(input)
	const parameters = parsed.success ? PARAMETERS[parsed.data.taskType]?.safeParse(parsed.data.parameters) : undefined
	const issue = parsed.error?.issues[0] ?? parameters?.error?.issues[0]
	if (!parsed.success || issue) {
		const path = [...(parsed.success ? ['parameters'] : []), ...(issue?.path ?? [])].join('.') || '(whole)'
		throw new AppError(parsed.success ? 'CONTAINER_TASK_INVALID' : 'INVALID_INPUT', `The container task is not valid: ${path}: ${issue?.message ?? ''}`)
	}
	const bytes = new TextEncoder().encode(JSON.stringify([parsed.data.command, parsed.data.parameters])).byteLength
	if (bytes > MAX_DEFINITION_BYTES) {
		throw new AppError('PAYLOAD_TOO_LARGE', `Command and parameters are ${bytes} bytes; a task holds ${MAX_DEFINITION_BYTES} at most. Pass a reference to large data instead.`)
	}
	return { input: parsed.data, bytes }
}

function checkAll(inputs: readonly PlannedTaskInput[]): PlannedTask[] {
	if (inputs.length > MAX_TASKS) throw new AppError('INVALID_INPUT', `${inputs.length} tasks in one call; ${MAX_TASKS} is the most.`)
	const checked = inputs.map(check)
	const bytes = checked.reduce((sum, task) => sum + task.bytes, 0)
	if (bytes > MAX_CALL_BYTES) throw new AppError('PAYLOAD_TOO_LARGE', `The tasks are ${bytes} bytes together; a call holds ${MAX_CALL_BYTES} at most. Submit them in several calls.`)
	const tasks = checked.map(({ input }) => input)
	const problem = planProblem(tasks)
	if (problem !== null) throw new AppError('CONTAINER_TASK_INVALID', problem)
	return tasks
}

/** A task on its way into the table, under the id that it will have. */
interface NewTask {
	taskId: ContainerTask['taskId']
	input: PlannedTask
}

/** What is stored beside the tasks in the same batch. */
interface Together {
	planId: string
	statements: (taskIds: string[]) => Statement[]
}

/** Puts tasks into the queue, all or none. A known idempotency key returns the task that it made. */
export async function submitTasks(deps: TaskQueueDeps, inputs: readonly PlannedTaskInput[], { origin, together }: { origin: Origin; together?: Together }): Promise<ContainerTask[]> {
	const tasks = checkAll(inputs).map((input): NewTask => ({ taskId: deps.ids.containerTask(), input }))
	const edges = dependenciesOf(tasks)
	await mustKnow(deps, edges.flatMap(({ dependsOn, isNew }) => (isNew ? [] : [dependsOn])), origin)
	const at = deps.now()
	const taskIds = tasks.map(({ taskId }) => taskId)
	const blocked = [...new Set(edges.map(({ taskId }) => taskId))]
	const dependencies = blocked.length === 0 ? [] : [insertDependencies(edges, { workerName: origin.workerName, at }), blockStatement(blocked), ...afterOldFailures(blocked, at)]
	const plan = together?.statements(taskIds) ?? []
	const made = tasks.map((task): NewContainerTask => ({ ...task, planId: together?.planId, origin, at }))
	const inserts = insertContainerTasks(made)
	const stored = [
		...plan,
		...inserts,
		logSubmitted({ taskIds: JSON.stringify(taskIds), at }),
		...dependencies,
	]
	const keys = tasks.flatMap(({ input }) => input.idempotencyKey ?? [])
	// Only these can be other than they were inserted: tasks that depend on others, and those whose key may have been known.
	const reads = [...(blocked.length > 0 ? [containerTasksOfIdsQuery(blocked)] : []), ...(keys.length > 0 ? [containerTasksOfKeysQuery(origin.workerName, keys)] : [])]
	const { rows, handedOver } = await storeAndHandOver(deps, [...stored, ...reads], () => made.filter(({ taskId }) => !blocked.includes(taskId)).map(insertedTask))
	const inserted = rows.slice(plan.length, plan.length + inserts.length).flat() as readonly { task_id: string }[]
	const submitted = storedTasks(made, { inserted: new Set(inserted.map(({ task_id }) => task_id)), read: rows.slice(stored.length).flat() as readonly ContainerTaskRow[] })
	ringBell(submitted.filter((task) => task.taskId !== handedOver && isReady(task)))
	await announceDependents(deps, rows.slice(stored.length - dependencies.length, stored.length).flat())
	return submitted
}

const isReady = ({ status, blockedBy, runAfter }: ContainerTask) => status === 'pending' && blockedBy === undefined && runAfter === undefined

/** Stores new tasks, and claims in the same batch for a claim of this isolate that waits for one of them: `handedOver` names that task. */
async function storeAndHandOver(deps: TaskQueueDeps, statements: readonly Statement[], tasks: () => readonly ContainerTask[]): Promise<{ rows: unknown[][]; handedOver?: string }> {
	const taken = await takeWaiting(() => tasks().filter(isReady), deps.sleep)
	if (!taken) return { rows: await deps.db.batch(statements) }
	let claimed: unknown[][] | undefined
	try {
		const rows = await deps.db.batch([...statements, ...taken.statements])
		claimed = rows.splice(statements.length)
		return { rows, handedOver: taken.taskId }
	} finally {
		taken.end(claimed)
	}
}

/** The tasks as they are stored; one whose key was known before is the task that it made then. */
function storedTasks(made: readonly NewContainerTask[], { inserted, read }: { inserted: ReadonlySet<string>; read: readonly ContainerTaskRow[] }): ContainerTask[] {
	const known = new Map(read.map((row) => [row.idempotency_key === null ? row.task_id : `key ${row.idempotency_key}`, row]))
	return made.map((task) => {
		const { taskId, input: { idempotencyKey } } = task
		const row = known.get(idempotencyKey === undefined ? taskId : `key ${idempotencyKey}`)
		if (row) return toTaskRecord(row).task
		if (inserted.has(taskId)) return insertedTask(task)
		throw new AppError('INTERNAL', `Container task ${taskId} was not stored.`)
	})
}

/** Which of the tasks waits for which, by id. A task that may turn out to exist already cannot be waited for by its name here. */
function dependenciesOf(tasks: readonly NewTask[]): (Dependency & { isNew: boolean })[] {
	return planEdges(tasks.map(({ input }) => input)).flatMap(({ from, on }) => {
		const task = tasks[from]
		const other = typeof on === 'number' ? tasks[on] : undefined
		if (other?.input.idempotencyKey !== undefined) {
			throw new AppError('CONTAINER_TASK_INVALID', `The task ${other.input.key} has an idempotency key, so others cannot wait for it by its name. Give the key to the plan instead.`)
		}
		return task ? [{ taskId: task.taskId, dependsOn: other?.taskId ?? String(on), isNew: other !== undefined }] : []
	})
}

async function mustKnow(deps: TaskQueueDeps, taskIds: readonly string[], origin: Origin): Promise<void> {
	if (taskIds.length === 0) return
	const known = new Set<string>(
		toTaskRecords(await deps.db.all(containerTasksOfIdsQuery(taskIds)))
			.filter(({ task }) => isVisible(task, origin.workerName))
			.map(({ task }) => task.taskId),
	)
	const unknown = taskIds.find((taskId) => !known.has(taskId))
	if (unknown !== undefined) throw new AppError('CONTAINER_TASK_INVALID', `dependsOn names ${unknown.slice(0, 40)}: that is neither the key of a task of this call nor a container task of ${origin.workerName}.`)
}
