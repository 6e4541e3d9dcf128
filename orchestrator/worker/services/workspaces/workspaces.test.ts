import { env } from 'cloudflare:workers'
import type { WorkspaceId } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../../database/client.ts'
import { insertWorkspace } from '../../database/repositories/workspaces.ts'
import { createGitHubCredentials, createGitHubTokenCache } from '../github/githubCredentials.ts'
import { createIds } from '../ids.ts'
import { createRemoteCache } from './remotes.ts'
import { createWorkspaces } from './workspaces.ts'

const db = createDatabase(env.DB)
const ids = createIds((length) => crypto.getRandomValues(new Uint8Array(length)))
// No repository is reached by what is asked here.
const now = () => 1
const credentials = createGitHubCredentials({ cache: createGitHubTokenCache(), fetch, now })
const workspaces = createWorkspaces({ db, artifacts: {} as Artifacts, now, ids, fetch, remoteCache: createRemoteCache(), credentials })

async function add(kind: 'hosted' | 'github', repository: string): Promise<WorkspaceId> {
	const workspaceId = ids.workspace()
	await db.run(insertWorkspace({ workspaceId, kind, repository, defaultBranch: 'develop', importUrl: null, createdAt: 1 }, { workerName: 'w' }))
	return workspaceId
}

describe('where a workspace is on GitHub', () => {
	it('is its repository and the branch that orders start from', async () => {
		expect(await workspaces.githubOf(await add('github', 'acme/shop'))).toEqual({ owner: 'acme', repo: 'shop', branch: 'develop' })
	})

	it('is nowhere for a hosted one, and nothing for one that there is not', async () => {
		expect(await workspaces.githubOf(await add('hosted', 'wsp-1'))).toBeNull()
		await expect(workspaces.githubOf('wsp-000000000000')).rejects.toMatchObject({ code: 'WORKSPACE_NOT_FOUND' })
	})

	it('is not looked at for files', async () => {
		expect(await workspaces.isEmpty(await add('github', 'acme/shop'), 'main')).toBe(false)
	})
})
