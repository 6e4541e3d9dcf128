// For tests only: `git merge-file` on many threes of texts.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MergeTriple } from './mergeTriple.ts'

// One shell starts git for each, which costs a fraction of starting it from here. The exit code is the number of conflicts.
const LOOP = 'i=0; while [ $i -lt $1 ]; do git merge-file -p -q $i.ours $i.base $i.theirs > $i.merged; echo $?; i=$((i+1)); done'

/** The merged texts, null for a conflict. */
export function gitMergeFiles(triples: readonly MergeTriple[]): (string | null)[] {
	const directory = mkdtempSync(join(tmpdir(), 'merge-file-'))
	try {
		for (const [index, triple] of triples.entries()) {
			for (const side of ['base', 'ours', 'theirs'] as const) writeFileSync(join(directory, `${index}.${side}`), triple[side])
		}
		const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1' }
		const codes = execFileSync('sh', ['-c', LOOP, 'sh', String(triples.length)], { cwd: directory, env }).toString().trim().split('\n').map(Number)
		return triples.map((_, index) => {
			const code = codes[index] ?? -1
			if (!(code >= 0 && code < 128)) throw new Error(`git merge-file ended with ${code}`)
			return code === 0 ? readFileSync(join(directory, `${index}.merged`), 'utf8') : null
		})
	} finally {
		rmSync(directory, { recursive: true })
	}
}
