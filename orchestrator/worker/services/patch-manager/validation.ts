import { AppError, isErrorCode, ValidateOutput } from '@shared/contracts'
import type { ContainerTask } from '@shared/contracts'

/** What a validation proves. `evidence` is kept whatever the verdict. */
export interface Validated {
	failure: AppError | null
	/** Commands that failed before and after, nobody knows whether in the same way. */
	inconclusive: string[]
	evidence: Record<string, unknown>
}

const TAIL = 2000

/** Judges the report of a `validate` task: the engines must agree on the tree, and no command may fail in a new way. */
export function judgeValidation(task: ContainerTask, candidateTree: string): Validated {
	if (task.status !== 'completed') {
		const { code, message } = task.error ?? { code: 'VALIDATION_FAILED', message: 'The validation ended without a result.' }
		const failure = new AppError(isErrorCode(code) ? code : 'VALIDATION_FAILED', message)
		return { failure, inconclusive: [], evidence: { error: { code, message } } }
	}
	const parsed = ValidateOutput.safeParse(task.output)
	if (!parsed.success) return { failure: new AppError('VALIDATION_FAILED', 'The validation result is not readable.'), inconclusive: [], evidence: {} }
	const { treeId, baseTree, agrees, engineError, phasesMs } = parsed.data
	const commands = parsed.data.commands.map((command) => ({ ...command, outputTail: command.outputTail.slice(-TAIL), base: command.base && { ...command.base, outputTail: command.base.outputTail.slice(-TAIL) } }))
	const evidence = { treeId, candidateTree, baseTree, engineError, phasesMs, commands }
	if (!agrees || treeId !== candidateTree) {
		const message = `The Patch Manager made tree ${treeId || '(none)'} where the orchestrator made ${candidateTree}${engineError ? `: ${engineError}` : ''}. Nothing was landed.`
		return { failure: new AppError('PATCH_ENGINES_DISAGREE', message, { treeId, candidateTree }), inconclusive: [], evidence }
	}
	const failed = commands.filter(({ verdict }) => verdict === 'new-failure')
	const inconclusive = commands.flatMap(({ verdict, command }) => (verdict === 'inconclusive' ? [command] : []))
	if (failed.length === 0) return { failure: null, inconclusive, evidence }
	const told = failed.map(({ command, timedOut, exitCode, newFailures }) => {
		const ending = timedOut ? 'ran out of time' : `exited with ${exitCode ?? 'a signal'}`
		return `"${command}" ${ending}${newFailures.length === 0 ? '' : ` (new: ${newFailures.slice(0, 3).join('; ')}${newFailures.length > 3 ? ` and ${newFailures.length - 3} more` : ''})`}`
	})
	return { failure: new AppError('VALIDATION_FAILED', `On the candidate ${told.join('; ')}. The patch set is kept.`, { commands: failed }), inconclusive, evidence }
}
