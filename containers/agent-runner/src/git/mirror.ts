import { createHash } from 'node:crypto'
import { access, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '@shared/contracts'
import { git, tryGit } from './git.ts'
import { writeRepository } from './repositoryFiles.ts'

/** A commit that must be in the mirror, and a ref of the remote that leads to it; `ANY_BRANCH` where it is not known which does. */
export interface Wanted {
	commit: string
	ref: string
}

export const ANY_BRANCH = 'refs/heads/*'

export interface Remote {
	workspaceId: string
	/** Without credentials. */
	url: string
	token: string
}

export interface Mirror {
	gitDir: string
	has(commit: string): Promise<boolean>
	/** Fetches what is not there yet; asks the remote nothing when everything is. */
	ensure(wanted: readonly Wanted[], signal?: AbortSignal): Promise<void>
	/** Forgets everything, so that the next `ensure` fetches anew: for a cache that turned out damaged. */
	discard(): Promise<void>
	/** Call after a run: keeps the numbers of packs and of refs small. Never fails. */
	maintain(): Promise<void>
}

const MAX_PACKS = 50
const MAX_REFS = 300
const RETRY_DELAYS_MS = [200, 1000, 3000, 8000]

/** A bare repository per workspace that outlives the runs, so that the second run fetches only what is new. */
export async function openMirror(root: string, remote: Remote): Promise<Mirror> {
	// The same id at another orchestrator is another workspace.
	const gitDir = join(root, `${remote.workspaceId}-${createHash('sha256').update(remote.url).digest('hex').slice(0, 12)}.git`)
	await createIfAbsent(gitDir)
	const has = (commit: string): Promise<boolean> => exists(join(gitDir, refOf(commit)))
	return {
		gitDir,
		has,
		async ensure(wanted, signal) {
			const isThere = await Promise.all(wanted.map(({ commit }) => has(commit)))
			const missing = wanted.filter((_, index) => !isThere[index])
			if (missing.length > 0) await fetchCommits({ gitDir, remote, missing, signal })
		},
		async discard() {
			await rm(gitDir, { recursive: true, force: true })
			await createIfAbsent(gitDir)
		},
		maintain: () => maintain(gitDir).catch(() => {}),
	}
}

// One ref per commit that was asked for: its file says that the commit and all its history are here.
function refOf(commit: string): string {
	return `refs/vibehq/${commit}`
}

async function createIfAbsent(gitDir: string): Promise<void> {
	if (await exists(join(gitDir, 'HEAD'))) return
	const staging = `${gitDir}.${process.pid}.${Math.random().toString(36).slice(2)}`
	await writeRepository(staging, { isBare: true })
	try {
		await rename(staging, gitDir)
	} catch (error) {
		await rm(staging, { recursive: true, force: true })
		if (!(await exists(join(gitDir, 'HEAD')))) throw error
	}
}

async function maintain(gitDir: string): Promise<void> {
	const refs = join(gitDir, 'refs/vibehq')
	const names = (await readdir(refs)).filter((name) => /^[0-9a-f]{40}$/.test(name))
	if (names.length > MAX_REFS) {
		const dated = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(refs, name))).mtimeMs })))
		const oldest = dated.sort((a, b) => a.at - b.at).slice(0, MAX_REFS / 2)
		await Promise.all(oldest.map(({ name }) => rm(join(refs, name), { force: true })))
	}
	const packs = (await readdir(join(gitDir, 'objects/pack'))).filter((name) => name.endsWith('.pack'))
	if (packs.length > MAX_PACKS) await tryGit(['repack', '-a', '-d', '-q'], { gitDir })
}

interface Fetch {
	gitDir: string
	remote: Remote
	missing: readonly Wanted[]
	signal: AbortSignal | undefined
}

/** @throws AppError GIT_UPSTREAM (with what git said) after the retries, at once when the remote refuses. */
async function fetchCommits(fetch: Fetch): Promise<void> {
	for (const delayMs of [...RETRY_DELAYS_MS, null]) {
		const said = await fetchOnce(fetch, ({ commit }) => `${commit}:${refOf(commit)}`)
		if (said === null) return
		// Servers of the older protocol give out tips only.
		if (/unadvertised object|not our ref/.test(said) && (await fetchByRef(fetch))) return
		if (delayMs === null || fetch.signal?.aborted || !/timed out|connect|resolve|reset|hung up|early EOF|error: 5\d\d|curl/i.test(said)) {
			throw new AppError('GIT_UPSTREAM', `The workspace could not be fetched from ${fetch.remote.url}: ${said}`)
		}
		await sleep(delayMs, undefined, fetch.signal ? { signal: fetch.signal } : {}).catch(() => {})
	}
}

async function fetchByRef(fetch: Fetch): Promise<boolean> {
	const { gitDir, missing } = fetch
	const refspec = ({ ref, commit }: Wanted): string => (ref === ANY_BRANCH ? `+${ref}:refs/vibehq/branches/${commit}/*` : `+${ref}:refs/vibehq/by-ref/${commit}`)
	if ((await fetchOnce(fetch, refspec)) !== null) return false
	for (const { commit } of missing) {
		const update = await tryGit(['update-ref', refOf(commit), commit], { gitDir })
		if (update.exitCode !== 0) return false
	}
	return true
}

/** Null when it worked, else what git said. */
async function fetchOnce({ gitDir, remote, missing, signal }: Fetch, refspec: (wanted: Wanted) => string): Promise<string | null> {
	const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', remote.url, ...missing.map(refspec)]
	const result = await tryGit(args, { gitDir, token: remote.token, signal })
	return result.exitCode === 0 ? null : result.stderr || `exit code ${result.exitCode}`
}

/** The id of the tree of a commit. */
export async function treeOf(gitDir: string, commit: string): Promise<string> {
	return (await git(['rev-parse', '--verify', `${commit}^{tree}`], { gitDir })).toString().trim()
}

async function exists(path: string): Promise<boolean> {
	return await access(path).then(
		() => true,
		() => false,
	)
}
