import { ValidateOutput } from '@shared/contracts'
import type { ContainerTask, Failure } from '@shared/contracts'
import { cancelCode } from './cancelReason.ts'

/** Why an agent run failed; null when it did not. A cancel that somebody asked for outranks what the runner says. */
export function agentFailure(task: ContainerTask, cancelReason: string | null, now: number): Failure | null {
	if (task.status === 'completed' && cancelReason === null) return null
	if (cancelReason !== null) {
		return { code: cancelCode(cancelReason), message: cancelReason }
	}
	if (task.outcome === 'timeout') return { code: 'AGENT_TIMEOUT', message: task.error?.message ?? 'The run took longer than its task may take.' }
	if (task.error === null) return { code: 'AGENT_FAILED', message: 'The run failed and the runner gave no reason.' }
	const { code, message, retryAfterMs } = task.error
	return { code, message, ...(retryAfterMs === undefined ? {} : { retryAt: now + retryAfterMs }) }
}

/** What a validation proves. `evidence` goes to the log whatever the verdict. */
export function judgeValidation(task: ContainerTask, candidateTree: string | null): { failure: Failure | null; evidence: Record<string, unknown> } {
	if (task.status !== 'completed') {
		const failure = task.error ? { code: task.error.code, message: task.error.message } : { code: 'VALIDATION_FAILED', message: 'The validation ended without a result.' }
		return { failure, evidence: { error: failure } }
	}
	const parsed = ValidateOutput.safeParse(task.output)
	if (!parsed.success) return { failure: { code: 'VALIDATION_FAILED', message: 'The validation result is not readable.' }, evidence: {} }
	const { treeId, agrees, engineError, commands, phasesMs } = parsed.data
	const evidence = { treeId, candidateTree, engineError, phasesMs, commands: commands.map(({ outputTail, ...command }) => ({ ...command, outputTail: outputTail.slice(-2000) })) }
	if (!agrees || treeId !== candidateTree) {
		const message = `The Patch Manager made tree ${treeId || '(none)'} where the orchestrator made ${candidateTree ?? '(none)'}${engineError ? `: ${engineError}` : ''}. Nothing was landed.`
		return { failure: { code: 'PATCH_ENGINES_DISAGREE', message }, evidence }
	}
	const failed = commands.filter((command) => command.exitCode !== 0)
	if (failed.length === 0) return { failure: null, evidence }
	const told = failed.map((command) => `"${command.command}" ${command.timedOut ? 'ran out of time' : `exited with ${command.exitCode ?? 'a signal'}`}`).join('; ')
	return { failure: { code: 'VALIDATION_FAILED', message: `On the candidate ${told}. The patch set is kept.`, details: { commands: failed } }, evidence }
}
