import { sql as raw } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Statement } from '../client.ts'

/** What a landing does to one file of a branch. */
export interface LandedFileRow {
	path: string
	from: string | null
	landing: 'applied' | 'merged'
	/** Blobs on the branch before and after; null where there was, or is, no file. */
	oldBlob: string | null
	newBlob: string | null
}

export interface LandedFiles {
	patchSetId: string
	workspaceId: string
	branch: string
	commit: string
	files: readonly LandedFileRow[]
	origin: Origin
	at: number
}

/** One statement however many files there are: their rows travel as one JSON parameter. They count as soon as their commit has landed. */
export function insertLandedFiles({ files, origin, at, ...landing }: LandedFiles): Statement {
	const rows = raw<{ value: string }>`json_each(${JSON.stringify(files)})`
	const field = (name: string) => raw<string>`json_extract(file.value, ${`$.${name}`})`
	return sql
		.insertInto('patch_landed_files')
		.columns(['patch_set_id', 'workspace_id', 'branch', 'commit_id', 'path', 'from_path', 'landing', 'old_blob', 'new_blob', 'worker_name', 'container_name', 'created_at', 'updated_at'])
		.expression(
			sql
				.selectFrom(rows.as<'file'>(raw`file`))
				.select([
					raw<string>`${landing.patchSetId}`.as('patch_set_id'),
					raw<string>`${landing.workspaceId}`.as('workspace_id'),
					raw<string>`${landing.branch}`.as('branch'),
					raw<string>`${landing.commit}`.as('commit_id'),
					field('path').as('path'),
					field('from').as('from_path'),
					field('landing').as('landing'),
					field('oldBlob').as('old_blob'),
					field('newBlob').as('new_blob'),
					raw<string>`${origin.workerName}`.as('worker_name'),
					raw<string | null>`${origin.containerName ?? null}`.as('container_name'),
					raw<number>`${at}`.as('created_at'),
					raw<number>`${at}`.as('updated_at'),
				])
				// Without a condition SQLite would read "on conflict" as a join.
				.where(raw<boolean>`true`),
		)
		.onConflict((conflict) => conflict.doNothing())
}

/** Landings of one path on one branch that did happen, oldest first. */
export const landingsOfPathQuery = ({ workspaceId, branch, path, limit }: { workspaceId: string; branch: string; path: string; limit: number }) =>
	sql
		.selectFrom('patch_landed_files as file')
		.innerJoin('patch_sets as set', 'set.patch_set_id', 'file.patch_set_id')
		.select(['file.id', 'file.patch_set_id', 'file.commit_id', 'file.from_path', 'file.old_blob', 'file.new_blob', 'set.execution_id', 'set.order_id'])
		.where('file.workspace_id', '=', workspaceId)
		.where('file.path', '=', path)
		.where('file.branch', '=', branch)
		.where((where) =>
			where.or([
				where('set.landed_commit', '=', where.ref('file.commit_id')),
				raw<boolean>`exists (select 1 from patch_batches as batch where batch.patch_set_id = file.patch_set_id and batch.commit_id = file.commit_id and batch.status = 'landed')`,
			]),
		)
		.orderBy('file.id', 'desc')
		.limit(limit)

export async function landingsOfPath(db: Database, place: Parameters<typeof landingsOfPathQuery>[0]) {
	const rows = await db.all(landingsOfPathQuery(place))
	return rows.toReversed().map((row) => ({
		id: row.id,
		patchSetId: row.patch_set_id,
		commit: row.commit_id,
		from: row.from_path,
		oldBlob: row.old_blob,
		newBlob: row.new_blob,
		executionId: row.execution_id || null,
		orderId: row.order_id || null,
	}))
}
