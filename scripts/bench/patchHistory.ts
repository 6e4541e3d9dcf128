import { spawnSync } from 'node:child_process'
import { createRandom } from '@shared/ai-patch/testing/random'
import type { Corpus, PatchCase } from './patchCase.ts'
import { gitMergeFile } from './patchSpawned.ts'

/** The blobs of one file, each made from the one before by a commit. */
interface History {
	path: string
	blobs: string[]
}

interface Histories {
	drift: PatchCase[]
	conflict: PatchCase[]
}

const MAX_BYTES = 1_000_000
/** How many commits on the file the branch may be ahead. */
const MAX_AHEAD = 6
/** Cases that are looked at for one that is taken; most pairs of commits say nothing. */
const MAX_TRIES = 12

/** A repository that cases cannot be taken from, said for people. */
export class RepositoryError extends Error {}

/**
 * Two corpora from the commits of a repository. Of each file, a commit A and a later one B (or B up to a few commits on):
 *
 * - drift: the agent saw the file before A and made A; the branch has all later commits without A; right is the file after B. And the
 *   other way about: the branch has A, the agent made what came later. Only where the two are independent: git's merge of them is the
 *   file as it was in history, so `git merge-file` is right in each by construction.
 * - conflict: the agent saw the file after A and made B, while the branch took A back; only where the two meet, as git sees it.
 *
 * A short history gives few cases or none. Throws RepositoryError.
 */
export function historyCorpora(repository: string, { seed, count }: { seed: number; count: number }): Histories {
	const corpora: Histories = { drift: [], conflict: [] }
	const readBlob = createReader(repository)
	let triesLeft = MAX_TRIES * count
	for (const [path, before, between, after] of createRandom(seed).shuffle(histories(repository).flatMap(threes))) {
		if (triesLeft <= 0 || (corpora.drift.length >= count && corpora.conflict.length >= count)) break
		triesLeft -= 1
		const versions = { before: readBlob(before), between: readBlob(between), after: readBlob(after) }
		addCases(corpora, versions, `${repository}:${path} ${before.slice(0, 8)} ${after.slice(0, 8)}`)
	}
	return { drift: corpora.drift.slice(0, count), conflict: corpora.conflict.slice(0, count) }
}

function addCases({ drift, conflict }: Histories, { before, between, after }: Record<'before' | 'between' | 'after', string | null>, name: string): void {
	if (!before || !between || !after || new Set([before, between, after]).size < 3) return
	const without = gitMergeFile({ base: between, ours: after, theirs: before })
	if (without === null) conflict.push({ name, base: between, target: after, current: before, truth: null })
	else if (without !== before && without !== between && without !== after && gitMergeFile({ base: before, ours: without, theirs: between }) === after) {
		drift.push({ name, base: before, target: between, current: without, truth: after })
		drift.push({ name: `${name}, the other way about`, base: before, target: without, current: between, truth: after })
	}
}

export function driftCorpus(cases: PatchCase[]): Corpus {
	return { name: 'drift, history', about: 'base = before commit A, patch = A, branch = later commits without A (and the other way about), right = after them; taken where git merge-file gives it', cases }
}

export function conflictCorpus(cases: PatchCase[]): Corpus {
	return { name: 'conflict, history', about: 'base = after commit A, patch = later commits, branch = A taken back; taken where git merge-file refuses', cases }
}

function threes({ path, blobs }: History): [path: string, before: string, between: string, after: string][] {
	return blobs.flatMap((before, at) => {
		const between = blobs[at + 1]
		return between === undefined ? [] : blobs.slice(at + 2, at + 2 + MAX_AHEAD).map((after): [string, string, string, string] => [path, before, between, after])
	})
}

function histories(repository: string): History[] {
	const args = ['log', '--no-merges', '--reverse', '--format=', '--raw', '--no-abbrev', '--no-renames', '--diff-filter=M', '-n', '20000']
	const open = new Map<string, History>()
	const found: History[] = []
	for (const line of git(repository, args).toString().split('\n')) {
		const [, from, to, path] = /^:100\d{3} 100\d{3} ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) M\t(.*)$/.exec(line) ?? []
		if (from === undefined || to === undefined || path === undefined) continue
		const known = open.get(path)
		if (known?.blobs.at(-1) === from) known.blobs.push(to)
		else {
			// Begun anew, or on another line of development.
			const begun = { path, blobs: [from, to] }
			open.set(path, begun)
			found.push(begun)
		}
	}
	return found
}

/** Texts by blob id; null for what is no text, very long, or not in this clone. */
function createReader(repository: string): (id: string) => string | null {
	const known = new Map<string, string | null>()
	return (id) => {
		const text = known.has(id) ? known.get(id) : readBlob(repository, id)
		known.set(id, text ?? null)
		return text ?? null
	}
}

function readBlob(repository: string, id: string): string | null {
	const { status, stdout } = runGit(repository, ['cat-file', 'blob', id])
	if (status !== 0 || stdout.length > MAX_BYTES || stdout.includes(0)) return null
	const text = stdout.toString()
	return Buffer.from(text).equals(stdout) ? text : null
}

function git(repository: string, args: string[]): Buffer {
	const { status, stdout, stderr } = runGit(repository, args)
	if (status !== 0) throw new RepositoryError(`No cases can be taken from ${repository}: ${stderr.toString().trim()}`)
	return stdout
}

function runGit(repository: string, args: string[]) {
	// A partial clone is taken as it is: nothing is fetched for a bench. The settings of a repository start no programs.
	const env = { ...process.env, GIT_NO_LAZY_FETCH: '1', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }
	const ran = spawnSync('git', ['-C', repository, '-c', 'core.fsmonitor=false', '-c', 'log.showSignature=false', ...args], { maxBuffer: 2 ** 30, env })
	if (ran.error !== undefined) throw new RepositoryError(`git cannot be run: ${ran.error.message}`)
	return ran
}
