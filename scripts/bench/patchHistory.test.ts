import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '@shared/ai-patch/testing/random'
import { mergeText } from '@shared/ai-patch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from './patch.ts'
import { historyCorpora, RepositoryError } from './patchHistory.ts'

const COMMITS = 14
let folder: string
const at = (name: string) => join(folder, name)

function git(directory: string, ...args: string[]): void {
	const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@a.invalid', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@a.invalid' }
	execFileSync('git', args, { cwd: directory, env, stdio: 'pipe' })
}

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'patch-history-'))
	for (const name of ['long', 'empty']) git(folder, 'init', '-q', name)
	const random = createRandom(2)
	const lines = Array.from({ length: 60 }, (_, line) => `line ${line}\n`)
	for (let commit = 0; commit < COMMITS; commit += 1) {
		lines.splice(random.below(lines.length), random.below(2), `commit ${commit}\n`)
		writeFileSync(at('long/f'), lines.join(''))
		writeFileSync(at('long/binary'), new Uint8Array([0, commit]))
		git(at('long'), 'add', '-A')
		git(at('long'), 'commit', '-q', '-m', String(commit))
	}
	git(folder, 'clone', '-q', '--depth', '3', `file://${at('long')}`, 'shallow')
	git(folder, 'clone', '-q', '--depth', '1', `file://${at('long')}`, 'single')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('historyCorpora', () => {
	it('takes cases whose truth is in the history, determined by the seed', () => {
		const corpora = historyCorpora(at('long'), { seed: 1, count: 40 })
		expect(historyCorpora(at('long'), { seed: 1, count: 40 })).toEqual(corpora)
		expect(corpora.drift).toHaveLength(40)
		for (const { base, target, current, truth } of corpora.drift) {
			expect(new Set([base, target, current, truth]).size).toBe(4)
			expect(mergeText({ base, ours: current, theirs: target })).toEqual({ kind: 'clean', text: truth })
		}
		for (const { base, target, current } of corpora.conflict) expect(mergeText({ base, ours: current, theirs: target }).kind).toBe('conflict')
	})

	it('takes what there is of a short history', () => {
		expect(historyCorpora(at('shallow'), { seed: 1, count: 40 }).drift.length).toBeLessThanOrEqual(2)
		expect(historyCorpora(at('single'), { seed: 1, count: 40 })).toEqual({ drift: [], conflict: [] })
	})

	it.each(['missing', 'empty', 'long/f', '.'])('says what is wrong with %j', async (name) => {
		expect(() => historyCorpora(at(name), { seed: 1, count: 1 })).toThrow(RepositoryError)
		expect(await run(['--in-process', '--cases', '1', '--repo', at(name)])).toBe(2)
	})
})
