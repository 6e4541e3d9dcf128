import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { git } from './git.ts'
import { writeRepository } from './repositoryFiles.ts'

/** A checked-out tree and the runner's own git directory for it, which lies where no agent reaches. */
export interface WorkTree {
	gitDir: string
	directory: string
	baseCommit: string
}

export interface CheckoutOptions {
	/** Git directory of the mirror, whose objects are used in place. */
	mirror: string
	gitDir: string
	directory: string
	baseCommit: string
	signal?: AbortSignal | undefined
	/** Another user who is to own the files, and a directory where that user may write. */
	owner?: { prefix: readonly string[]; tmp: string }
}

/** Writes the tree of `baseCommit` as raw bytes into the empty `directory`. */
export async function checkOut(options: CheckoutOptions): Promise<WorkTree> {
	const { mirror, gitDir, directory, baseCommit, signal, owner } = options
	await writeRepository(gitDir, { isBare: false, alternates: [join(mirror, 'objects')], head: baseCommit })
	const args = ['read-tree', '-m', '-u', baseCommit]
	if (owner) {
		// That user must not get at our git directory, so the index is made elsewhere.
		const indexFile = join(owner.tmp, 'index')
		await git(args, { gitDir: mirror, workTree: directory, indexFile, prefix: owner.prefix, signal })
		await copyFile(indexFile, join(gitDir, 'index'))
		await rm(indexFile)
	} else {
		await git(args, { gitDir, workTree: directory, signal })
	}
	return { gitDir, directory, baseCommit }
}

/** The id of the tree that the directory holds now, ignored files included. */
export async function writeTree({ gitDir, directory }: WorkTree): Promise<string> {
	await git(['add', '-A', '-f', '.'], { gitDir, workTree: directory })
	return (await git(['write-tree'], { gitDir })).toString().trim()
}

export interface AgentRepository {
	mirror: string
	/** The commit that HEAD is at; its tree is what the index holds. */
	commit: string
	/** `refs/heads/x`, the branch of that HEAD. */
	ref: string
	/** Without credentials: a push or fetch of the agent is refused. */
	remoteURL: string
}

/**
 * Gives the agent a `.git` of its own with the real history. It is for the agent's use only: whatever happens to it, the
 * runner's diff is made with the other one.
 */
export async function addAgentRepository(tree: WorkTree, { mirror, commit, ref, remoteURL }: AgentRepository): Promise<void> {
	const branch = /^refs\/heads\/[\w./-]+$/.test(ref) && !ref.includes('..') ? ref : 'refs/heads/work'
	const agentGit = join(tree.directory, '.git')
	await mkdir(agentGit, { recursive: true })
	await writeRepository(agentGit, {
		isBare: false,
		alternates: [join(mirror, 'objects')],
		head: `ref: ${branch}`,
		refs: { [branch]: commit },
		config: `[remote "origin"]\n\turl = ${JSON.stringify(remoteURL)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`,
	})
	// The repository's own attributes are for the agent to see as any developer would.
	await writeFile(join(agentGit, 'info/attributes'), '')
	await copyFile(join(tree.gitDir, 'index'), join(agentGit, 'index'))
}
