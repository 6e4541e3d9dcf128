import { describe, expect, it } from 'vitest'
import { changeSetOf, lossyReason } from './julesChangeSet.ts'
import type { JulesActivity, JulesArtifact, JulesEvent, JulesOutput } from './julesTypes.ts'

const BASE = 'a'.repeat(40)
const changeSet = (unidiffPatch: string, baseCommitId: string | null = BASE) => ({ source: null, unidiffPatch, baseCommitId, suggestedCommitMessage: 'x' })
const output = (patch: string): JulesOutput => ({ kind: 'changeSet', changeSet: changeSet(patch) })
const pullRequest: JulesOutput = { kind: 'pullRequest', pullRequest: { url: 'u', title: 't', description: '', baseRef: null, headRef: null } }

let count = 0
function activity(event: JulesEvent, ...patches: string[]): JulesActivity {
	count += 1
	const artifacts = patches.map((patch): JulesArtifact => ({ kind: 'changeSet', changeSet: changeSet(patch) }))
	return { id: String(count), at: count, originator: 'agent', description: '', artifacts, event }
}
const progress = (...patches: string[]) => activity({ kind: 'progressUpdated', title: '', description: '' }, ...patches)
const completed = (...patches: string[]) => activity({ kind: 'sessionCompleted' }, ...patches)

describe('changeSetOf', () => {
	it.each([
		['nothing', [], [], false, undefined],
		['a pull request only', [pullRequest], [], false, undefined],
		['the output', [pullRequest, output('out')], [progress('old')], false, 'out'],
		['the last output', [output('first'), output('second')], [], false, 'second'],
		['the newest activity when there is no output', [pullRequest], [progress('one'), progress('two', 'three'), progress()], false, 'three'],
		['the output of the completion', [output('out')], [progress('one'), completed('two')], false, 'out'],
		['what came after the completion', [output('out')], [completed('two'), progress('late')], false, 'late'],
		['what came after a completion that was read before', [output('out')], [progress('late')], true, 'late'],
		['the output of a second completion', [output('again')], [progress('late'), completed()], true, 'again'],
	])('takes %s', (_what, outputs, activities, hadResult, patch) => {
		expect(changeSetOf({ session: { outputs }, activities, hadResult })?.unidiffPatch).toBe(patch)
	})

	it('refuses what is too long, and a base that is no commit', () => {
		const of = (change: ReturnType<typeof changeSet>) => () => changeSetOf({ session: { outputs: [{ kind: 'changeSet', changeSet: change }] }, activities: [] })
		expect(of(changeSet('x'.repeat(8 * 1024 * 1024 + 1)))).toThrow(expect.objectContaining({ code: 'PATCH_TOO_LARGE' }))
		for (const base of ['main', 'A'.repeat(40), '--upload-pack=x', 'a'.repeat(39)]) expect(of(changeSet('x', base))).toThrow(expect.objectContaining({ code: 'PROVIDER_OUTPUT_INVALID' }))
		expect(of(changeSet('x', null))()?.baseCommitId).toBeNull()
		expect(of(changeSet('x', 'b'.repeat(64)))()?.baseCommitId).toHaveLength(64)
	})
})

describe('lossyReason', () => {
	const PATCH = 'diff --git a/one.txt b/one.txt\n--- a/one.txt\n+++ b/one.txt\n@@ -1 +1 @@\n-a\n+ä 😀\ndiff --git a/two.txt b/two.txt\n--- a/two.txt\n+++ b/two.txt\n@@ -1 +1 @@\n-a\n'

	it('has nothing to say about a whole text', () => {
		expect(lossyReason(PATCH)).toBeNull()
		expect(lossyReason('')).toBeNull()
	})

	it('names the file and the line of a lost byte', () => {
		expect(lossyReason(`${PATCH}+caf\ufffd\n`)).toMatch(/U\+FFFD in "two\.txt" \(line 12 of the patch\)/)
		expect(lossyReason('\ufffd')).toContain('U+FFFD in "a file" (line 1 of the patch)')
	})

	it('sees half a character', () => {
		expect(lossyReason(`${PATCH}+\ud83d\n`)).toContain('surrogate')
	})
})
