import { globSync } from 'node:fs'
import { git } from '@shared/testing/stack'
import type { Base, Stack } from './stack.ts'

/** The git directory that the host of the workspaces keeps for a base: for what somebody does there behind the orchestrator's back. */
export async function hostedRepository(stack: Stack, base: Base): Promise<string> {
	const gitDirs = globSync(`${stack.stateDir}/wrangler/v3/artifacts/*/git/*.git`)
	const heads = await Promise.all(gitDirs.map((cwd) => git(['rev-parse', '--verify', '--quiet', 'refs/heads/main'], { cwd }).catch(() => '')))
	const [gitDir, ...others] = gitDirs.filter((_, index) => heads[index]?.trim() === base.commit)
	if (gitDir === undefined || others.length > 0) throw new Error(`Not exactly one hosted repository has its main at ${base.commit}.`)
	return gitDir
}

/** Puts a commit of somebody else on a branch, past the gateway and landing. Returns the commit. */
export async function moveBranch(stack: Stack, base: Base, branch: string): Promise<string> {
	const cwd = await hostedRepository(stack, base)
	const commit = (await git(['commit-tree', `${base.commit}^{tree}`, '-p', base.commit, '-m', 'Somebody else was here'], { cwd })).trim()
	await git(['update-ref', `refs/heads/${branch}`, commit], { cwd })
	return commit
}
