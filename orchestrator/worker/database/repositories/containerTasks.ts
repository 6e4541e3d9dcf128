import type { ContainerTask, ContainerTaskStatus, PlannedTask } from '@shared/contracts'
import type { CancelReason } from '@shared/container-task-queue'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql as raw } from 'kysely'
import { chunksBySize } from '../chunks.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'
import { prepared } from '../prepared.ts'
import { idList } from '../idList.ts'

export type ContainerTaskRow = Selectable<Schema['container_tasks']>
/** What a task is read from. */
export type TaskRow = Omit<ContainerTaskRow, 'container_name' | 'idempotency_key' | 'on_dependency_failure' | 'updated_at'>

/** A task with what only the queue may know about it. */
export interface TaskRecord {
	id: number
	task: ContainerTask
	/** The current lease, or the one whose holder settled the task: a repeated report is known by it. Null after a lapse. */
	leaseToken: string | null
	/** Where the output is when it is too long for the row; `task.output` is null then. */
	outputKey: string | null
	cancel: CancelReason | null
}

const json = <T>(text: string): T => JSON.parse(text) as T
const jsonOrNull = <T>(text: string | null): T | null => (text === null ? null : json<T>(text))

/** Reads whole rows, also those that a statement of a batch returned. */
export const toTaskRecords = (rows: readonly unknown[]): TaskRecord[] => rows.map((row) => toTaskRecord(row as TaskRow))

/** What is in the row was checked when it was written; checking it again with each read would take longer than the read. */
export function toTaskRecord(row: TaskRow): TaskRecord {
	const status = row.status as ContainerTask['status']
	const task: ContainerTask = {
		taskId: row.task_id as ContainerTask['taskId'],
		workerName: row.worker_name,
		containerName: row.target_container,
		taskType: row.task_type as ContainerTask['taskType'],
		status,
		outcome: row.outcome as ContainerTask['outcome'],
		priority: row.priority,
		command: json(row.command),
		parameters: json(row.parameters),
		requires: row.requires,
		executionId: row.execution_id as ContainerTask['executionId'],
		assignedTo: status === 'pending' ? null : row.assigned_to,
		attempt: row.attempt,
		maxAttempts: row.max_attempts,
		timeoutMs: row.timeout_ms,
		leaseExpiresAt: row.lease_expires_at,
		output: jsonOrNull(row.output),
		error: jsonOrNull(row.error),
		createdAt: row.created_at,
		assignedAt: row.assigned_at,
		startedAt: row.started_at,
		completedAt: row.completed_at,
	}
	if (row.target_worker !== null) task.targetWorker = row.target_worker
	if (status === 'pending' && row.run_after > 0) task.runAfter = row.run_after
	if (status === 'pending' && row.blocked_by > 0) task.blockedBy = row.blocked_by
	if (row.plan_id !== null) task.planId = row.plan_id
	if (row.plan_key !== null) task.key = row.plan_key
	return { id: row.id, task, leaseToken: row.lease_token, outputKey: row.output_key, cancel: jsonOrNull(row.cancel_reason) }
}

export interface NewContainerTask {
	taskId: string
	input: PlannedTask
	planId?: string | undefined
	origin: Origin
	at: number
}

/** The columns of a new task. */
function newRow({ taskId, input, planId, origin, at }: NewContainerTask) {
	return {
		task_id: taskId,
		task_type: input.taskType,
		command: JSON.stringify(input.command),
		parameters: JSON.stringify(input.parameters),
		priority: input.priority,
		target_container: input.containerName ?? null,
		target_worker: input.targetWorker ?? null,
		requires: input.requires ?? null,
		run_after: Math.max(input.runAfter ?? 0, input.delayMs === undefined ? 0 : at + input.delayMs),
		on_dependency_failure: input.onDependencyFailure,
		plan_id: planId ?? null,
		plan_key: input.key ?? null,
		max_attempts: input.maxAttempts,
		timeout_ms: input.timeoutMs,
		idempotency_key: input.idempotencyKey ?? null,
		execution_id: input.executionId ?? null,
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	}
}
type NewRow = ReturnType<typeof newRow>
const COLUMNS = Object.keys(newRow({ taskId: '', input: {} as PlannedTask, origin: { workerName: '' }, at: 0 })) as (keyof NewRow)[]

/** What the schema puts into the columns that a new task says nothing of. */
const UNTOUCHED = {
	id: 0,
	status: 'pending',
	outcome: null,
	assigned_to: null,
	attempt: 0,
	lease_token: null,
	lease_expires_at: null,
	blocked_by: 0,
	output: null,
	output_key: null,
	error: null,
	cancel_reason: null,
	assigned_at: null,
	started_at: null,
	completed_at: null,
}

