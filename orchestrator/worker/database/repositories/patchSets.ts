import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/**
 * `evidence` is a set that came too late to count; `asked` waits for a person; `refused` broke the policy or did not apply; `conflict` meets
 * other work on its branch; `stale` lost its base or the race for its branch; `reverted` had landed and was taken back.
 */
export type PatchSetStatus = 'stored' | 'evidence' | 'asked' | 'refused' | 'candidate' | 'landed' | 'stale' | 'conflict' | 'reverted'

/** A stored patch set. Exactly one of `body` and `objectKey` says where the set itself is. */
export interface PatchSetRecord {
	patchSetId: string
	/** Null where no agent made the set. */
	executionId: string | null
	taskId: string | null
	orderId: string | null
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
	/** Where it is to land. */
	workspaceId: string | null
	branch: string | null
	landedCommit: string | null
	landedAt: number | null
	/** The set that this one takes back. */
	reverts: string | null
	createdAt: number
}

function toRecord(row: Selectable<Schema['patch_sets']>): PatchSetRecord {
	return {
		patchSetId: row.patch_set_id,
		executionId: row.execution_id || null,
		taskId: row.task_uuid || null,
		orderId: row.order_id || null,
		baseCommit: row.base_commit,
		body: row.body,
		objectKey: row.object_key,
		sha256: row.sha256,
		sizeBytes: row.size_bytes,
		fileCount: row.file_count,
		patchCount: row.patch_count,
		status: row.status as PatchSetStatus,
		error: row.error,
		workspaceId: row.workspace_id,
		branch: row.branch,
		landedCommit: row.landed_commit,
		landedAt: row.landed_at,
		reverts: row.reverts,
		createdAt: row.created_at,
	}
}

/** A repeat with the same content changes nothing; other content under the same id fails the whole batch (NOT NULL on sha256). */
export function insertPatchSet(record: PatchSetRecord, origin: Origin): Statement {
	return sql
		.insertInto('patch_sets')
		.values({
			patch_set_id: record.patchSetId,
			execution_id: record.executionId ?? '',
			task_uuid: record.taskId ?? '',
			order_id: record.orderId ?? '',
			base_commit: record.baseCommit,
			body: record.body,
			object_key: record.objectKey,
			sha256: record.sha256,
			size_bytes: record.sizeBytes,
			file_count: record.fileCount,
			patch_count: record.patchCount,
			status: record.status,
			error: record.error,
			workspace_id: record.workspaceId,
			branch: record.branch,
			reverts: record.reverts,
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
	const query = sql.selectFrom('ai_provider_executions').select(['order_id', 'task_uuid', 'workspace_id', 'input']).where('execution_id', '=', executionId)
	const row = await db.first(query)
	return row && { orderId: row.order_id, taskId: row.task_uuid, workspaceId: row.workspace_id, branch: (JSON.parse(row.input) as { branch?: string }).branch ?? null }
}

/** Sets newest first. `before` is the place where the page before ended. */
export function patchSetsQuery(page: { workspaceId?: string | undefined; orderId?: string | undefined; before?: [number, string] | undefined; limit: number }) {
	const { workspaceId, orderId, before, limit } = page
	let query = sql.selectFrom('patch_sets').selectAll().orderBy('created_at', 'desc').orderBy('patch_set_id', 'desc').limit(limit)
	if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
	if (orderId !== undefined) query = query.where('order_id', '=', orderId)
	if (before) {
		const [at, id] = before
		query = query.where((where) => where.or([where('created_at', '<', at), where.and([where('created_at', '=', at), where('patch_set_id', '<', id)])]))
	}
	return query
}

export async function listPatchSets(db: Database, page: Parameters<typeof patchSetsQuery>[0]): Promise<PatchSetRecord[]> {
	return (await db.all(patchSetsQuery(page))).map(toRecord)
}

export interface PatchSetChange {
	patchSetId: string
	status: PatchSetStatus
	error: string | null
	/** Only where the set has landed. */
	landedCommit?: string | undefined
	at: number
}

/** Moves a set on. What has landed stays landed until it is taken back, whatever a repeated step says later. */
export function changePatchSet({ patchSetId, status, error, landedCommit, at }: PatchSetChange): Statement {
	const change = sql
		.updateTable('patch_sets')
		.set({ status, error, updated_at: at, ...(landedCommit === undefined ? {} : { landed_commit: landedCommit, landed_at: at }) })
		.where('patch_set_id', '=', patchSetId)
	return status === 'reverted' || landedCommit !== undefined ? change : change.where('status', '!=', 'landed')
}
