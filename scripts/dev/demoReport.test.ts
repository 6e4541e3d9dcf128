import { expect, it } from 'vitest'
import { checksOf } from './demoReport.ts'

it('tells what ran on the candidate from the record of the patch set, not from the line of the execution', () => {
	const commands = [{ command: 'node --test', exitCode: 0, durationMs: 191 }]
	const audit = [
		{ operation: 'patch-set.validated', details: { treeId: 'f7539f0', commands } },
		{ operation: 'patch.validated', details: { containerTaskId: 'CTK-1', requestId: null, failure: null } },
	]
	expect(checksOf(audit)).toEqual(['both engines made tree f7539f0', '`node --test` passed on it in 191 ms'])
	expect(checksOf(audit.slice(1))).toEqual([])
})