/** A new task as it is once its insert has stored it, without reading it. */
export const insertedTask = (task: NewContainerTask): ContainerTask => toTaskRecord({ ...UNTOUCHED, ...newRow(task) }).task

/** A bound text of this many chars is far from the 2 MB at which D1 ends it. */
const MAX_CHUNK_CHARS = 400_000

/** Inserts tasks in their order, and nothing where the Worker used the idempotency key before; returns the ids of those that are new. One statement for all, unless they are long. */
export const insertContainerTasks = (tasks: readonly NewContainerTask[]): Statement[] =>
	chunksBySize(tasks.map(newRow), MAX_CHUNK_CHARS, ({ command, parameters }) => command.length + parameters.length + MOST_CHARS_OF_REST).map((rows) => insertRows(rows))

/** Of all other columns together. */
const MOST_CHARS_OF_REST = 2_000

/** Tasks of one call are alike in most columns, which are bound once: to read a column out of JSON for each row costs about as much as to store it. */
function insertRows(rows: readonly NewRow[]): Statement {
	const [first] = rows
	const differing = COLUMNS.filter((name) => rows.some((row) => row[name] !== first?.[name]))
	const insert = inserts.get(differing.join()) ?? prepareInsert(differing)
	if (inserts.size >= MOST_SETS) inserts.clear()
	inserts.set(differing.join(), insert)
	return insert({ ...(first as NewRow), rows: JSON.stringify(rows.map((row) => differing.map((name) => row[name]))) })
}

/** By the columns in which rows differ. Few such sets occur; whoever makes up many must not fill the memory. */
const MOST_SETS = 100
const inserts = new Map<string, ReturnType<typeof prepareInsert>>()

const prepareInsert = (differing: readonly (keyof NewRow)[]) =>
	prepared((values: NewRow & { rows: string }): Statement => {
		const given = sql
			.selectFrom(raw<{ key: number; value: string }>`json_each(${values.rows})`.as('given'))
			.select(COLUMNS.map((name) => (differing.includes(name) ? raw`given.value ->> ${raw.lit(differing.indexOf(name))}` : raw`${values[name]}`).as(name)))
			// SQLite would take the conflict clause for a join without it.
			.where(raw<boolean>`true`)
			.orderBy('given.key')
		return sql.insertInto('container_tasks').columns(COLUMNS).expression(given as never).onConflict((conflict) => conflict.doNothing()).returning('task_id')
	})

export const containerTaskQuery = (taskId: string) => sql.selectFrom('container_tasks').selectAll().where('task_id', '=', taskId)

/** Tasks by id, the oldest first; the ids are one bound text, however many there are. */
export const containerTasksOfIdsQuery = (taskIds: readonly string[]) => sql.selectFrom('container_tasks').selectAll().where('task_id', 'in', idList(taskIds)).orderBy('id')

export const containerTasksOfKeysQuery = (workerName: string, keys: readonly string[]) =>
	sql.selectFrom('container_tasks').selectAll().where('worker_name', '=', workerName).where('idempotency_key', 'in', idList(keys))

export async function findContainerTask(db: Database, taskId: string): Promise<TaskRecord | undefined> {
	const row = await db.first(containerTaskQuery(taskId))
	return row && toTaskRecord(row)
}

/** Which tasks to list, newest first; `before` is the row id to go on from. */
export interface ContainerTaskPage {
	workerName?: string | undefined
	status?: ContainerTaskStatus | undefined
	executionId?: string | undefined
	before?: number | undefined
	limit: number
}

export function containerTasksQuery(page: ContainerTaskPage) {
	let query = sql.selectFrom('container_tasks').selectAll().orderBy('id', 'desc').limit(page.limit)
	if (page.workerName !== undefined) query = query.where('worker_name', '=', page.workerName)
	if (page.status !== undefined) query = query.where('status', '=', page.status)
	if (page.executionId !== undefined) query = query.where('execution_id', '=', page.executionId)
	if (page.before !== undefined) query = query.where('id', '<', page.before)
	return query
}

/** How many tasks have this status, of one Worker or of all; counts to `countTo` and no further. */
export function statusCountQuery(status: ContainerTaskStatus, countTo: number, workerName?: string) {
	let found = sql.selectFrom('container_tasks').select('status').where('status', '=', status).limit(countTo)
	if (workerName !== undefined) found = found.where('worker_name', '=', workerName)
	return sql.selectFrom(found.as('found')).select(({ fn, val }) => [val(status).as('status'), fn.countAll<number>().as('count')])
}

export async function listContainerTasks(db: Database, page: ContainerTaskPage): Promise<TaskRecord[]> {
	return (await db.all(containerTasksQuery(page))).map(toTaskRecord)
}
