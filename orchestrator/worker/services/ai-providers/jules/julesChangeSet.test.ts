import { describe, expect, it } from 'vitest'
import { changeSetOf } from './julesChangeSet.ts'
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
})
