import { AppError } from '@shared/contracts'
import type { Page, PageRequest, WorkspaceId, WorkspacePolicy, WorkspaceView } from '@shared/contracts'
import type { Database } from '../../database/client.ts'
import { appendLog } from '../../database/repositories/operationLogs.ts'
import { changePolicy, findWorkspace, insertWorkspace, listWorkspaces } from '../../database/repositories/workspaces.ts'
import type { Workspace } from '../../database/repositories/workspaces.ts'
import { createArtifactsStore } from '../git/artifactsStore.ts'
import type { GitStore } from '../git/gitStore.ts'
import { hostCode, importFailure, openFailure } from '../git/hostErrors.ts'
import { makeCommit, makeTree } from '../git/objects.ts'
import type { GitRemote, RemoteScope } from '../git/smartHTTP.ts'
import type { GitHubCredentials } from '../github/githubCredentials.ts'
import { parseGitHubRepo } from '../github/githubRepo.ts'
import type { GitHubRepo } from '../github/githubRepo.ts'
import type { Ids } from '../ids.ts'
import type { Origin } from '../origin.ts'
import { createGitHubWorkspaces } from './githubWorkspaces.ts'
import { createRemotes, memoryOf } from './remotes.ts'
import type { RemoteCache } from './remotes.ts'

export interface WorkspacesDeps {
	db: Database
	artifacts: Artifacts
	now: () => number
	ids: Pick<Ids, 'workspace'>
	fetch: typeof fetch
	/** What this isolate remembers: give every request the same one. */
	remoteCache: RemoteCache
	credentials: GitHubCredentials
}

export interface NewWorkspace {
	importUrl?: string | undefined
	/** Given by a caller who may have to repeat the call: the same id makes one workspace. */
	workspaceId?: WorkspaceId | undefined
}

const FIRST_BRANCH = 'main'
const AUTHOR = { name: 'VibeHQ', email: 'factory@vibehq.invalid' }
const DEFAULT_PAGE = 50
const MAX_PAGE = 200

