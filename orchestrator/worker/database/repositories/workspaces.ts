import { WorkspaceId, WorkspacePolicy } from '@shared/contracts'
import { sql as raw } from 'kysely'
import type { Selectable } from 'kysely'
import type { Origin } from '../../services/origin.ts'
import { sql } from '../client.ts'
import type { Database, Schema, Statement } from '../client.ts'

export interface Workspace {
	workspaceId: WorkspaceId
	kind: 'hosted' | 'github'
	/** Repository name in Artifacts, or owner/name on GitHub. */
	repository: string
	defaultBranch: string
	importUrl: string | null
	policy: WorkspacePolicy
	/** Who made it. */
	workerName: string
	createdAt: number
}

/** What a workspace lets land; the defaults where nobody has said. */
export const policyOf = ({ policy }: Pick<Selectable<Schema['workspaces']>, 'policy'>): WorkspacePolicy => WorkspacePolicy.parse(policy === null ? {} : JSON.parse(policy))

function toWorkspace(row: Selectable<Schema['workspaces']>): Workspace {
	return {
		workspaceId: WorkspaceId.parse(row.id),
		kind: row.kind as Workspace['kind'],
		repository: row.repository,
		defaultBranch: row.default_branch,
		importUrl: row.import_url,
		policy: policyOf(row),
		workerName: row.worker_name,
		createdAt: row.created_at,
	}
}

/** A workspace that is there already stays as it is. */
export function insertWorkspace(workspace: Omit<Workspace, 'policy' | 'workerName'>, origin: Origin): Statement {
	return sql
		.insertInto('workspaces')
		.values({
			id: workspace.workspaceId,
			kind: workspace.kind,
			repository: workspace.repository,
			default_branch: workspace.defaultBranch,
			import_url: workspace.importUrl,
			worker_name: origin.workerName,
			container_name: origin.containerName ?? null,
			created_at: workspace.createdAt,
			updated_at: workspace.createdAt,
		})
		.onConflict((conflict) => conflict.doNothing())
}

export function changePolicy({ workspaceId, policy, at }: { workspaceId: string; policy: WorkspacePolicy; at: number }): Statement {
	return sql.updateTable('workspaces').set({ policy: JSON.stringify(policy), updated_at: at }).where('id', '=', workspaceId)
}

export const workspaceQuery = (workspaceId: string) => sql.selectFrom('workspaces').selectAll().where('id', '=', workspaceId)

export async function findWorkspace(db: Database, workspaceId: string): Promise<Workspace | undefined> {
	const row = await db.first(workspaceQuery(workspaceId))
	return row && toWorkspace(row)
}

/** Workspaces by id; `after` is the last id of the page before. */
export function workspacesQuery({ after, limit }: { after?: string | undefined; limit: number }) {
	const query = sql.selectFrom('workspaces').selectAll().orderBy('id').limit(limit)
	return after === undefined ? query : query.where('id', '>', after)
}

export async function listWorkspaces(db: Database, page: Parameters<typeof workspacesQuery>[0]): Promise<Workspace[]> {
	return (await db.all(workspacesQuery(page))).map(toWorkspace)
}

/** Workspaces of a branch on GitHub, of whichever Worker. */
export async function workspacesOfBranch(db: Database, { repository, branch }: { repository: string; branch: string }): Promise<WorkspaceId[]> {
	const rows = await db.all(sql.selectFrom('workspaces').select('id').where('kind', '=', 'github').where(raw<string>`lower(repository)`, '=', repository.toLowerCase()).where('default_branch', '=', branch).orderBy('id').limit(50))
	return rows.map(({ id }) => WorkspaceId.parse(id))
}
