import { WorkspaceId } from '@shared/contracts'
import type { CollisionKind, CollisionView, LineSpan } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import { chunksBySize } from '../chunks.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

/** A collision as it is foreseen now. */
export interface NewCollision {
	workspaceId: string
	/** The subject that was there first, and the other. */
	first: string
	second: string
	path: string
	kind: CollisionKind
	ranges: readonly LineSpan[]
	isCertain: boolean
	answer: CollisionView['answer']
}

interface Writer {
	workerName: string
	at: number
}

// As many as fit in one bound value of 2 MB, whatever their paths.
const CHUNK = 25

const chunksOf = <Item>(items: readonly Item[]) => chunksBySize(items, CHUNK, () => 1).map((chunk) => JSON.stringify(chunk))
const itemsOf = (json: string) => raw<{ value: string }>`json_each(${json})`.as('item')
const field = <T>(name: string) => raw<T>`item.value ->> ${raw.lit(name)}`

/** Stores each pair and path once, and returns the rows. What is known already is brought up to date; who was told to wait stays told. */
function upsertCollisions(collisions: readonly NewCollision[], { workerName, at }: Writer): Statement[] {
	return chunksOf(collisions).map((json) =>
		sql
			.insertInto('patch_collisions')
			.columns(['workspace_id', 'first_subject', 'second_subject', 'path', 'kind', 'ranges', 'is_certain', 'answer', 'worker_name', 'created_at', 'updated_at'])
			.expression(
				sql
					.selectFrom(itemsOf(json))
					.select([
						field<string>('workspaceId').as('workspace_id'),
						field<string>('first').as('first_subject'),
						field<string>('second').as('second_subject'),
						field<string>('path').as('path'),
						field<string>('kind').as('kind'),
						raw<string>`item.value -> 'ranges'`.as('ranges'),
						field<number>('isCertain').as('is_certain'),
						field<string>('answer').as('answer'),
						raw<string>`${workerName}`.as('worker_name'),
						raw<number>`${at}`.as('created_at'),
						raw<number>`${at}`.as('updated_at'),
					])
					// SQLite takes ON CONFLICT behind a SELECT for a join unless a WHERE stands between.
					.where(raw<boolean>`true`),
			)
			.onConflict((conflict) =>
				conflict.columns(['first_subject', 'second_subject', 'path']).doUpdateSet(({ ref }) => ({
					kind: ref('excluded.kind'),
					ranges: ref('excluded.ranges'),
					is_certain: ref('excluded.is_certain'),
					answer: raw<string>`case when patch_collisions.answer = 'ordered' then 'ordered' else excluded.answer end`,
					updated_at: at,
				})),
			)
			.returningAll(),
	)
}

/** One line for each execution of a collision, the first time only. Batches of patches have no trail of this kind. */
function logCollisions(collisions: readonly NewCollision[], { workerName, at }: Writer): Statement[] {
	const lines = collisions.flatMap(({ first, second, path, kind, ranges, isCertain }) => {
		const line = { level: kind === 'mentioned' ? 'info' : 'warn', key: `${first} ${second} ${path}` }
		const details = { path, kind, ranges: ranges.slice(0, 20), isCertain }
		return [{ ...line, executionId: first, details: { with: second, ...details } }, { ...line, executionId: second, details: { with: first, ...details } }]
	})
	return chunksOf(lines).map((json) =>
		sql
			.insertInto('operation_logs')
			.columns(['source', 'operation', 'level', 'order_id', 'task_uuid', 'execution_id', 'details', 'trace_id', 'worker_name', 'created_at', 'updated_at'])
			.expression(
				sql
					.selectFrom(itemsOf(json))
					.innerJoin('ai_provider_executions as execution', (join) => join.on('execution.execution_id', '=', field<string>('executionId')))
					.select([
						raw<string>`'orchestrator.collisions'`.as('source'),
						raw<string>`'collision.foreseen'`.as('operation'),
						field<string>('level').as('level'),
						'execution.order_id',
						'execution.task_uuid',
						'execution.execution_id',
						raw<string>`item.value -> 'details'`.as('details'),
						field<string>('key').as('trace_id'),
						raw<string>`${workerName}`.as('worker_name'),
						raw<number>`${at}`.as('created_at'),
						raw<number>`${at}`.as('updated_at'),
					])
					.where(raw<boolean>`true`),
			)
			.onConflict((conflict) => conflict.doNothing()),
	)
}

type CollisionRow = Selectable<Schema['patch_collisions']>

function toView(row: CollisionRow, isOpen: boolean): CollisionView {
	return {
		workspaceId: WorkspaceId.parse(row.workspace_id),
		subjectIds: [row.first_subject, row.second_subject],
		path: row.path,
		kind: row.kind as CollisionKind,
		ranges: JSON.parse(row.ranges) as LineSpan[],
		isCertain: row.is_certain === 1,
		answer: row.answer as CollisionView['answer'],
		isOpen,
		foreseenAt: row.created_at,
	}
}

/** Stores collisions with their lines in the log, all or nothing, and returns what is known of them now. */
export async function saveCollisions(db: Database, collisions: readonly NewCollision[], writer: Writer): Promise<CollisionView[]> {
	const writes = upsertCollisions(collisions, writer)
	const results = await db.batch([...writes, ...logCollisions(collisions, writer)])
	return results.slice(0, writes.length).flatMap((rows) => (rows as CollisionRow[]).map((row) => toView(row, true)))
}

interface CollisionFilter {
	workspaceId?: string | undefined
	subjectId?: string | undefined
	/** The last id of the page before. */
	before?: number | undefined
	limit: number
}

/** Collisions of a workspace or of a subject, newest first. A subject works in one workspace, whose index serves both. */
export function collisionsQuery({ workspaceId, subjectId, before, limit }: CollisionFilter) {
	const open = (subject: 'first_subject' | 'second_subject') =>
		raw<number>`exists (select 1 from patch_footprints where subject_id = ${raw.ref(subject)} and is_open = 1)`
	let query = sql
		.selectFrom('patch_collisions')
		.selectAll('patch_collisions')
		.select(raw<number>`${open('first_subject')} and ${open('second_subject')}`.as('is_open'))
		.orderBy('id', 'desc')
		.limit(limit)
	if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
	if (before !== undefined) query = query.where('id', '<', before)
	if (subjectId === undefined) return query
	const ofSubject = query.where((where) => where.or([where('first_subject', '=', subjectId), where('second_subject', '=', subjectId)]))
	if (workspaceId !== undefined) return ofSubject
	return ofSubject.where('workspace_id', '=', (select) => select.selectFrom('patch_footprints').select('workspace_id').where('subject_id', '=', subjectId).limit(1))
}

/** With the id of each row, for the next page. */
export async function listCollisions(db: Database, filter: CollisionFilter): Promise<{ id: number; view: CollisionView }[]> {
	return (await db.all(collisionsQuery(filter))).map((row) => ({ id: row.id, view: toView(row, row.is_open === 1) }))
}
