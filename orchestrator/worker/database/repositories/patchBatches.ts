import type { BatchStatus, Failure } from '@shared/contracts'
import type { Selectable } from 'kysely'
import type { Candidate } from '../../services/patch-manager/patchProcessor.ts'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** What a batch was asked to do; fixed when it is made. */
export interface BatchInput {
	validate: string[]
	message: string
	/** Lets the candidate go again once it is validated. */
	validateOnly: boolean
	requester: string | null
	reason: string | null
}

/** A request to land a set without an agent. */
export interface Batch {
	batchId: string
	kind: 'apply' | 'reapply' | 'revert'
	patchSetId: string
	workspaceId: string
	branch: string
	orderId: string | null
	requestHash: string
	input: BatchInput
	status: BatchStatus
	candidate: Candidate | null
	commit: string | null
	error: Failure | null
	workerName: string
	createdAt: number
	completedAt: number | null
}

function toBatch(row: Selectable<Schema['patch_batches']>): Batch {
	return {
		batchId: row.batch_id,
		kind: row.kind as Batch['kind'],
		patchSetId: row.patch_set_id,
		workspaceId: row.workspace_id,
		branch: row.branch,
		orderId: row.order_id,
		requestHash: row.request_hash,
		input: JSON.parse(row.input) as BatchInput,
		status: row.status as BatchStatus,
		candidate: row.candidate === null ? null : (JSON.parse(row.candidate) as Candidate),
		commit: row.commit_id,
		error: row.error === null ? null : (JSON.parse(row.error) as Failure),
		workerName: row.worker_name,
		createdAt: row.created_at,
		completedAt: row.completed_at,
	}
}

export type NewBatch = Pick<Batch, 'batchId' | 'kind' | 'patchSetId' | 'workspaceId' | 'branch' | 'orderId' | 'requestHash' | 'input'>

/** Fails its batch (UNIQUE) when the id is taken. */
export function insertBatch(batch: NewBatch, { origin, at }: { origin: Origin; at: number }): Statement {
	return sql.insertInto('patch_batches').values({
		batch_id: batch.batchId,
		kind: batch.kind,
		patch_set_id: batch.patchSetId,
		workspace_id: batch.workspaceId,
		branch: batch.branch,
		order_id: batch.orderId,
		request_hash: batch.requestHash,
		input: JSON.stringify(batch.input),
		status: 'pending',
		seen_at: at,
		worker_name: origin.workerName,
		container_name: origin.containerName ?? null,
		created_at: at,
		updated_at: at,
	})
}

export async function findBatch(db: Database, batchId: string): Promise<Batch | undefined> {
	const row = await db.first(sql.selectFrom('patch_batches').selectAll().where('batch_id', '=', batchId))
	return row && toBatch(row)
}

/** Notes a candidate, or only that somebody looks after the batch; a closed batch stays as it is. */
export function touchBatch({ batchId, candidate, at }: { batchId: string; candidate?: Candidate; at: number }): Statement {
	return sql
		.updateTable('patch_batches')
		.set({ seen_at: at, updated_at: at, ...(candidate ? { candidate: JSON.stringify(candidate) } : {}) })
		.where('batch_id', '=', batchId)
		.where('completed_at', 'is', null)
}

export function closeBatch(end: { batchId: string; status: BatchStatus; commit: string | null; error: Failure | null; at: number }): Statement {
	return sql
		.updateTable('patch_batches')
		.set({ status: end.status, commit_id: end.commit, error: end.error && JSON.stringify(end.error), completed_at: end.at, seen_at: end.at, updated_at: end.at })
		.where('batch_id', '=', end.batchId)
		.where('completed_at', 'is', null)
}

/** Open batches that nobody has touched since `before`, the longest forgotten first. */
export const forgottenBatchesQuery = (before: number, limit: number) =>
	sql.selectFrom('patch_batches').selectAll().where('completed_at', 'is', null).where('seen_at', '<', before).orderBy('seen_at').orderBy('batch_id').limit(limit)

export async function forgottenBatches(db: Database, before: number, limit: number): Promise<Batch[]> {
	return (await db.all(forgottenBatchesQuery(before, limit))).map(toBatch)
}
