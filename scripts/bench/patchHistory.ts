import { spawnSync } from 'node:child_process'
import { type Corpus, createRandom, type PatchCase } from './patchCase.ts'
import { gitMergeFile } from './patchSpawned.ts'

interface Step {
	path: string
	from: string
	to: string
}

const MAX_BYTES = 1_000_000

/**
 * Two corpora from the commits of a repository. Of each file changed by a commit A and again by a later B:
 *
 * - drift: the agent saw the file before A and made A; the branch has B without A; right is the file after B. Only cases that git's
 *   three-way merge gives are taken, so `git merge-file` is right in each by construction.
 * - conflict: the agent saw the file after A and made B, while the branch took A back; only where the two meet, as git sees it.
 */
export function historyCorpora(repository: string, { seed, count }: { seed: number; count: number }): { drift: PatchCase[]; conflict: PatchCase[] } {
	const corpora: { drift: PatchCase[]; conflict: PatchCase[] } = { drift: [], conflict: [] }
	const random = createRandom(seed)
	for (const [first, second] of random.shuffle(pairs(repository))) {
		if (corpora.drift.length >= count && corpora.conflict.length >= count) break
		const [before, between, after] = [first.from, first.to, second.to].map((id) => readBlob(repository, id))
		if (!before || !between || !after || before === after || between === after) continue
		const name = `${repository}:${first.path} ${first.from.slice(0, 8)}`
		const current = gitMergeFile({ base: between, ours: after, theirs: before })
		if (current === null) {
			if (corpora.conflict.length < count) corpora.conflict.push({ name, base: between, target: after, current: before, truth: null })
		} else if (corpora.drift.length < count && current !== before && gitMergeFile({ base: before, ours: current, theirs: between }) === after) {
			corpora.drift.push({ name, base: before, target: between, current, truth: after })
		}
	}
	return corpora
}

export function driftCorpus(cases: PatchCase[]): Corpus {
	return { name: 'drift, history', about: 'base = before commit A, patch = A, branch = the next commit B without A, right = after B; taken where git merge-file gives it', cases }
}

export function conflictCorpus(cases: PatchCase[]): Corpus {
	return { name: 'conflict, history', about: 'base = after commit A, patch = the next commit B, branch = A taken back; taken where git merge-file refuses', cases }
}

/** Neighbouring changes of one file: what the second started from is what the first made. */
function pairs(repository: string): [Step, Step][] {
	const log = git(repository, ['log', '--no-merges', '--reverse', '--format=', '--raw', '--no-abbrev', '--no-renames', '--diff-filter=M', '-n', '20000'])
	const last = new Map<string, Step>()
	const found: [Step, Step][] = []
	for (const line of log.toString().split('\n')) {
		const [, from, to, path] = /^:100\d{3} 100\d{3} ([0-9a-f]{40}) ([0-9a-f]{40}) M\t(.*)$/.exec(line) ?? []
		if (from === undefined || to === undefined || path === undefined) continue
		const step = { path, from, to }
		const previous = last.get(path)
		if (previous?.to === from) found.push([previous, step])
		last.set(path, step)
	}
	return found
}

/** The text of a blob, or null for what is no text or very long. */
function readBlob(repository: string, id: string): string | null {
	const bytes = git(repository, ['cat-file', 'blob', id])
	if (bytes.length > MAX_BYTES || bytes.includes(0)) return null
	const text = bytes.toString()
	return Buffer.from(text).equals(bytes) ? text : null
}

function git(repository: string, args: string[]): Buffer {
	const { status, stdout, stderr } = spawnSync('git', ['-C', repository, ...args], { maxBuffer: 2 ** 30 })
	if (status !== 0) throw new Error(`git ${args[0]} in ${repository}: ${stderr.toString().trim()}`)
	return stdout
}
