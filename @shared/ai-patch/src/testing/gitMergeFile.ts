// For tests only: `git merge-file` on three texts.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MergeTriple } from './mergeTriple.ts'

export interface GitMergeFile {
	/** The merged text, or null for a conflict. */
	merge(triple: MergeTriple): Promise<string | null>
	remove(): void
}

export function createGitMergeFile(): GitMergeFile {
	const directory = mkdtempSync(join(tmpdir(), 'merge-file-'))
	const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1' }
	let count = 0
	return {
		async merge({ base, ours, theirs }) {
			count += 1
			const files = ['ours', 'base', 'theirs'].map((side) => join(directory, `${count}.${side}`))
			await Promise.all([ours, base, theirs].map((text, index) => writeFile(files[index] ?? '', text)))
			return new Promise((resolve, reject) => {
				execFile('git', ['merge-file', '-p', '-q', ...files], { cwd: directory, env, maxBuffer: 2 ** 28 }, (error, output) => {
					if (error === null) resolve(output)
					// The exit code is the number of conflicts, 127 at most; beyond that something failed.
					else if (typeof error.code === 'number' && error.code < 128) resolve(null)
					else reject(error)
				})
			})
		},
		remove: () => rmSync(directory, { recursive: true }),
	}
}
