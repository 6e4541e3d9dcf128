import { GIT_DIFF_PATCH_ARGS, GIT_DIFF_RAW_ARGS, patchSetFromDiff } from '@shared/ai-patch'
import type { ReadBase } from '@shared/ai-patch'
import type { PatchSet } from '@shared/contracts'
import { AppError, isAppError, MAX_PATCH_SET_BYTES } from '@shared/contracts'
import { runProgram } from '../program.ts'
import { toolPath } from '../toolPath.ts'
import { readBlobs } from './catFile.ts'
import { git, tryGit } from './git.ts'
import type { WorkTree } from './workTree.ts'

const MAX_DIFF_BYTES = 64 * 1024 * 1024

export interface CollectOptions {
	taskId: string
	provider: string
	model?: string
}

export interface Collected {
	changes: Pick<PatchSet, 'files' | 'patches'> | null
	/** Why `changes` is null; null in both places means that nothing changed. */
	refusal: AppError | null
	/** What git says changed, for people; the evidence that stays when the changes are refused. */
	diff: string
}

/**
 * Everything that differs from the base commit, untracked files included, whatever the agent did with its own git.
 * @throws AppError INTERNAL when git itself fails
 */
export async function collectChanges(tree: WorkTree, options: CollectOptions): Promise<Collected> {
	const refusal = await stage(tree)
	if (refusal) return { changes: null, refusal, diff: '' }
	const request = { gitDir: tree.gitDir, workTree: tree.directory, maxOutputBytes: MAX_DIFF_BYTES }
	const [raw, patch] = await Promise.all([
		git([...GIT_DIFF_RAW_ARGS, tree.baseCommit], request),
		tryGit([...GIT_DIFF_PATCH_ARGS, tree.baseCommit], request),
	])
	if (raw.length === 0) return { changes: null, refusal: null, diff: '' }
	const diff = patch.stdout.toString('utf8')
	if (patch.isTooLong) return { changes: null, refusal: new AppError('PATCH_TOO_LARGE', `The diff has more than ${MAX_DIFF_BYTES} bytes.`), diff }
	if (patch.exitCode !== 0) throw new AppError('INTERNAL', `git diff-index failed: ${patch.stderr}`)
	const ids = [...raw.toString('latin1').matchAll(/(?:^|\0):10\d{4} 10\d{4} ([0-9a-f]{40}) /g)].flatMap(([, id]) => (id ? [id] : []))
	const blobs = await readBlobs(tree.gitDir, [...new Set(ids)])
	try {
		const readBase: ReadBase = async (_path, blob) => blobs.get(blob ?? '') ?? null
		const changes = await patchSetFromDiff({ raw, diff: patch.stdout, readBase, ...options })
		const bytes = Buffer.byteLength(JSON.stringify(changes))
		if (bytes > MAX_PATCH_SET_BYTES) return { changes: null, refusal: new AppError('PATCH_TOO_LARGE', `The patch set has ${bytes} bytes; ${MAX_PATCH_SET_BYTES} is the most that the orchestrator takes. Split the task.`), diff }
		return { changes, refusal: null, diff }
	} catch (error) {
		if (isAppError(error) && error.code.startsWith('PATCH_')) return { changes: null, refusal: error, diff }
		throw error
	}
}

/** The refusal when the work tree holds something that git cannot take up at all. */
async function stage({ gitDir, directory }: WorkTree): Promise<AppError | null> {
	const request = { gitDir, workTree: directory }
	let added = await tryGit(['add', '-A', '.'], request)
	if (added.exitCode !== 0 && /Permission denied/.test(added.stderr)) {
		// Its owner may have taken away its own right to read.
		await runProgram({ bin: 'chmod', args: ['-R', 'u+rwX', '--', directory], env: { PATH: toolPath() } })
		added = await tryGit(['add', '-A', '.'], request)
	}
	if (added.exitCode === 0) return null
	const nested = /'([^']+)' does not have a commit checked out/.exec(added.stderr)?.[1]
	if (nested) {
		const path = nested.replace(/\/$/, '')
		return new AppError('PATCH_FILE_UNSUPPORTED', `A patch set carries UTF-8 text files only. ${JSON.stringify(path)} is a git repository of its own.`, {
			files: [{ path, reason: 'nested repository' }],
		})
	}
	if (/unable to index file|open\(.*\)|Permission denied/.test(added.stderr)) {
		return new AppError('PATCH_FILE_UNSUPPORTED', `The work tree holds a file that git cannot read: ${added.stderr}`)
	}
	throw new AppError('INTERNAL', `git add failed: ${added.stderr}`)
}