/** Git repositories that orders work in: hosted on Cloudflare Artifacts, or on GitHub. */
export function createWorkspaces({ db, artifacts, now, ids, fetch, remoteCache, credentials }: WorkspacesDeps) {
	const gitHub = createGitHubWorkspaces({ db, now, credentials, remoteCache })
	const openRepo = async (repository: string) => {
		try {
			return await artifacts.get(repository)
		} catch (error) {
			throw openFailure(error, repository)
		}
	}
	const remoteOf = createRemotes({ openRepo, cache: remoteCache, now })
	const storeOf = (repository: string): GitStore =>
		createArtifactsStore({
			openRepo: () => openRepo(repository),
			remote: (scope, options) => remoteOf(repository, scope, options),
			memory: memoryOf(remoteCache, repository),
			fetch,
		})

	async function mustFind(workspaceId: string): Promise<Workspace> {
		const workspace = await findWorkspace(db, workspaceId)
		if (workspace === undefined) throw new AppError('WORKSPACE_NOT_FOUND', `There is no workspace ${workspaceId.slice(0, 60)}. Create one with POST /api/workspaces.`)
		return workspace
	}

	/**
	 * Makes a hosted repository, empty or imported, and sees to it that its default branch has a commit to work from.
	 * Throws INVALID_INPUT for an import URL that cannot be right, WORKSPACE_IMPORT_FAILED, GIT_UPSTREAM.
	 */
	async function create({ importUrl, workspaceId = ids.workspace() }: NewWorkspace, origin: Origin): Promise<WorkspaceView> {
		const known = await findWorkspace(db, workspaceId)
		if (known !== undefined) return toView(known)
		const source = importUrl === undefined ? null : checkImportURL(importUrl)
		const defaultBranch = await makeRepository(workspaceId, source)
		const at = now()
		await startBranch(workspaceId, { branch: defaultBranch, isNew: source === null, at })
		const workspace = { workspaceId, kind: 'hosted' as const, repository: workspaceId, defaultBranch, importUrl: source, createdAt: at }
		const details = { workspaceId, defaultBranch, importUrl: source }
		await db.batch([
			insertWorkspace(workspace, origin),
			appendLog({ source: 'orchestrator.workspaces', operation: 'workspace.created', details, workerName: origin.workerName, containerName: origin.containerName, at }),
		])
		return toView(workspace)
	}

	/** Returns the default branch. A repository that an earlier, broken call made is taken over. */
	async function makeRepository(name: string, source: string | null): Promise<string> {
		try {
			const made = await (source === null
				? artifacts.create(name, { setDefaultBranch: FIRST_BRANCH })
				: artifacts.import({ source: { url: source }, target: { name } }))
			return made.defaultBranch
		} catch (error) {
			if (hostCode(error) === 'ALREADY_EXISTS') return useStore(name, (store) => store.defaultBranch())
			throw source === null ? openFailure(error, name) : importFailure(error, source)
		}
	}

	/** An empty commit as the base of the first order, where the branch has none. */
	async function startBranch(name: string, { branch, isNew, at }: { branch: string; isNew: boolean; at: number }): Promise<void> {
		const ref = `refs/heads/${branch}`
		await useStore(name, async (store) => {
			if (!isNew && (await store.readRef(ref)) !== null) return
			const tree = await makeTree([])
			const commit = await makeCommit({ tree: tree.id, parents: [], author: AUTHOR, at, message: 'Start an empty workspace' })
			const [outcome] = await store.push([{ ref, old: null, new: commit.id }], [tree, commit])
			if (outcome?.isDone === false && outcome.actual === null) throw new AppError('GIT_UPSTREAM', `The first commit of workspace ${name} was refused: ${outcome.reason}.`)
		})
	}

	async function useStore<T>(name: string, use: (store: GitStore) => Promise<T>): Promise<T> {
		const store = storeOf(name)
		try {
			return await use(store)
		} finally {
			store.dispose()
		}
	}

	return {
		create,

		/** The workspace of a branch on GitHub, made when there is none. See `githubWorkspaces.ts`. */
		openGitHub: async (place: { repo: string; branch: string }, origin: Origin): Promise<WorkspaceView> => toView(await gitHub.open(place, origin)),

		/** Throws WORKSPACE_NOT_FOUND. */
		async get(workspaceId: string): Promise<WorkspaceView> {
			return toView(await mustFind(workspaceId))
		},

		/** Where on GitHub it is, and the branch that its orders start from; null for a hosted one. Throws WORKSPACE_NOT_FOUND. */
		async githubOf(workspaceId: string): Promise<(GitHubRepo & { branch: string }) | null> {
			const { kind, repository, defaultBranch } = await mustFind(workspaceId)
			return kind === 'github' ? { ...parseGitHubRepo(repository), branch: defaultBranch } : null
		},

		/** The Worker that made it. Throws WORKSPACE_NOT_FOUND. */
		async ownerOf(workspaceId: string): Promise<string> {
			return (await mustFind(workspaceId)).workerName
		},

		/** What the workspace lets land. Throws WORKSPACE_NOT_FOUND. */
		async policy(workspaceId: string): Promise<WorkspacePolicy> {
			return (await mustFind(workspaceId)).policy
		},

		/** Replaces the policy as a whole; what is left out has its default. It counts for every set that has not been judged yet. */
		async setPolicy(workspaceId: string, policy: WorkspacePolicy, origin: Origin & { person: string }): Promise<WorkspacePolicy> {
			const before = (await mustFind(workspaceId)).policy
			const at = now()
			const details = { workspaceId, before, after: policy, by: origin.person }
			await db.batch([changePolicy({ workspaceId, policy, at }), appendLog({ source: 'orchestrator.workspaces', operation: 'workspace.policy-changed', level: 'warn', details, workerName: origin.workerName, at })])
			return policy
		},

		/** Workspaces in the order of their ids. */
		async list({ limit = DEFAULT_PAGE, cursor }: PageRequest = {}): Promise<Page<WorkspaceView>> {
			const size = Math.min(Math.max(limit, 1), MAX_PAGE)
			const rows = await listWorkspaces(db, { after: cursor, limit: size + 1 })
			const items = rows.slice(0, size).map(toView)
			return { items, nextCursor: rows.length > size ? (items.at(-1)?.workspaceId ?? null) : null }
		},

		/** Whether an order on this branch, or on the default one as long as it is not there, starts without files. Only hosted workspaces are looked at. */
		async isEmpty(workspaceId: string, branch: string): Promise<boolean> {
			const { kind, repository, defaultBranch } = await mustFind(workspaceId)
			if (kind !== 'hosted') return false
			return useStore(repository, async (store) => {
				const [own, first] = [`refs/heads/${branch}`, `refs/heads/${defaultBranch}`]
				const refs = await store.readRefs([own, first])
				const commit = await store.readCommit(refs.get(own) ?? refs.get(first) ?? '')
				return commit !== null && (await store.readTree(commit.tree))?.length === 0
			})
		},

		/** Where the repository speaks git, with a credential for reading or writing: for the git gateway only, never for a container. One on GitHub is never written so: GIT_READ_ONLY. */
		async remote(workspaceId: string, scope: RemoteScope, options?: { isFresh?: boolean }): Promise<GitRemote> {
			const { kind, repository } = await mustFind(workspaceId)
			return kind === 'github' ? gitHub.remoteOf(repository, scope, options) : remoteOf(repository, scope, options)
		},

		/** The repository as landing sees it; call `dispose` when done. */
		async store(workspaceId: string): Promise<GitStore> {
			const { kind, repository } = await mustFind(workspaceId)
			return kind === 'github' ? gitHub.storeOf(repository) : storeOf(repository)
		},
	}
}
export type Workspaces = ReturnType<typeof createWorkspaces>

function toView({ workspaceId, kind, repository, defaultBranch, importUrl, createdAt }: Omit<Workspace, 'policy' | 'workerName'>): WorkspaceView {
	return { workspaceId, kind, repository: kind === 'github' ? repository : null, clonePath: `/git/${workspaceId}`, defaultBranch, importUrl, createdAt }
}

/** The URL without what may hold a secret. Throws INVALID_INPUT for credentials in it, WORKSPACE_IMPORT_FAILED for plain http. */
function checkImportURL(importUrl: string): string {
	const url = URL.parse(importUrl)
	if (url === null) throw new AppError('INVALID_INPUT', 'importUrl is not a URL. Give the https URL that git clone takes.')
	if (url.username !== '' || url.password !== '' || url.search !== '') {
		throw new AppError('INVALID_INPUT', 'importUrl must not hold credentials or a query: it is stored. Create an empty workspace and push to it instead.')
	}
	const clean = `${url.origin}${url.pathname}`
	if (url.protocol !== 'https:') {
		const message = `${clean} cannot be imported: the host of workspaces imports over https only. Create an empty workspace and push to its /git/<workspace> address with an operator token.`
		throw new AppError('WORKSPACE_IMPORT_FAILED', message, { importUrl: clean, reason: 'NOT_HTTPS' })
	}
	return clean
}
