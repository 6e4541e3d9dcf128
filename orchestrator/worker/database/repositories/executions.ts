import { ExecutionId, Failure, OrderId, PatchSetId, RouteDecision, TaskId, WorkspaceId } from '@shared/contracts'
import type { ExecutionPhase, ExecutionStatus, ProviderName, ProviderType, TokenUsage } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** What an execution was asked to do; fixed when it is made. */
export interface ExecutionInput {
	prompt: string
	validate: string[]
	wallClockMs: number
	stallMs: number
	branch: string
	factory: string | null
}

/** An execution as the services see it. */
export interface Execution {
	executionId: ExecutionId
	taskId: TaskId
	orderId: OrderId
	provider: ProviderName
	providerType: ProviderType
	model: string | null
	input: ExecutionInput
	status: ExecutionStatus
	phase: ExecutionPhase
	attempt: number
	route: RouteDecision
	workspaceId: WorkspaceId
	baseCommit: string | null
	candidateCommit: string | null
	candidateTree: string | null
	landedCommit: string | null
	containerTaskId: string | null
	patchSetId: PatchSetId | null
	error: Failure | null
	nextExecutionId: ExecutionId | null
	cancelReason: string | null
	usage: TokenUsage | null
	costMicroUsd: number
	unpricedCalls: number
	modelCalls: number
	budgetMicroUsd: number | null
	phasesAt: Record<string, number>
	runnerPhasesMs: Record<string, number>
	durationMs: number | null
	workerName: string
	enqueuedAt: number | null
	seenAt: number | null
	createdAt: number
	startedAt: number | null
	completedAt: number | null
}

const json = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))

function toExecution(row: Selectable<Schema['ai_provider_executions']>): Execution {
	return {
		executionId: ExecutionId.parse(row.execution_id),
		taskId: TaskId.parse(row.task_uuid),
		orderId: OrderId.parse(row.order_id),
		provider: row.provider_name as ProviderName,
		providerType: row.provider_type as ProviderType,
		model: row.model,
		input: JSON.parse(row.input) as ExecutionInput,
		status: row.status as ExecutionStatus,
		phase: row.phase as ExecutionPhase,
		attempt: row.attempt,
		route: RouteDecision.parse(JSON.parse(row.route)),
		workspaceId: WorkspaceId.parse(row.workspace_id),
		baseCommit: row.base_commit,
		candidateCommit: row.candidate_commit,
		candidateTree: row.candidate_tree,
		landedCommit: row.landed_commit,
		containerTaskId: row.container_task_id,
		patchSetId: row.patch_data === null ? null : PatchSetId.parse(row.patch_data),
		error: row.error === null ? null : Failure.parse(JSON.parse(row.error)),
		nextExecutionId: row.next_execution_id === null ? null : ExecutionId.parse(row.next_execution_id),
		cancelReason: row.cancel_reason,
		usage: json<TokenUsage>(row.usage),
		costMicroUsd: row.cost_micro_usd,
		unpricedCalls: row.unpriced_calls,
		modelCalls: row.model_calls,
		budgetMicroUsd: row.budget_micro_usd,
		phasesAt: JSON.parse(row.phases_at) as Record<string, number>,
		runnerPhasesMs: JSON.parse(row.runner_phases_ms) as Record<string, number>,
		durationMs: row.duration_ms,
		workerName: row.worker_name,
		enqueuedAt: row.enqueued_at,
		seenAt: row.seen_at,
		createdAt: row.created_at,
		startedAt: row.started_at,
		completedAt: row.completed_at,
	}
}

export interface NewExecution {
	executionId: ExecutionId
	taskId: string
	orderId: string
	provider: ProviderName
	providerType: ProviderType
	model: string | null
	input: ExecutionInput
	attempt: number
	route: RouteDecision
	workspaceId: string
	budgetMicroUsd: number | null
	origin: Origin
	at: number
}

/** Fails its batch (UNIQUE) when the task already has a live execution. */
export function insertExecution(execution: NewExecution): Statement {
	const { at, origin } = execution
	return sql.insertInto('ai_provider_executions').values({
		execution_id: execution.executionId,
		provider_name: execution.provider,
		provider_type: execution.providerType,
		task_uuid: execution.taskId,
		order_id: execution.orderId,
		model: execution.model,
		input: JSON.stringify(execution.input),
		status: 'queued',
		phase: 'queued',
		attempt: execution.attempt,
		route: JSON.stringify(execution.route),
		workspace_id: execution.workspaceId,
		budget_micro_usd: execution.budgetMicroUsd,
		phases_at: JSON.stringify({ queued: at }),
		enqueued_at: at,
		seen_at: at,
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	})
}

export const executionQuery = (executionId: string) => sql.selectFrom('ai_provider_executions').selectAll().where('execution_id', '=', executionId)

export async function findExecution(db: Database, executionId: string): Promise<Execution | undefined> {
	const row = await db.first(executionQuery(executionId))
	return row && toExecution(row)
}

