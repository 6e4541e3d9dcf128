import { env } from 'cloudflare:workers'
import { WorkspaceId, WorkspacePolicy } from '@shared/contracts'
import { expect, it } from 'vitest'
import { createDatabase } from '../client.ts'
import { findWorkspace, insertWorkspace, listWorkspaces, workspaceQuery, workspacesQuery } from './workspaces.ts'

const db = createDatabase(env.DB)
const workspace = { workspaceId: WorkspaceId.parse('wsp-000000000001'), kind: 'hosted' as const, repository: 'r', defaultBranch: 'main', importUrl: null, createdAt: 1 }

it('keeps the first of two workspaces with one id', async () => {
	await db.batch([insertWorkspace(workspace, { workerName: 'w' }), insertWorkspace({ ...workspace, repository: 'other' }, { workerName: 'w' })])
	expect(await findWorkspace(db, workspace.workspaceId)).toEqual({ ...workspace, policy: WorkspacePolicy.parse({}), workerName: 'w' })
	expect(await listWorkspaces(db, { limit: 10 })).toEqual([{ ...workspace, policy: WorkspacePolicy.parse({}), workerName: 'w' }])
	expect(await listWorkspaces(db, { after: workspace.workspaceId, limit: 10 })).toEqual([])
})

it.each([workspaceQuery('wsp'), workspacesQuery({ after: 'wsp', limit: 10 })])('finds workspaces by the index of their ids', async (query) => {
	const { sql: text, parameters } = query.compile()
	const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`).bind(...parameters).all<{ detail: string }>()
	expect(results.map(({ detail }) => detail).join('; ')).toMatch(/^SEARCH workspaces USING INDEX sqlite_autoindex_workspaces_1/)
})
