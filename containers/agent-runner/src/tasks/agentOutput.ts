import type { AgentRunOutput, AgentRunParameters, PatchSet } from '@shared/contracts'
import type { AgentReport } from '../adapters/adapter.ts'
import type { Executed } from '../execute.ts'
import type { Collected } from '../git/collectPatchSet.ts'
import type { Redactor } from '../redact.ts'
import { clip } from '../taskFailure.ts'

export interface AgentResult {
	parameters: AgentRunParameters
	report: AgentReport
	executed: Executed
	collected: Collected
	cliVersion: string
	isolation: AgentRunOutput['isolation']
	phasesMs: Record<string, number>
}

const MAX_SUMMARY = 100_000

/**
 * The output of a run, whether it is completed or failed. `isLeaking`: the changes hold a token or key of this run; they are
 * then not in the output, because a patch set is stored and landed.
 */
export function agentOutput(result: AgentResult, redactor: Redactor): { output: AgentRunOutput; isLeaking: boolean } {
	const { report, executed, collected, parameters } = result
	const model = report.model ?? parameters.model
	const summary = clip(redactor.redact(report.summary), MAX_SUMMARY)
	const patchSet = toPatchSet(result, { summary, model })
	const isLeaking = patchSet !== null && redactor.finds(JSON.stringify([patchSet.files, patchSet.patches]))
	const output: AgentRunOutput = {
		patchSet: isLeaking ? null : patchSet,
		summary: collected.refusal ? withEvidence(summary, collected, redactor) : summary,
		sessionId: report.sessionId,
		model,
		cliVersion: result.cliVersion,
		usage: report.usage,
		exitCode: executed.exitCode,
		signal: executed.signal,
		isolation: result.isolation,
		phasesMs: result.phasesMs,
		unknownEvents: report.unknownEvents,
		stderrTail: redactor.redact(executed.stderrTail).slice(-20_000),
	}
	return { output, isLeaking }
}

function toPatchSet(result: AgentResult, { summary, model }: { summary: string; model: string | null }): PatchSet | null {
	const { parameters, collected, report, cliVersion } = result
	return (
		collected.changes && {
			patch_set_id: parameters.patchSetId,
			task_id: parameters.taskUuid,
			execution_id: parameters.executionId,
			order_id: parameters.orderId,
			base_commit: parameters.baseCommit,
			...collected.changes,
			summary,
			metadata: {
				provider: parameters.provider,
				...(model ? { model: clip(model, 200) } : {}),
				tool_version: clip(cliVersion, 200),
				...(report.usage ? { usage: report.usage } : {}),
			},
		}
	)
}

/** What was made and cannot be a patch set stays readable. */
function withEvidence(summary: string, { refusal, diff }: Collected, redactor: Redactor): string {
	return clip(`${summary}\n\nNot taken as a patch set: ${refusal?.message ?? ''}\n\n${redactor.redact(diff.slice(0, 4 * MAX_SUMMARY))}`, MAX_SUMMARY)
}
