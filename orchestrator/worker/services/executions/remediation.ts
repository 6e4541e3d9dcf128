import type { Failure, TaskView } from '@shared/contracts'
import type { Execution } from '../../database/repositories/executions.ts'
import { boundConflicts } from '../patch-manager/conflicts.ts'
import type { ShownConflict } from '../patch-manager/conflicts.ts'
import type { Executions } from './executions.ts'
import { fenced } from './fenced.ts'

export interface RemediationDeps {
	taskOf: (taskId: string) => Promise<TaskView | undefined>
	/** The set as a unified diff. */
	diffOf: (patchSetId: string) => Promise<string>
	plan: Executions['planRemediation']
}

/** How many times a change is made again before a person is asked. */
export const MAX_REMEDIATION_DEPTH = 2
const MAX_DIFF_CHARS = 30_000

/** What to do about a set that met other work on its branch: another task is told base, branch and change, and makes it again. */
export function createRemediation({ taskOf, diffOf, plan }: RemediationDeps) {
	return async function planRemediation(failed: Execution, failure: Failure) {
		const task = await taskOf(failed.taskId)
		if (task === undefined || task.depth >= MAX_REMEDIATION_DEPTH || failed.patchSetId === null || failed.cancelReason !== null) return null
		const conflicts = boundConflicts(failure.details?.['conflicts'])
		const diff = await diffOf(failed.patchSetId).catch(() => null)
		const prompt = remediationPrompt({ prompt: task.prompt, conflicts, diff, baseCommit: failed.baseCommit ?? '' })
		return plan(failed, { prompt, context: { kind: 'remediation', patchSetId: failed.patchSetId, executionId: failed.executionId, baseCommit: failed.baseCommit, conflicts } })
	}
}

/** For the agent that makes the change again. Everything quoted comes from the repository and from another agent. */
export function remediationPrompt({ prompt, conflicts, diff, baseCommit }: { prompt: string; conflicts: readonly ShownConflict[]; diff: string | null; baseCommit: string }): string {
	return [
		'An earlier change for the task below could not be merged, because other work has landed on the same lines since. Make the change again on the files as they are now, and keep what the other work does.',
		`# The task\n\n${prompt}`,
		`# What could not be merged\n\n${conflicts.map(describe).join('\n\n')}`,
		...(diff === null ? [] : [`# The earlier change, against commit ${baseCommit}\n\n${fenced(diff.slice(0, MAX_DIFF_CHARS), 'diff')}${diff.length > MAX_DIFF_CHARS ? '\n(cut)' : ''}`]),
	].join('\n\n').slice(0, 100_000)
}

function describe({ path, reason, hunks, hunkCount }: ShownConflict): string {
	const shown = hunks.map(({ base, ours, theirs }) =>
		[`Before both changes (lines ${base.start}-${base.end}):`, fenced(base.text), `On the branch now (lines ${ours.start}-${ours.end}):`, fenced(ours.text), 'In the earlier change:', fenced(theirs.text)].join('\n'),
	)
	const more = hunkCount > hunks.length ? [`and ${hunkCount - hunks.length} more places`] : []
	return [`## ${JSON.stringify(path)}: ${reason}`, ...shown, ...more].join('\n\n')
}
