import { AppError, WorkspaceId } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { findWorkspace, insertWorkspace } from '../../database/repositories/workspaces.ts'
import type { Workspace } from '../../database/repositories/workspaces.ts'
import type { GitStore } from '../git/gitStore.ts'
import type { GitRemote, RemoteScope } from '../git/smartHTTP.ts'
import type { GitHubCredentials } from '../github/githubCredentials.ts'
import { parseGitHubRepo, repoName } from '../github/githubRepo.ts'
import { createGitHubStore } from '../github/githubStore.ts'
import { checkRepository } from '../github/repoCheck.ts'
import type { Origin } from '../origin.ts'
import { sha256Of } from '../sha256.ts'
import { memoryOf } from './remotes.ts'
import type { RemoteCache } from './remotes.ts'

export interface GitHubWorkspacesDeps {
	db: Database
	now: () => number
	credentials: GitHubCredentials
	remoteCache: RemoteCache
}

/** Branches of GitHub repositories as workspaces: orders start from the branch, and pull requests go to it. */
export function createGitHubWorkspaces({ db, now, credentials, remoteCache }: GitHubWorkspacesDeps) {
	/**
	 * The workspace of a repository, a branch and a Worker. Before it is made, GitHub is asked whether both are there and whether we may write.
	 * Throws INVALID_INPUT, NOT_CONFIGURED, FORBIDDEN naming the permission that lacks, WORKSPACE_NOT_FOUND, RATE_LIMITED, GIT_UPSTREAM.
	 */
	async function open({ repo, branch }: { repo: string; branch: string }, origin: Origin): Promise<Workspace> {
		const place = parseGitHubRepo(repo)
		// The id is made of what there may be one of, so two orders at once make one workspace.
		const name = `github ${repoName(place).toLowerCase()} ${branch} ${origin.workerName}`
		const workspaceId = WorkspaceId.parse(`wsp-${(await sha256Of(name)).slice(0, 12)}`)
		const known = await findWorkspace(db, workspaceId)
		if (known !== undefined) return checked(known, { repo, branch })
		const repository = await checkRepository(credentials.clientFor(place, 'write'), place, branch)
		const at = now()
		const workspace = { workspaceId, kind: 'github' as const, repository, defaultBranch: branch, importUrl: null, createdAt: at }
		await db.batch([
			insertWorkspace(workspace, origin),
			appendLog({ source: 'orchestrator.workspaces', operation: 'workspace.created', details: { workspaceId, repository, defaultBranch: branch }, workerName: origin.workerName, containerName: origin.containerName, at }),
		])
		const made = await findWorkspace(db, workspaceId)
		if (made === undefined) throw new AppError('INTERNAL', `Workspace ${workspaceId} was written and is not there.`)
		return checked(made, { repo, branch })
	}

	return {
		open,

		/** For reading only: what lands on GitHub goes through landing, which proves it and keeps workflows out. Throws GIT_READ_ONLY. */
		async remoteOf(repository: string, scope: RemoteScope, options?: { isFresh?: boolean }): Promise<GitRemote> {
			if (scope === 'write') throw new AppError('GIT_READ_ONLY', `The workspace is ${repository} on GitHub, which is only read through this address. Push to GitHub itself.`)
			return credentials.remoteOf(parseGitHubRepo(repository), 'read', options)
		},

		storeOf(repository: string): GitStore {
			const place = parseGitHubRepo(repository)
			return createGitHubStore({ client: credentials.clientFor(place, 'write'), place, memory: memoryOf(remoteCache, repository) })
		},
	}
}
export type GitHubWorkspaces = ReturnType<typeof createGitHubWorkspaces>

/** An id is cut short, so what it stands for is looked at: nothing may land in another repository than the order names. */
function checked(workspace: Workspace, { repo, branch }: { repo: string; branch: string }): Workspace {
	const isSame = workspace.kind === 'github' && workspace.repository.toLowerCase() === repo.toLowerCase() && workspace.defaultBranch === branch
	if (isSame) return workspace
	throw new AppError('WORKSPACE_UNSUPPORTED', `The id of the workspace for ${repo} at ${branch} is taken by ${workspace.repository}. Use another branch.`)
}
