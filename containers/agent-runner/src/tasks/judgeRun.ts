import type { AgentRunParameters, TaskError } from '@shared/contracts'
import type { AgentReport } from '../adapters/adapter.ts'
import { classifyFault } from '../adapters/classify.ts'
import type { Executed } from '../execute.ts'
import type { Collected } from '../git/collectPatchSet.ts'
import type { StopReason } from '../lease.ts'
import { clip } from '../taskFailure.ts'

export interface RunFacts {
	executed: Executed
	report: AgentReport
	collected: Collected
	limits: Pick<AgentRunParameters, 'wallClockMs' | 'stallMs'>
	stopReason: StopReason | null
	isLeaking: boolean
}

/**
 * Null when the run succeeded: exit code 0, the terminal event, no error in it, and a change that can be a patch set. Each of
 * them alone is wrong for some CLI. A limit of ours outranks everything, because several CLIs end with 0 when they are stopped.
 */
export function judgeRun(facts: RunFacts): TaskError | null {
	const { executed, report, collected } = facts
	return (
		stopped(facts) ??
		notStarted(facts) ??
		(report.fault ? classifyFault(report.fault, executed.stderrTail) : null) ??
		incomplete(facts) ??
		(facts.isLeaking ? failure('PATCH_POLICY', 'The changes hold a token or key of this run (rule "secret"). They were not handed in.') : null) ??
		(collected.refusal ? failure(collected.refusal.code, collected.refusal.message) : null) ??
		(collected.changes ? null : failure('NO_CHANGES', `The agent ended without changing a file. It said: ${report.summary || 'nothing'}`))
	)
}

function stopped({ executed, limits, stopReason }: RunFacts): TaskError | null {
	if (stopReason?.kind === 'cancelled') return failure(stopReason.code, stopReason.message)
	if (executed.ending === 'timeout') return failure('AGENT_TIMEOUT', `The agent was stopped after ${limits.wallClockMs} ms, its wall-clock limit.`)
	if (executed.ending === 'stalled') return failure('AGENT_STALLED', `The agent was stopped after ${limits.stallMs} ms without any output.`)
	return null
}

function notStarted({ executed, report }: RunFacts): TaskError | null {
	const { startError, exitCode, stderrTail } = executed
	if (startError !== null) return failure('AGENT_FAILED', `The agent could not be started: ${startError}`)
	const hasSpoken = report.hasEnded || report.sessionId !== null || report.summary !== ''
	const words = exitCode === 0 || hasSpoken ? null : /^(bwrap|docker|setpriv|sudo): .*$/m.exec(stderrTail)
	return words && failure('ISOLATION_UNAVAILABLE', `The isolation could not be set up: ${words[0]}`)
}

function incomplete({ executed, report }: RunFacts): TaskError | null {
	const { exitCode, signal, stderrTail } = executed
	if (exitCode === 0 && report.hasEnded) return null
	const how = signal ? `was ended by ${signal}` : `ended with exit code ${exitCode ?? 'unknown'}`
	const message = `The agent ${how}${report.hasEnded ? '' : ' and without its closing event'}. Its last words: ${stderrTail.trim().slice(-1500) || report.summary || 'none'}`
	const { code } = classifyFault({ message: stderrTail, status: null }, '')
	return failure(code, message)
}

function failure(code: string, message: string): TaskError {
	return { code, message: clip(message, 3900), retryable: false }
}