export const executionsOfTaskQuery = (taskId: string) =>
	sql.selectFrom('ai_provider_executions').selectAll().where('task_uuid', '=', taskId).orderBy('created_at').orderBy('execution_id')

export async function executionsOfTask(db: Database, taskId: string): Promise<Execution[]> {
	return (await db.all(executionsOfTaskQuery(taskId))).map(toExecution)
}

export function executionsQuery({ before, limit }: { before?: [number, string] | undefined; limit: number }) {
	const query = sql.selectFrom('ai_provider_executions').selectAll().orderBy('created_at', 'desc').orderBy('execution_id', 'desc').limit(limit)
	if (!before) return query
	const [at, id] = before
	return query.where((where) => where.or([where('created_at', '<', at), where.and([where('created_at', '=', at), where('execution_id', '<', id)])]))
}

export async function listExecutions(db: Database, page: Parameters<typeof executionsQuery>[0]): Promise<Execution[]> {
	return (await db.all(executionsQuery(page))).map(toExecution)
}

/** Live executions that nobody has touched since `before`, the longest forgotten first. */
export const forgottenExecutionsQuery = (before: number, limit: number) =>
	sql.selectFrom('ai_provider_executions').selectAll().where('completed_at', 'is', null).where('seen_at', '<', before).orderBy('seen_at').orderBy('execution_id').limit(limit)

export async function forgottenExecutions(db: Database, before: number, limit: number): Promise<Execution[]> {
	return (await db.all(forgottenExecutionsQuery(before, limit))).map(toExecution)
}

/** Columns a step of the Workflow may set when it enters a phase. */
export interface ExecutionChange {
	status?: ExecutionStatus
	base_commit?: string
	candidate_commit?: string
	candidate_tree?: string
	landed_commit?: string
	container_task_id?: string
	patch_data?: string
	output?: string
	usage?: string
	runner_phases_ms?: string
	started_at?: number
}

/**
 * Enters a phase: its start time is kept, the first time only, so that a repeated step does not move it. `seenAt` in the future keeps the
 * sweeper away until then.
 */
export function enterPhase(entry: { executionId: string; phase: ExecutionPhase; at: number; seenAt?: number; change?: ExecutionChange }): Statement {
	const path = `$.${entry.phase}`
	return sql
		.updateTable('ai_provider_executions')
		.set({
			...entry.change,
			phase: entry.phase,
			phases_at: raw<string>`json_insert(phases_at, ${path}, ${entry.at})`,
			seen_at: entry.seenAt ?? entry.at,
			updated_at: entry.at,
		})
		.where('execution_id', '=', entry.executionId)
		.where('completed_at', 'is', null)
}

/** Sets columns of a live execution without moving its phase. `seenAt` as in `enterPhase`. */
export function changeExecution(entry: { executionId: string; at: number; seenAt?: number; change: ExecutionChange }): Statement {
	return sql
		.updateTable('ai_provider_executions')
		.set({ ...entry.change, seen_at: entry.seenAt ?? entry.at, updated_at: entry.at })
		.where('execution_id', '=', entry.executionId)
		.where('completed_at', 'is', null)
}

export interface Settlement {
	executionId: string
	status: 'completed' | 'failed' | 'cancelled'
	at: number
	error?: Failure
	nextExecutionId?: string
	landedCommit?: string
}

/** Closes an execution; one that is closed already stays as it is. */
export function settleExecution(end: Settlement): Statement {
	return sql
		.updateTable('ai_provider_executions')
		.set({
			status: end.status,
			phase: 'settled',
			phases_at: raw<string>`json_insert(phases_at, '$.settled', ${end.at})`,
			error: end.error ? JSON.stringify(end.error) : null,
			...(end.nextExecutionId ? { next_execution_id: end.nextExecutionId } : {}),
			...(end.landedCommit ? { landed_commit: end.landedCommit } : {}),
			completed_at: end.at,
			duration_ms: raw<number>`${end.at} - created_at`,
			seen_at: end.at,
			updated_at: end.at,
		})
		.where('execution_id', '=', end.executionId)
		.where('completed_at', 'is', null)
}

/** Asks a live execution to stop; the first reason stays. */
export function requestCancel(cancel: { executionId: string; reason: string; at: number }): Statement {
	return sql
		.updateTable('ai_provider_executions')
		.set({ cancel_reason: cancel.reason, updated_at: cancel.at })
		.where('execution_id', '=', cancel.executionId)
		.where('completed_at', 'is', null)
		.where('cancel_reason', 'is', null)
}

export const markEnqueued = (executionId: string, at: number): Statement =>
	sql.updateTable('ai_provider_executions').set({ enqueued_at: at, seen_at: at }).where('execution_id', '=', executionId)

export async function executionStats(db: Database) {
	return db.all(
		sql
			.selectFrom('ai_provider_executions')
			.select((select) => [
				'provider_name',
				'status',
				select.fn.countAll<number>().as('count'),
				select.fn.avg<number | null>('duration_ms').as('average_ms'),
				select.fn.sum<number>('cost_micro_usd').as('cost_micro_usd'),
			])
			.groupBy(['provider_name', 'status']),
	)
}
