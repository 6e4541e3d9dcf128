import type { LineSpan } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** Where a footprint is known from: the less exact before the more exact. A subject has open footprints of one source only. */
const SOURCES = ['guessed', 'declared', 'observed', 'patch-set'] as const
export type FootprintSource = (typeof SOURCES)[number]

/** A piece of work in flight: an execution, or a batch of patches. */
export interface Subject {
	subjectId: string
	workspaceId: string
	branch: string
	/** Null as long as nobody knows what it will start from. */
	baseCommit: string | null
}

export interface OpenFootprint extends Subject {
	source: FootprintSource
	path: string
	/** Lines of the base; none stand for the whole file. */
	ranges: LineSpan[]
	/** When the subject was first seen; the same in all its footprints, for ever. */
	since: number
}

interface FootprintsWrite {
	subject: Subject
	source: FootprintSource
	footprints: readonly { path: string; ranges: readonly LineSpan[] }[]
	workerName: string
	at: number
}

// One bound value holds a chunk as JSON: a statement takes 100 values, and a value 2 MB, which so many of the longest paths fill.
const CHUNK = 25

/**
 * Puts footprints in the place of those that the subject has from this source and from less exact ones. Changes nothing where a
 * more exact source has spoken, or where the subject has ended: reports come late.
 */
export function writeFootprints(write: FootprintsWrite): Statement[] {
	const { subject, source, footprints, at } = write
	const rank = SOURCES.indexOf(source)
	// Nothing touched so far does not say that nothing will be; only a set is the whole truth.
	const replaced = footprints.length === 0 && source !== 'patch-set' ? [source] : SOURCES.slice(0, rank + 1)
	const statements: Statement[] = [
		sql.updateTable('patch_footprints').set({ is_open: 0, updated_at: at }).where('subject_id', '=', subject.subjectId).where('source', 'in', replaced).where('is_open', '=', 1),
	]
	for (let from = 0; from < footprints.length; from += CHUNK) {
		statements.push(insertFootprints(write, footprints.slice(from, from + CHUNK), SOURCES.slice(rank + 1)))
	}
	return statements
}

function insertFootprints({ subject, source, workerName, at }: FootprintsWrite, chunk: FootprintsWrite['footprints'], moreExact: readonly FootprintSource[]): Statement {
	const { subjectId } = subject
	const since = raw<number>`coalesce(
		(select min(created_at) from patch_footprints where subject_id = ${subjectId}),
		(select created_at from ai_provider_executions where execution_id = ${subjectId}),
		(select created_at from patch_batches where batch_id = ${subjectId}),
		${at})`
	const rows = sql
		.selectFrom(raw<{ value: string }>`json_each(${JSON.stringify(chunk)})`.as('item'))
		.select([
			raw<string>`${subjectId}`.as('subject_id'),
			raw<string>`${subject.workspaceId}`.as('workspace_id'),
			raw<string>`${subject.branch}`.as('branch'),
			raw<string | null>`${subject.baseCommit}`.as('base_commit'),
			raw<string>`${source}`.as('source'),
			raw<string>`item.value ->> 'path'`.as('path'),
			raw<string>`item.value -> 'ranges'`.as('ranges'),
			raw<string>`${workerName}`.as('worker_name'),
			since.as('created_at'),
			raw<number>`${at}`.as('updated_at'),
		])
		.where(({ not, exists, selectFrom }) => not(exists(selectFrom('patch_footprints').select('id').where('subject_id', '=', subjectId).where('source', 'in', moreExact).where('is_open', '=', 1))))
		.where(({ not, exists, selectFrom }) => not(exists(selectFrom('ai_provider_executions').select('execution_id').where('execution_id', '=', subjectId).where('completed_at', 'is not', null))))
		.where(({ not, exists, selectFrom }) => not(exists(selectFrom('patch_batches').select('batch_id').where('batch_id', '=', subjectId).where('completed_at', 'is not', null))))
	return sql
		.insertInto('patch_footprints')
		.columns(['subject_id', 'workspace_id', 'branch', 'base_commit', 'source', 'path', 'ranges', 'worker_name', 'created_at', 'updated_at'])
		.expression(rows)
		.onConflict((conflict) =>
			conflict.columns(['subject_id', 'source', 'path']).doUpdateSet(({ ref }) => ({
				branch: ref('excluded.branch'),
				base_commit: ref('excluded.base_commit'),
				ranges: ref('excluded.ranges'),
				is_open: 1,
				updated_at: at,
			})),
		)
}

/** The work has ended: its footprints are in nobody's way any more. Batch it with the settlement. */
export function closeFootprints({ subjectId, at }: { subjectId: string; at: number }): Statement {
	return sql.updateTable('patch_footprints').set({ is_open: 0, updated_at: at }).where('subject_id', '=', subjectId).where('is_open', '=', 1)
}

export const footprintsQuery = (subjectId: string) => sql.selectFrom('patch_footprints as own').selectAll().where('own.subject_id', '=', subjectId).where('own.is_open', '=', raw.lit(1))

/**
 * Open footprints of others on the files that a subject touches. Work that has ended is none, even where nobody closed it. The
 * literal 1 lets the partial index serve.
 */
export const rivalsQuery = (subjectId: string, limit: number) =>
	sql
		.selectFrom('patch_footprints as own')
		.innerJoin('patch_footprints as rival', (join) =>
			join.onRef('rival.workspace_id', '=', 'own.workspace_id').onRef('rival.path', '=', 'own.path').onRef('rival.subject_id', '!=', 'own.subject_id').on('rival.is_open', '=', raw.lit(1)),
		)
		.leftJoin('ai_provider_executions as execution', 'execution.execution_id', 'rival.subject_id')
		.leftJoin('patch_batches as batch', 'batch.batch_id', 'rival.subject_id')
		.selectAll('rival')
		.where('own.subject_id', '=', subjectId)
		.where('own.is_open', '=', raw.lit(1))
		.where('execution.completed_at', 'is', null)
		.where('batch.completed_at', 'is', null)
		.limit(limit)

function toFootprint(row: Selectable<Schema['patch_footprints']>): OpenFootprint {
	return {
		subjectId: row.subject_id,
		workspaceId: row.workspace_id,
		branch: row.branch,
		baseCommit: row.base_commit,
		source: row.source as FootprintSource,
		path: row.path,
		ranges: JSON.parse(row.ranges) as LineSpan[],
		since: row.created_at,
	}
}

/** What a subject touches as far as is known now. */
export async function openFootprints(db: Database, subjectId: string): Promise<OpenFootprint[]> {
	return (await db.all(footprintsQuery(subjectId))).map(toFootprint)
}

export async function rivalFootprints(db: Database, subjectId: string, limit: number): Promise<OpenFootprint[]> {
	return (await db.all(rivalsQuery(subjectId, limit))).map(toFootprint)
}
