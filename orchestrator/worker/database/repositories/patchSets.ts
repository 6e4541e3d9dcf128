import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** `evidence` is a set that came too late to count; `refused` broke the policy or did not apply; `stale` lost the race for its branch. */
export type PatchSetStatus = 'stored' | 'evidence' | 'refused' | 'candidate' | 'landed' | 'stale'

/** A stored patch set. Exactly one of `body` and `objectKey` says where the set itself is. */
export interface PatchSetRecord {
	patchSetId: string
	executionId: string
	taskId: string
	orderId: string
	baseCommit: string
	body: string | null
	objectKey: string | null
	/** Of the JSON text, hex. */
	sha256: string
	sizeBytes: number
	fileCount: number
	patchCount: number
	status: PatchSetStatus
	error: string | null
	createdAt: number
}

function toRecord(row: Selectable<Schema['patch_sets']>): PatchSetRecord {
	return {
		patchSetId: row.patch_set_id,
		executionId: row.execution_id,
		taskId: row.task_uuid,
		orderId: row.order_id,
		baseCommit: row.base_commit,
		body: row.body,
		objectKey: row.object_key,
		sha256: row.sha256,
		sizeBytes: row.size_bytes,
		fileCount: row.file_count,
		patchCount: row.patch_count,
		status: row.status as PatchSetStatus,
		error: row.error,
		createdAt: row.created_at,
	}
}

/** A repeat with the same content changes nothing; other content under the same id fails the whole batch (NOT NULL on sha256). */
export function insertPatchSet(record: PatchSetRecord, origin: Origin): Statement {
	return sql
		.insertInto('patch_sets')
		.values({
			patch_set_id: record.patchSetId,
			execution_id: record.executionId,
			task_uuid: record.taskId,
			order_id: record.orderId,
			base_commit: record.baseCommit,
			body: record.body,
			object_key: record.objectKey,
			sha256: record.sha256,
			size_bytes: record.sizeBytes,
			file_count: record.fileCount,
			patch_count: record.patchCount,
			status: record.status,
			error: record.error,
			worker_name: origin.workerName,
			container_name: origin.containerName ?? null,
			created_at: record.createdAt,
			updated_at: record.createdAt,
		})
		.onConflict((conflict) =>
			conflict.column('patch_set_id').doUpdateSet({ sha256: raw<string>`case when patch_sets.sha256 = excluded.sha256 then excluded.sha256 end` }),
		)
}

export const patchSetQuery = (patchSetId: string) => sql.selectFrom('patch_sets').selectAll().where('patch_set_id', '=', patchSetId)

export async function findPatchSet(db: Database, patchSetId: string): Promise<PatchSetRecord | undefined> {
	const row = await db.first(patchSetQuery(patchSetId))
	return row && toRecord(row)
}

/** Sets of one execution, the newest first; one that came too late is not among them. */
export const patchSetOfExecutionQuery = (executionId: string) =>
	sql
		.selectFrom('patch_sets')
		.selectAll()
		.where('execution_id', '=', executionId)
		.where('status', '!=', 'evidence')
		.orderBy('created_at', 'desc')
		.orderBy('patch_set_id')
		.limit(1)

export async function findPatchSetOfExecution(db: Database, executionId: string): Promise<PatchSetRecord | undefined> {
	const row = await db.first(patchSetOfExecutionQuery(executionId))
	return row && toRecord(row)
}

/** Where the execution of a set belongs; undefined for a set that no execution made. */
export async function placeOfExecution(db: Database, executionId: string) {
	const query = sql.selectFrom('ai_provider_executions').select(['order_id', 'task_uuid', 'workspace_id']).where('execution_id', '=', executionId)
	const row = await db.first(query)
	return row && { orderId: row.order_id, taskId: row.task_uuid, workspaceId: row.workspace_id }
}

export interface PatchSetChange {
	patchSetId: string
	status: PatchSetStatus
	error: string | null
	at: number
}

/** Moves a set on. What has landed stays landed, whatever a repeated step says later. */
export function changePatchSet({ patchSetId, status, error, at }: PatchSetChange): Statement {
	return sql.updateTable('patch_sets').set({ status, error, updated_at: at }).where('patch_set_id', '=', patchSetId).where('status', '!=', 'landed')
}
